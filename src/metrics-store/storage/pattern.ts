import { RE2JS } from 're2js';

/** No text takes long. A long pattern on all the texts of a store may, and the process does nothing else meanwhile. */
const LEARN_TIME_MAX_MS = 1_000;
const REMEMBERED_MAX = 50_000;
const COMPILED_MAX = 50;

/** A regular expression that cannot be used, with the reason. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

/** A regular expression that must match a text as a whole. */
export interface Pattern {
  /** All the texts that match, when it is nothing but a list of them. */
  readonly literals: ReadonlySet<string> | undefined;
  test(text: string): boolean;
  /** Tests many texts within a limit of time; `test` then remembers. Throws a PatternError. */
  learn(texts: Iterable<string>): void;
  /** The template with `$1`, `${1}`, `$name` and `${name}` filled in, and `$$` for a dollar; undefined when nothing matches. */
  expand(template: string, text: string): string | undefined;
}

const compiled = new Map<string, Pattern>();

/** Compiles the syntax of RE2, which Prometheus has. Throws a PatternError for everything else. */
export function compilePattern(source: string): Pattern {
  const known = compiled.get(source);
  if (known) return known;
  const pattern = makePattern(source);
  if (compiled.size >= COMPILED_MAX) compiled.clear();
  compiled.set(source, pattern);
  return pattern;
}

function makePattern(source: string): Pattern {
  const literals = literalsOf(source);
  if (literals) {
    const expand = (template: string, text: string) => expandMatch(expressionOf(source), template, text);
    return { literals, test: (text) => literals.has(text), learn: () => {}, expand };
  }
  const expression = expressionOf(source);
  const expand = (template: string, text: string) => expandMatch(expression, template, text);
  const remembered = new Map<string, boolean>();
  const learn = (texts: Iterable<string>) => {
    const news = [...texts].filter((text) => !remembered.has(text));
    if (news.length === 0) return;
    if (remembered.size + news.length > REMEMBERED_MAX) remembered.clear();
    const untilMs = performance.now() + LEARN_TIME_MAX_MS;
    for (const text of news) {
      remembered.set(text, expression.testExact(text));
      if (performance.now() > untilMs) {
        throw new PatternError(
          `the regular expression ${source} takes too long on so many label values; make it simpler`,
        );
      }
    }
  };
  const test = (text: string) => {
    if (!remembered.has(text)) learn([text]);
    return remembered.get(text) === true;
  };
  return { literals: undefined, test, learn, expand };
}

function expressionOf(source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (error) {
    throw new PatternError((error as Error).message);
  }
}

/** As Go's regexp expands a template: a group that is not there, or has matched nothing, is empty. */
function expandMatch(expression: RE2JS, template: string, text: string): string | undefined {
  const matcher = expression.matcher(text);
  if (!matcher.matches()) return undefined;
  const named = matcher.getNamedGroups();
  return template.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (whole, plain?: string, braced?: string) => {
    if (whole === '$$') return '$';
    const name = plain ?? braced ?? '';
    if (!/^\d+$/.test(name)) return named[name] ?? '';
    return (Number(name) <= matcher.groupCount() && matcher.group(Number(name))) || '';
  });
}

/** `a|b\.c` is a list of texts; stores of every kind answer those without matching anything. */
function literalsOf(source: string): ReadonlySet<string> | undefined {
  const texts: string[] = [];
  let text = '';
  for (let at = 0; at < source.length; at += 1) {
    const character = source[at] as string;
    if (character === '|') {
      texts.push(text);
      text = '';
    } else if (character === '\\') {
      const escaped = source[at + 1] ?? '';
      if (!/^[!-/:-@[-`{-~]$/.test(escaped)) return undefined;
      text += escaped;
      at += 1;
    } else if ('.+*?()[]{}^$'.includes(character)) return undefined;
    else text += character;
  }
  return new Set([...texts, text]);
}

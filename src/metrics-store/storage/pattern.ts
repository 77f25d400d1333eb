import { createContext, Script } from 'node:vm';
import { PatternError } from './pattern-error.ts';
import { translatePattern } from './translate-pattern.ts';

/** Prometheus' expressions (RE2) never take long; JavaScript's can, and then the whole process stands still. */
const MATCH_TIME_MAX_MS = 500;
const REMEMBERED_MAX = 50_000;
const COMPILED_MAX = 200;

/** A regular expression that must match a text as a whole. */
export interface Pattern {
  /** All the texts that match, when it is nothing but a list of them. */
  readonly literals: ReadonlySet<string> | undefined;
  test(text: string): boolean;
  /** Finds out about many texts at the price of one look at the clock; `test` then remembers. */
  learn(texts: Iterable<string>): void;
  exec(text: string): RegExpExecArray | undefined;
}

const compiled = new Map<string, Pattern>();

/** Throws a PatternError for what RE2 would refuse, and for the little of it that is not supported here. */
export function compilePattern(source: string): Pattern {
  const known = compiled.get(source);
  if (known) return known;
  const pattern = makePattern(source);
  if (compiled.size >= COMPILED_MAX) compiled.clear();
  compiled.set(source, pattern);
  return pattern;
}

function makePattern(source: string): Pattern {
  const expression = expressionOf(source);
  const literals = literalsOf(source);
  const exec = (text: string) => guarded(source, () => expression.exec(text) ?? undefined);
  if (literals) return { literals, test: (text) => literals.has(text), learn: () => {}, exec };
  const remembered = new Map<string, boolean>();
  const learn = (texts: Iterable<string>) => {
    const news = [...texts].filter((text) => !remembered.has(text));
    if (news.length === 0) return;
    if (remembered.size + news.length > REMEMBERED_MAX) remembered.clear();
    guarded(source, () => {
      for (const text of news) remembered.set(text, expression.test(text));
    });
  };
  const test = (text: string) => {
    const answer = remembered.get(text);
    if (answer !== undefined) return answer;
    learn([text]);
    return remembered.get(text) === true;
  };
  return { literals: undefined, test, learn, exec };
}

function expressionOf(source: string): RegExp {
  const translated = translatePattern(source);
  try {
    return new RegExp(`^(?:${translated})$`, 'u');
  } catch (error) {
    throw new PatternError(`${source}: ${(error as Error).message.replace(/^Invalid regular expression: /, '')}`);
  }
}

const room: { work: () => unknown } = { work: () => undefined };
const context = createContext(room);
const script = new Script('work()');

/** The only way to end a match that runs away: the engine looks for a termination between its steps. */
function guarded<T>(source: string, work: () => T): T {
  room.work = work;
  try {
    return script.runInContext(context, { timeout: MATCH_TIME_MAX_MS }) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    throw new PatternError(`the regular expression ${source} takes too long on some label value; make it simpler`);
  } finally {
    room.work = () => undefined;
  }
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

import { PatternError } from './pattern-error.ts';

const POSIX: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7f',
  blank: '\\t ',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`\\{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};
const REPEAT_MAX = 1000;
const PUNCTUATION = /^[!-/:-@[-`{-~]$/;
const SYNTAX = /[\^$\\.*+?()[\]{}|/]/;

interface Group {
  /** A dot matches newlines too. */
  readonly isDotAll: boolean;
  /** Flags set half-way, such as `(?i)`: a group of their own, which ends with the one they stand in. */
  readonly opened: readonly string[];
}

/** Says in JavaScript (flag `u`) what an RE2 expression says. Throws a PatternError for what RE2 has not, or this has not. */
export function translatePattern(source: string): string {
  return new Translation(source).run();
}

class Translation {
  readonly #source: string;
  #at = 0;
  #out = '';
  #group: Group = { isDotAll: false, opened: [] };
  readonly #outer: Group[] = [];

  constructor(source: string) {
    this.#source = source;
  }

  run(): string {
    while (this.#at < this.#source.length) this.#step();
    if (this.#outer.length > 0) this.#refuse('missing closing )');
    return this.#out + ')'.repeat(this.#group.opened.length);
  }

  #step(): void {
    const character = String.fromCodePoint(this.#source.codePointAt(this.#at) as number);
    this.#at += character.length;
    switch (character) {
      case '\\':
        this.#out += this.#escape(false);
        return;
      case '[':
        this.#out += this.#characterClass();
        return;
      case '(':
        this.#open();
        return;
      case ')': {
        const outer = this.#outer.pop();
        if (!outer) this.#refuse('unexpected )');
        this.#out += ')'.repeat(this.#group.opened.length + 1);
        this.#group = outer as Group;
        return;
      }
      case '|':
        // Flags hold beyond a bar, but the bar must stay outside of their group.
        this.#out += `${')'.repeat(this.#group.opened.length)}|${this.#group.opened.join('')}`;
        return;
      case '.':
        this.#out += this.#group.isDotAll ? '[^]' : '[^\\n]';
        return;
      case '{':
        this.#out += this.#repetition();
        return;
      case '}':
      case ']':
      case '/':
        this.#out += `\\${character}`;
        return;
      default:
        this.#out += character;
    }
  }

  #open(): void {
    this.#outer.push(this.#group);
    const rest = this.#source.slice(this.#at);
    const named = /^\?P<([A-Za-z_][A-Za-z0-9_]*)>/.exec(rest);
    const flagged = /^\?([ims]*)(?:-([ims]+))?([:)])/.exec(rest);
    if (named) {
      this.#at += named[0].length;
      this.#out += `(?<${named[1]}>`;
      this.#group = { ...this.#group, opened: [] };
    } else if (flagged) {
      this.#at += flagged[0].length;
      this.#flags(flagged[1] ?? '', flagged[2] ?? '', flagged[3] === ':');
    } else if (rest.startsWith('?')) {
      this.#refuse(`not supported: (${rest.slice(0, 3)}`);
    } else {
      this.#out += '(';
      this.#group = { ...this.#group, opened: [] };
    }
  }

  #flags(on: string, off: string, isGroup: boolean): void {
    // A dot is translated by itself, so the others are all that JavaScript has to know.
    const kept = (flags: string) => [...new Set(flags)].filter((flag) => flag !== 's').join('');
    const opening = `(?${kept(on)}${kept(off) && `-${kept(off)}`}:`;
    const isDotAll = on.includes('s') || (this.#group.isDotAll && !off.includes('s'));
    this.#out += opening;
    if (isGroup) {
      this.#group = { isDotAll, opened: [] };
      return;
    }
    const outer = this.#outer.pop() as Group;
    this.#group = { isDotAll, opened: [...outer.opened, opening] };
  }

  #repetition(): string {
    const match = /^(\d+)(?:(,)(\d*))?\}/.exec(this.#source.slice(this.#at));
    if (!match) return '\\{';
    if (Number(match[1]) > REPEAT_MAX || Number(match[3] ?? 0) > REPEAT_MAX) {
      this.#refuse(`invalid repeat count: {${match[0]}`);
    }
    this.#at += match[0].length;
    return `{${match[0]}`;
  }

  #characterClass(): string {
    let out = '[';
    if (this.#source[this.#at] === '^') {
      out += '^';
      this.#at += 1;
    }
    for (let isFirst = true; ; isFirst = false) {
      const point = this.#source.codePointAt(this.#at);
      if (point === undefined) this.#refuse('missing closing ]');
      const character = String.fromCodePoint(point as number);
      this.#at += character.length;
      if (character === ']' && !isFirst) return `${out}]`;
      const posix = character === '[' ? /^:(\^?)(\w+):\]/.exec(this.#source.slice(this.#at)) : null;
      if (posix) {
        const set = POSIX[posix[2] ?? ''];
        if (set === undefined || posix[1] !== '') this.#refuse(`not supported: [${posix[0]}`);
        this.#at += posix[0].length;
        out += set;
      } else if (character === '\\') out += this.#escape(true);
      else if (character === '-') out += '-';
      else out += SYNTAX.test(character) ? `\\${character}` : character;
    }
  }

  #escape(isInClass: boolean): string {
    const point = this.#source.codePointAt(this.#at);
    if (point === undefined) this.#refuse('trailing backslash at end of expression');
    const character = String.fromCodePoint(point as number);
    this.#at += character.length;
    if (PUNCTUATION.test(character)) {
      if (SYNTAX.test(character)) return `\\${character}`;
      return isInClass && character === '-' ? '\\-' : character;
    }
    switch (character) {
      case 'd':
      case 'D':
      case 'w':
      case 'W':
      case 'f':
      case 'n':
      case 'r':
      case 't':
      case 'v':
        return `\\${character}`;
      case 'a':
        return '\\x07';
      case 's':
        return isInClass ? '\\t\\n\\f\\r ' : '[\\t\\n\\f\\r ]';
      case 'x':
        return this.#hex();
      case 'p':
      case 'P':
        return this.#property(character);
      default:
        return isInClass ? this.#refuse(`invalid escape sequence: \\${character}`) : this.#assertion(character);
    }
  }

  #assertion(character: string): string {
    switch (character) {
      case 'S':
        return '[^\\t\\n\\f\\r ]';
      case 'b':
      case 'B':
        return `\\${character}`;
      case 'A':
        return '(?<![^])';
      case 'z':
        return '(?![^])';
      case 'Q': {
        const end = this.#source.indexOf('\\E', this.#at);
        const text = this.#source.slice(this.#at, end < 0 ? undefined : end);
        this.#at = end < 0 ? this.#source.length : end + 2;
        return text.replace(/[\^$\\.*+?()[\]{}|/]/g, '\\$&');
      }
      default:
        return this.#refuse(`invalid escape sequence: \\${character}`);
    }
  }

  #hex(): string {
    const match = /^(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/.exec(this.#source.slice(this.#at));
    const point = Number.parseInt(match?.[1] ?? match?.[2] ?? '', 16);
    if (!match || point > 0x10ffff) this.#refuse('invalid escape sequence: \\x');
    this.#at += match?.[0].length ?? 0;
    return `\\u{${point.toString(16)}}`;
  }

  #property(letter: string): string {
    const match = /^(?:([A-Z])|\{(\^?)([A-Za-z_]+)\})/.exec(this.#source.slice(this.#at));
    if (!match) this.#refuse(`invalid character class range: \\${letter}`);
    this.#at += match?.[0].length ?? 0;
    const name = match?.[1] ?? match?.[3] ?? '';
    const isNegated = (letter === 'P') !== (match?.[2] === '^');
    // One or two letters are a category; the rest of what RE2 knows are scripts.
    return `\\${isNegated ? 'P' : 'p'}{${name.length <= 2 ? name : `Script=${name}`}}`;
  }

  #refuse(why: string): never {
    throw new PatternError(`error parsing regexp: ${why}: \`${this.#source}\``);
  }
}

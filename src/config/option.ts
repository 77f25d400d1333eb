import type { SecretRef } from './secret.ts';
import {
  booleanKind,
  choiceKind,
  durationKind,
  integerKind,
  type ListenAddress,
  listenKind,
  listKind,
  numberKind,
  pairsKind,
  pathKind,
  type Stored,
  sizeKind,
  textKind,
  urlKind,
  type ValueKind,
} from './value-kind.ts';

/** `live`: a change takes effect in the running process. `restart`: at the next start. */
type Reload = 'live' | 'restart';

export interface OptionRules {
  /** Bounds of a number, written as the option is written (`1s`, `64KiB`, `3`). */
  readonly min?: string;
  readonly max?: string;
  readonly pattern?: RegExp;
  /** What `pattern` asks for, to stand after "must be". */
  readonly patternSays?: string;
  /** A shorter flag beside the one that follows from the key. */
  readonly flag?: string;
  readonly reload?: Reload;
  readonly isSensitive?: boolean;
}

/** One thing that can be set: declared here, read from files, environment and flags, checked, described and shown. */
export class Option<Value, Suffix extends string = ''> {
  readonly kind: ValueKind<unknown>;
  readonly defaultText: string | undefined;
  readonly doc: string;
  readonly rules: OptionRules;
  readonly choices: readonly string[] | undefined;
  /** Only for the type: what the finished configuration holds under which ending. */
  declare readonly value: Value;
  declare readonly suffix: Suffix;

  constructor(options: {
    kind: ValueKind<unknown>;
    defaultText: string | undefined;
    doc: string;
    rules?: OptionRules | undefined;
    choices?: readonly string[] | undefined;
  }) {
    this.kind = options.kind;
    this.defaultText = options.defaultText;
    this.doc = options.doc;
    this.rules = options.rules ?? {};
    this.choices = options.choices;
  }

  /** What is wrong with a value, as a rule that stands after "must be"; undefined when nothing is. */
  fault(stored: Stored): string | undefined {
    try {
      const value = typeof stored === 'string' ? this.kind.read(stored) : stored;
      return this.#outOfBounds(value);
    } catch (error) {
      return (error as Error).message;
    }
  }

  #outOfBounds(value: Stored): string | undefined {
    const { min, max, pattern, patternSays } = this.rules;
    if (typeof value === 'number') {
      if (min !== undefined && value < Number(this.kind.read(min))) return `at least ${min}`;
      if (max !== undefined && value > Number(this.kind.read(max))) return `at most ${max}`;
    }
    if (pattern) {
      const texts = typeof value === 'object' ? value : [String(value)];
      if (texts.some((text) => !pattern.test(text))) return patternSays ?? `like ${pattern.source}`;
    }
    return undefined;
  }
}

/** A secret is never a value in a file or a flag: it is a file to read, or, for development, an environment variable. */
export class SecretOption {
  readonly doc: string;
  constructor(doc: string) {
    this.doc = doc;
  }
}

export interface OptionGroup {
  readonly [key: string]: Option<unknown, string> | SecretOption | OptionGroup;
}

type TypedKey<Key extends string, Node> = Node extends Option<unknown, infer Suffix> ? `${Key}${Suffix}` : Key;

/** The finished configuration that a group of options gives: keys end in their unit. */
export type Typed<Group> = {
  readonly [Key in keyof Group & string as TypedKey<Key, Group[Key]>]: Group[Key] extends Option<infer Value, string>
    ? Value
    : Group[Key] extends SecretOption
      ? SecretRef
      : Typed<Group[Key]>;
};

export function duration(defaultText: string, doc: string, rules?: OptionRules): Option<number, 'Ms'> {
  return new Option({ kind: durationKind, defaultText, doc, rules });
}

export function size(defaultText: string, doc: string, rules?: OptionRules): Option<number, 'Bytes'> {
  return new Option({ kind: sizeKind, defaultText, doc, rules });
}

export function integer(defaultText: string, doc: string, rules?: OptionRules): Option<number> {
  return new Option({ kind: integerKind, defaultText, doc, rules });
}

export function number(defaultText: string, doc: string, rules?: OptionRules): Option<number> {
  return new Option({ kind: numberKind, defaultText, doc, rules });
}

export function boolean(defaultText: 'true' | 'false', doc: string, rules?: OptionRules): Option<boolean> {
  return new Option({ kind: booleanKind, defaultText, doc, rules });
}

export function choice<const Choice extends string>(
  choices: readonly Choice[],
  defaultText: Choice,
  doc: string,
  rules?: OptionRules,
): Option<Choice> {
  return new Option({ kind: choiceKind(choices), defaultText, doc, rules, choices });
}

export function text(defaultText: string, doc: string, rules?: OptionRules): Option<string> {
  return new Option({ kind: textKind, defaultText, doc, rules });
}

export function url(defaultText: string, doc: string, rules?: OptionRules): Option<string> {
  return new Option({ kind: urlKind, defaultText, doc, rules });
}

export function list(doc: string, rules?: OptionRules, defaultText = ''): Option<readonly string[]> {
  return new Option({ kind: listKind, defaultText, doc, rules });
}

export function pairs(doc: string, rules?: OptionRules): Option<Readonly<Record<string, string>>> {
  return new Option({ kind: pairsKind, defaultText: '', doc, rules });
}

export function listen(defaultText: string, doc: string, rules?: OptionRules): Option<ListenAddress | undefined> {
  return new Option({ kind: listenKind, defaultText, doc, rules });
}

/** Options that may stay unset: the finished configuration then holds undefined. */
export const optional = {
  boolean: (doc: string, rules?: OptionRules): Option<boolean | undefined> =>
    new Option({ kind: booleanKind, defaultText: undefined, doc, rules }),
  text: (doc: string, rules?: OptionRules): Option<string | undefined> =>
    new Option({ kind: textKind, defaultText: undefined, doc, rules }),
  url: (doc: string, rules?: OptionRules): Option<string | undefined> =>
    new Option({ kind: urlKind, defaultText: undefined, doc, rules }),
  path: (doc: string, rules?: OptionRules): Option<string | undefined> =>
    new Option({ kind: pathKind, defaultText: undefined, doc, rules }),
  duration: (doc: string, rules?: OptionRules): Option<number | undefined, 'Ms'> =>
    new Option({ kind: durationKind, defaultText: undefined, doc, rules }),
  number: (doc: string, rules?: OptionRules): Option<number | undefined> =>
    new Option({ kind: numberKind, defaultText: undefined, doc, rules }),
  integer: (doc: string, rules?: OptionRules): Option<number | undefined> =>
    new Option({ kind: integerKind, defaultText: undefined, doc, rules }),
};

export function secret(doc: string): SecretOption {
  return new SecretOption(doc);
}

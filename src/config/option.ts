import type { SecretRef } from './secret.ts';
import {
  booleanKind,
  choiceKind,
  durationKind,
  integerKind,
  listenKind,
  listKind,
  numberKind,
  pairsKind,
  pathKind,
  sizeKind,
  textKind,
  urlKind,
  type ValueKind,
} from './value-kind.ts';

export interface OptionRules {
  /** Bounds of a number, written as the option is written (`1s`, `64KiB`, `3`). */
  readonly min?: string;
  readonly max?: string;
  readonly pattern?: RegExp;
  /** What `pattern` asks for, to stand after "must be". */
  readonly patternSays?: string;
  readonly choices?: readonly string[];
  /** A shorter flag beside the one that follows from the key. */
  readonly flag?: string;
  /** `live`: a change takes effect in the running process. Otherwise at the next start. */
  readonly reload?: 'live';
}

/** One thing that can be set: an entry of convict's schema, but for the variable, which follows from its place. */
export interface Option<Value = unknown, Suffix extends string = string> extends OptionRules {
  readonly doc: string;
  readonly kind: ValueKind;
  /** The name of the kind: convict knows each kind of value as a format. */
  readonly format: string;
  /** As it would be written in a file; undefined: the option may stay unset. */
  readonly default: string | undefined;
  readonly sensitive: boolean;
  /** Only for the type: what the finished configuration holds, under which ending. */
  readonly finished?: { readonly value: Value; readonly suffix: Suffix };
}

export interface OptionGroup {
  readonly [key: string]: Option | OptionGroup;
}

/** The finished configuration that a group of options gives: keys end in their unit. */
export type Typed<Group> = {
  readonly [Key in keyof Group & string as TypedKey<Key, Group[Key]>]: Group[Key] extends Option<infer Value>
    ? Value
    : Typed<Group[Key]>;
};

type TypedKey<Key extends string, Node> = Node extends Option<unknown, infer Suffix> ? `${Key}${Suffix}` : Key;

export function isOption(node: Option | OptionGroup): node is Option {
  return 'default' in node;
}

/** An option of this kind; without a default, the finished configuration holds undefined while no layer sets it. */
export function option<Value, Suffix extends string>(
  kind: ValueKind<Value, Suffix>,
  rules: { default?: string; doc: string } & OptionRules,
): Option<Value, Suffix> {
  return { default: undefined, sensitive: false, ...rules, kind, format: kind.name };
}

function required<Value, Suffix extends string>(kind: ValueKind<Value, Suffix>) {
  return (defaultText: string, doc: string, rules: OptionRules = {}) =>
    option(kind, { default: defaultText, doc, ...rules });
}

function unset<Value, Suffix extends string>(kind: ValueKind<Value, Suffix>) {
  return (doc: string, rules: OptionRules = {}) => option<Value | undefined, Suffix>(kind, { doc, ...rules });
}

export const duration = required(durationKind);
export const size = required(sizeKind);
export const integer = required(integerKind);
export const number = required(numberKind);
export const boolean = required(booleanKind);
export const text = required(textKind);
export const url = required(urlKind);
export const list = required(listKind);
export const pairs = required(pairsKind);
export const listen = required(listenKind);

export function choice<const Choice extends string>(
  choices: readonly Choice[],
  defaultText: Choice,
  doc: string,
  rules: OptionRules = {},
): Option<Choice, ''> {
  return option(choiceKind as ValueKind<Choice, ''>, { default: defaultText, doc, choices, ...rules });
}

/** Options that may stay unset. */
export const optional = {
  boolean: unset(booleanKind),
  text: unset(textKind),
  url: unset(urlKind),
  path: unset(pathKind),
  duration: unset(durationKind),
  number: unset(numberKind),
  integer: unset(integerKind),
};

/** Never a value in a file or a flag: it is a file to read, or, for development, an environment variable. */
export function secret(doc: string): Option<SecretRef, ''> {
  return { ...option<SecretRef, ''>(textKind as ValueKind<never, ''>, { doc }), sensitive: true };
}

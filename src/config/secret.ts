import { inspect } from 'node:util';
import { MASK } from '../lib/scrub.ts';

/** A value that must not be seen. Only `reveal` returns it; every other way of writing it down is masked. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [Symbol.toPrimitive](): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}

/** Where a secret comes from: a file that is watched, or a value that was handed in. Neither: there is none. */
export interface SecretRef {
  readonly file: string | undefined;
  readonly inline: Secret | undefined;
}

import type { Logger } from 'pino';
import type { Clock } from '../lib/clock.ts';

const KEYS_MAX = 1000;

interface Spell {
  startMs: number;
  held: number;
}

/** Says the same trouble once per span, then again with how often it came meanwhile: a store that is down is one story. */
export class RareLog {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #everyMs: number;
  readonly #spells = new Map<string, Spell>();

  constructor(options: { clock: Clock; logger: Logger; everyMs: number }) {
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#everyMs = options.everyMs;
  }

  /** `key` tells one trouble from another; it must not hold text without bound, such as an error message. */
  write(level: 'info' | 'warn' | 'error', key: string, fields: object, message: string): void {
    const nowMs = this.#clock.monotonicMs();
    const spell = this.#spells.get(key);
    if (spell && nowMs - spell.startMs < this.#everyMs) {
      spell.held += 1;
      return;
    }
    this.#spells.delete(key);
    if (this.#spells.size >= KEYS_MAX) {
      const [oldest] = this.#spells.keys();
      if (oldest !== undefined) this.#spells.delete(oldest);
    }
    this.#spells.set(key, { startMs: nowMs, held: 0 });
    const held = spell?.held ?? 0;
    this.#logger[level](held > 0 ? { ...fields, repeated: held } : fields, message);
  }

  /** It is over: the next time is news again. Returns how often it had come without a word. */
  clear(key: string): number {
    const held = this.#spells.get(key)?.held ?? 0;
    this.#spells.delete(key);
    return held;
  }
}

import type { Logger } from 'pino';
import type { Clock } from '../lib/clock.ts';

const KEYS_MAX = 1000;

/** Writes the same problem once per period, then again with how often it came meanwhile: a store that is down is one line. */
export class RareLog {
  readonly #options: { clock: Clock; logger: Logger; everyMs: number };
  readonly #periods = new Map<string, { readonly startMs: number; held: number }>();

  constructor(options: { clock: Clock; logger: Logger; everyMs: number }) {
    this.#options = options;
  }

  /** `key` says which problem it is; it must not hold unbounded text, such as an error message. */
  write(level: 'info' | 'warn' | 'error', key: string, fields: object, message: string): void {
    const { clock, logger, everyMs } = this.#options;
    const nowMs = clock.monotonicMs();
    const period = this.#periods.get(key);
    if (period && nowMs - period.startMs < everyMs) {
      period.held += 1;
      return;
    }
    this.#periods.delete(key);
    if (this.#periods.size >= KEYS_MAX) {
      const [oldest] = this.#periods.keys();
      if (oldest !== undefined) this.#periods.delete(oldest);
    }
    this.#periods.set(key, { startMs: nowMs, held: 0 });
    const held = period?.held ?? 0;
    logger[level](held > 0 ? { ...fields, repeated: held } : fields, message);
  }

  /** The problem is over: the next one is written at once. Returns how many lines were held back. */
  clear(key: string): number {
    const held = this.#periods.get(key)?.held ?? 0;
    this.#periods.delete(key);
    return held;
  }
}

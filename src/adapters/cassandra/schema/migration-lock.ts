import { sleep } from '../../../lib/clock.ts';
import { StoreError } from '../../../ports/store-error.ts';
import type { Session } from '../session.ts';
import { readSetting, swapSetting } from './settings.ts';

const NAME = 'migration-lock';
const POLL_MS = 500;
/** A holder changes the lock between any two steps, and no step is given longer than half of this. */
const STALE_MS = 60_000;

/** One migration at a time. The lock of a holder that died is taken over after it was seen unchanged for a minute. */
export class MigrationLock {
  readonly #session: Session;
  readonly #name: string;
  #turns = 0;
  #value: string;

  private constructor(session: Session) {
    this.#session = session;
    this.#name = session.options.random.uuid();
    this.#value = `${this.#name}#0`;
  }

  static async take(session: Session, onWait: () => void): Promise<MigrationLock> {
    const lock = new MigrationLock(session);
    const { clock } = session.options;
    let seen: { value: string; sinceMs: number } | undefined;
    for (;;) {
      const value = await readSetting(session, NAME);
      if (value !== undefined && value !== seen?.value) {
        if (!seen) onWait();
        seen = { value, sinceMs: clock.monotonicMs() };
      }
      const isFree = value === undefined || (seen && clock.monotonicMs() - seen.sinceMs >= STALE_MS);
      if (isFree && (await swapSetting(session, NAME, { from: value, to: lock.#value }))) return lock;
      await sleep(clock, POLL_MS);
    }
  }

  /** Proves that nobody has taken over. */
  async renew(): Promise<void> {
    this.#turns += 1;
    const next = `${this.#name}#${this.#turns}`;
    if (!(await swapSetting(this.#session, NAME, { from: this.#value, to: next }))) {
      throw new StoreError('busy', 'another migration has taken over, because this one stood still: run it again');
    }
    this.#value = next;
  }

  async release(): Promise<void> {
    await swapSetting(this.#session, NAME, { from: this.#value, to: undefined });
  }
}

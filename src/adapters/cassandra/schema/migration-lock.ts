import { sleep } from '../../../lib/clock.ts';
import { StoreError } from '../../../ports/store-error.ts';
import type { Session } from '../session.ts';
import { readSetting, swapSetting } from './settings.ts';

const NAME = 'migration-lock';
const POLL_MS = 500;
/** A holder changes the lock between any two steps, and no step is given longer than half of this. */
const STALE_MS = 60_000;

/** One migration at a time. The lock of a holder that died is taken over after it was seen unchanged for a minute. */
export async function takeMigrationLock(session: Session, onWait: () => void) {
  const { clock, random } = session.options;
  const name = random.uuid();
  let turns = 0;
  let held = `${name}#0`;
  let seen: { value: string; sinceMs: number } | undefined;
  for (;;) {
    const value = await readSetting(session, NAME);
    if (value !== undefined && value !== seen?.value) {
      if (!seen) onWait();
      seen = { value, sinceMs: clock.monotonicMs() };
    }
    const isFree = value === undefined || (seen && clock.monotonicMs() - seen.sinceMs >= STALE_MS);
    if (isFree && (await swapSetting(session, NAME, { from: value, to: held }))) break;
    await sleep(clock, POLL_MS);
  }
  return {
    /** Proves that nobody has taken over. */
    async renew(): Promise<void> {
      turns += 1;
      const next = `${name}#${turns}`;
      if (!(await swapSetting(session, NAME, { from: held, to: next }))) {
        throw new StoreError('busy', 'another migration has taken over, because this one stood still: run it again');
      }
      held = next;
    },
    async release(): Promise<void> {
      await swapSetting(session, NAME, { from: held, to: undefined });
    },
  };
}

import type { DutyName, DutyRow } from '../../domain/duty.ts';
import { KeyedQueue } from '../../lib/keyed-queue.ts';
import { assertRaisesToken, type DutyKeeper, isStillHeld } from '../../ports/duty-keeper.ts';
import type { Swap } from '../../ports/store-error.ts';
import { type Connection, type MemoryOperation, untilKnown } from './world.ts';

export function dutiesOn({ world, call }: Connection): DutyKeeper {
  const rows = world.duties;
  const writes = new KeyedQueue<DutyName>();
  /** Throws StoreError('unknown') where no number of copies could tell. */
  const swap = async (
    operation: MemoryOperation,
    duty: DutyName,
    next: (current: DutyRow | undefined) => DutyRow | undefined,
  ): Promise<Swap<DutyRow>> => {
    const end = await writes.run(duty, () =>
      untilKnown(() =>
        call(operation, (): Swap<DutyRow> => {
          const current = rows.get(duty);
          const row = next(current);
          if (!row) return { outcome: 'lost', row: current };
          rows.set(duty, row);
          return { outcome: 'applied', row };
        }),
      ),
    );
    if (end.outcome === 'unknown') throw end.error;
    return end.value;
  };
  return {
    read: (duty, tokenFloor) =>
      writes.run(duty, () =>
        call('duties.read', () => {
          const row = rows.get(duty) ?? { duty, token: tokenFloor, holder: '', nonce: '', renewals: 0 };
          rows.set(duty, row);
          return row;
        }),
      ),
    async take(observed, next) {
      assertRaisesToken(observed, next);
      return await swap('duties.take', observed.duty, (current) => {
        if (current?.token === next.token && current.nonce === next.nonce) return current;
        if (current?.token !== observed.token || current.renewals !== observed.renewals) return undefined;
        return { duty: observed.duty, ...next, renewals: 0 };
      });
    },
    renew: (held) =>
      swap('duties.renew', held.duty, (current) =>
        isStillHeld(held, current) ? { ...held, renewals: held.renewals + 1 } : undefined,
      ),
    async release(held) {
      // Without its nonce the row cannot be renewed by a copy that comes late.
      await swap('duties.release', held.duty, (current) =>
        isStillHeld(held, current) ? { ...held, holder: '', nonce: '', renewals: current.renewals + 1 } : undefined,
      );
    },
  };
}

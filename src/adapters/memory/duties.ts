import type { DutyName, DutyRow } from '../../domain/duty.ts';
import type { FencingToken } from '../../domain/fencing-token.ts';
import type { MemberId } from '../../domain/member.ts';
import { KeyedQueue } from '../../lib/keyed-queue.ts';
import { sendUntilKnown } from '../../lib/send-until-known.ts';
import type { DutyKeeper } from '../../ports/duty-keeper.ts';
import { isUnknown, type Swap } from '../../ports/store-error.ts';
import type { Connection } from './world.ts';

const SENDS = 3;

export class MemoryDutyKeeper implements DutyKeeper {
  readonly #connection: Connection;
  readonly #writes = new KeyedQueue<DutyName>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  read(duty: DutyName, tokenFloor: FencingToken): Promise<DutyRow> {
    return this.#writes.run(duty, () =>
      this.#connection.call('duties.read', () => {
        const rows = this.#connection.world.duties;
        const row = rows.get(duty) ?? { duty, token: tokenFloor, holder: '', nonce: '', renewals: 0 };
        rows.set(duty, row);
        return row;
      }),
    );
  }

  async take(
    observed: DutyRow,
    next: { token: FencingToken; holder: MemberId; nonce: string },
  ): Promise<Swap<DutyRow>> {
    if (next.token <= observed.token) {
      throw new RangeError(`taking ${observed.duty} must raise its token: ${observed.token} to ${next.token}`);
    }
    return await this.#swap('duties.take', observed.duty, (current) => {
      if (current?.token === next.token && current.nonce === next.nonce) return current;
      if (current?.token !== observed.token || current.renewals !== observed.renewals) return undefined;
      return { duty: observed.duty, ...next, renewals: 0 };
    });
  }

  renew(held: DutyRow): Promise<Swap<DutyRow>> {
    return this.#swap('duties.renew', held.duty, (current) =>
      isStill(held, current) ? { ...held, renewals: held.renewals + 1 } : undefined,
    );
  }

  async release(held: DutyRow): Promise<void> {
    // Without its nonce the row cannot be renewed by a copy that comes late.
    await this.#swap('duties.release', held.duty, (current) =>
      isStill(held, current) ? { ...held, holder: '', nonce: '', renewals: current.renewals + 1 } : undefined,
    );
  }

  /** Throws StoreError('unknown') where no number of copies could tell. */
  async #swap(
    operation: 'duties.take' | 'duties.renew' | 'duties.release',
    duty: DutyName,
    next: (current: DutyRow | undefined) => DutyRow | undefined,
  ): Promise<Swap<DutyRow>> {
    const end = await this.#writes.run(duty, () =>
      sendUntilKnown({ attempts: SENDS, isUnknown }, () =>
        this.#connection.call(operation, (): Swap<DutyRow> => {
          const rows = this.#connection.world.duties;
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
  }
}

function isStill(held: DutyRow, current: DutyRow | undefined): current is DutyRow {
  return current !== undefined && current.token === held.token && current.nonce === held.nonce && held.nonce !== '';
}

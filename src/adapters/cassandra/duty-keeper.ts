import type { DutyName, DutyRow } from '../../domain/duty.ts';
import type { FencingToken } from '../../domain/fencing-token.ts';
import { KeyedQueue } from '../../lib/keyed-queue.ts';
import { assertRaisesToken, type DutyKeeper, isStillHeld } from '../../ports/duty-keeper.ts';
import type { Swap } from '../../ports/store-error.ts';
import { contendAlone, type Judgement } from './compare-and-set.ts';
import { type Session, textKey, type Write } from './session.ts';

const SELECT = 'SELECT fence, holder, nonce, renewals FROM duties WHERE duty = ?';
const CREATE = 'INSERT INTO duties (duty, fence, holder, nonce, renewals) VALUES (?, ?, ?, ?, ?) IF NOT EXISTS';
const TAKE =
  'UPDATE duties SET fence = ?, holder = ?, nonce = ?, renewals = ? WHERE duty = ? IF fence = ? AND renewals = ?';
/** The number of renewals in the condition keeps a late copy from setting the counter back. */
const RENEW = 'UPDATE duties SET renewals = ? WHERE duty = ? IF fence = ? AND nonce = ? AND renewals = ?';
/** Without its nonce the row cannot be renewed by a copy that comes late. */
const RELEASE = 'UPDATE duties SET holder = ?, nonce = ?, renewals = ? WHERE duty = ? IF fence = ? AND nonce = ?';

const LOOK_MS = 1500;

export class CassandraDutyKeeper implements DutyKeeper {
  readonly #session: Session;
  readonly #line = new KeyedQueue<DutyName>();

  constructor(session: Session) {
    this.#session = session;
  }

  read(duty: DutyName, tokenFloor: FencingToken): Promise<DutyRow> {
    return this.#line.run(duty, async () => {
      const found = await this.#look(duty);
      if (found) return found;
      // The row is created unheld, by any member and however often: there is no difference to see.
      const write = { query: CREATE, params: [duty, tokenFloor, '', '', 0n] };
      const row: DutyRow = { duty, token: tokenFloor, holder: '', nonce: '', renewals: 0 };
      const swap = await this.#swap('duty-read', { write, becomes: row }, (current) => (current ? 'mine' : 'again'));
      return swap.row ?? row;
    });
  }

  async take(observed: DutyRow, next: Pick<DutyRow, 'token' | 'holder' | 'nonce'>): Promise<Swap<DutyRow>> {
    const { duty, token, renewals } = observed;
    assertRaisesToken(observed, next);
    const row: DutyRow = { duty, ...next, renewals: 0 };
    const params = [next.token, next.holder, next.nonce, 0n, duty, token, BigInt(renewals)];
    return await this.#line.run(duty, () =>
      this.#swap('duty-take', { write: { query: TAKE, params }, becomes: row }, (current) => {
        if (current?.token === next.token && current.nonce === next.nonce) return 'mine';
        return current?.token === token && current.renewals === renewals ? 'again' : 'lost';
      }),
    );
  }

  async renew(held: DutyRow): Promise<Swap<DutyRow>> {
    const { duty, token, nonce, renewals } = held;
    const params = [BigInt(renewals + 1), duty, token, nonce, BigInt(renewals)];
    const becomes = { ...held, renewals: renewals + 1 };
    return await this.#line.run(duty, () =>
      this.#swap('duty-renew', { write: { query: RENEW, params }, becomes }, (current) => {
        if (!isStillHeld(held, current)) return 'lost';
        // Only the holder counts up: a higher number is a renewal of mine whose answer was lost.
        return current.renewals > renewals ? 'mine' : 'again';
      }),
    );
  }

  async release(held: DutyRow): Promise<void> {
    const { duty, token, nonce, renewals } = held;
    if (nonce === '') return;
    const params = ['', '', BigInt(renewals + 1), duty, token, nonce];
    const becomes: DutyRow = { ...held, holder: '', nonce: '', renewals: renewals + 1 };
    await this.#line.run(duty, () =>
      this.#swap('duty-release', { write: { query: RELEASE, params }, becomes }, (current) =>
        isStillHeld(held, current) ? 'again' : 'lost',
      ),
    );
  }

  async #swap(
    what: string,
    { write, becomes }: { write: Write; becomes: DutyRow },
    judge: (row: DutyRow | undefined) => Judgement,
  ): Promise<Swap<DutyRow>> {
    const { duty } = becomes;
    const { conditionalDeadlineMs: deadlineMs } = this.#session.options;
    const written = await contendAlone<DutyRow>(judge, {
      ...this.#session.options,
      budgetMs: deadlineMs,
      send: () => this.#session.conditional(what, [write], { routingKey: textKey(duty), deadlineMs }),
      look: () => this.#look(duty),
    });
    return written.outcome === 'applied' ? { outcome: 'applied', row: written.row ?? becomes } : written;
  }

  async #look(duty: DutyName): Promise<DutyRow | undefined> {
    const deadlineMs = Math.min(LOOK_MS, this.#session.options.statementDeadlineMs);
    const [row] = await this.#session.rows('duty-look', SELECT, [duty], { deadlineMs, isSerial: true, isUrgent: true });
    if (!row) return undefined;
    return {
      duty,
      token: row['fence'] as bigint,
      holder: row['holder'] as string,
      nonce: row['nonce'] as string,
      renewals: Number(row['renewals']),
    };
  }
}

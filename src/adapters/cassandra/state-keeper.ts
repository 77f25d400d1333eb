import type { Bucket } from '../../domain/bucket.ts';
import type { FencingToken } from '../../domain/fencing-token.ts';
import { assertValidClaims, type Claim, type FunctionState, type Settlement } from '../../domain/function-state.ts';
import { KeyedQueue } from '../../lib/keyed-queue.ts';
import { Limiter } from '../../lib/limiter.ts';
import type { ClaimResult, SettleResult, StateKeeper } from '../../ports/state-keeper.ts';
import { StoreError } from '../../ports/store-error.ts';
import { type Contender, contend, type WriteOutcome } from './compare-and-set.ts';
import { readBuckets } from './read-buckets.ts';
import { intKey, type Row, type Session, type Write } from './session.ts';
import { claimWrite, forgetWrite, SELECT_BUCKET, SELECT_SOME, settleWrite, toState } from './state-row.ts';

/** One Paxos round carries this many rows in about 16 ms on three nodes; more would only hold the partition longer. */
const BATCH_ROWS = 100;
/** Far below the largest mutation that a node takes (half a commit log segment), since memos have no set size. */
const BATCH_CHARACTERS = 400_000;
const LOOK_MS = 1500;

interface Entrant extends Contender<FunctionState> {
  readonly write: Write;
}

/** Function state by compare-and-set; one conditional statement at a time on each bucket. */
export class CassandraStateKeeper implements StateKeeper {
  readonly #session: Session;
  readonly #line = new KeyedQueue<Bucket>();
  readonly #inFlight: Limiter;

  constructor(session: Session) {
    this.#session = session;
    this.#inFlight = new Limiter(session.options.readsInFlight);
  }

  async read(buckets: readonly Bucket[]): Promise<FunctionState[]> {
    const load = async (bucket: Bucket) => {
      const rows = await this.#session.rows('state-read', SELECT_BUCKET, [bucket]);
      return rows.map((row) => toState(bucket, row));
    };
    return await readBuckets(buckets, this.#session.options.readsInFlight, load);
  }

  readOne(bucket: Bucket, versionId: string): Promise<FunctionState | undefined> {
    return this.#inTurn(bucket, async () => (await this.#look(bucket, [{ key: versionId }])).get(versionId));
  }

  async claim(bucket: Bucket, claims: readonly Claim[]): Promise<ClaimResult[]> {
    assertValidClaims(claims);
    const entrants = claims.map((claim) => ({
      key: claim.versionId,
      write: claimWrite(bucket, claim),
      judge: (row: FunctionState | undefined) => {
        if (row?.token === claim.token && row.nonce === claim.nonce) return 'mine' as const;
        return row?.token === claim.observed ? ('again' as const) : ('lost' as const);
      },
    }));
    const outcomes = await this.#contendAll('claim', bucket, entrants);
    return claims.map(({ versionId }): ClaimResult => {
      const written = outcomes.get(versionId);
      if (written?.outcome === 'applied') return { versionId, outcome: 'applied' };
      if (written?.outcome === 'lost') return { versionId, outcome: 'lost', current: written.row };
      return { versionId, outcome: 'unknown' };
    });
  }

  async settle(bucket: Bucket, settlements: readonly Settlement[]): Promise<SettleResult[]> {
    const entrants = settlements.map((settlement) => ({
      key: settlement.versionId,
      write: settleWrite(bucket, settlement),
      judge: (row: FunctionState | undefined) => {
        if (row?.token !== settlement.token || row.nonce !== settlement.nonce) return 'lost' as const;
        const isDone = row.phase === 'settled' && row.settledMs === Math.round(settlement.settledMs);
        return isDone && row.outcome === settlement.outcome ? ('mine' as const) : ('again' as const);
      },
    }));
    const outcomes = await this.#contendAll('settle', bucket, entrants);
    return settlements.map(({ versionId }): SettleResult => {
      const outcome = outcomes.get(versionId)?.outcome ?? 'unknown';
      const told = { applied: 'settled', lost: 'superseded', unknown: 'unknown' } as const;
      return { versionId, outcome: told[outcome] };
    });
  }

  forget(bucket: Bucket, versionId: string, token: FencingToken): Promise<boolean> {
    const entrant: Entrant = {
      key: versionId,
      write: forgetWrite(bucket, versionId, token),
      // Asked only when it did not apply or nobody knows; a row that is gone then was not removed by this call for sure.
      judge: (row) => (row?.token === token && row.phase === 'settled' ? 'again' : 'lost'),
    };
    return this.#inTurn(bucket, async () => {
      const written = (await this.#contend('forget', bucket, [entrant])).get(versionId);
      if (written?.outcome === 'unknown') throw written.error;
      return written?.outcome === 'applied';
    });
  }

  /** Batch after batch, all under one turn at the bucket. */
  async #contendAll(
    what: 'claim' | 'settle',
    bucket: Bucket,
    entrants: readonly Entrant[],
  ): Promise<Map<string, WriteOutcome<FunctionState>>> {
    if (entrants.length === 0) return new Map();
    return await this.#inTurn(bucket, async () => {
      const all = new Map<string, WriteOutcome<FunctionState>>();
      for (const batch of batches(entrants)) {
        try {
          for (const [key, written] of await this.#contend(what, bucket, batch)) all.set(key, written);
        } catch (error) {
          // With something written before, the call as a whole did not fail: what was not reached stays unknown.
          if (all.size === 0) throw error;
          break;
        }
      }
      return all;
    });
  }

  #contend(
    what: string,
    bucket: Bucket,
    entrants: readonly Entrant[],
  ): Promise<Map<string, WriteOutcome<FunctionState>>> {
    const { conditionalDeadlineMs: deadlineMs } = this.#session.options;
    return contend<Entrant, FunctionState>(entrants, {
      ...this.#session.options,
      budgetMs: deadlineMs,
      send: (open) => {
        const writes = open.map(({ write }) => write);
        return this.#session.conditional(what, writes, { routingKey: intKey(bucket), deadlineMs });
      },
      look: (open) => this.#look(bucket, open),
    });
  }

  async #look(bucket: Bucket, sought: readonly { readonly key: string }[]): Promise<Map<string, FunctionState>> {
    const versionIds = sought.map(({ key }) => key);
    const options = { deadlineMs: Math.min(LOOK_MS, this.#session.options.statementDeadlineMs), isSerial: true };
    const rows: Row[] = await this.#session.rows('state-look', SELECT_SOME, [bucket, versionIds], options);
    return new Map(rows.map((row) => [row['version_id'] as string, toState(bucket, row)]));
  }

  /** Waits for its turn at the bucket; a write that waited too long has not been sent, and says so. */
  #inTurn<T>(bucket: Bucket, task: () => Promise<T>): Promise<T> {
    const { clock, conditionalDeadlineMs } = this.#session.options;
    const startMs = clock.monotonicMs();
    const turn = () => {
      if (clock.monotonicMs() - startMs <= 2 * conditionalDeadlineMs) return task();
      throw new StoreError('busy', `too much is waiting for bucket ${bucket}; nothing was sent`);
    };
    return this.#line.run(bucket, () => this.#inFlight.run(async () => turn()));
  }
}

function* batches(entrants: readonly Entrant[]): Iterable<Entrant[]> {
  let batch: Entrant[] = [];
  let characters = 0;
  for (const entrant of entrants) {
    const size = entrant.write.params.reduce<number>((sum, value) => sum + String(value).length, 0);
    if (batch.length > 0 && (batch.length >= BATCH_ROWS || characters + size > BATCH_CHARACTERS)) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(entrant);
    characters += size;
  }
  if (batch.length > 0) yield batch;
}

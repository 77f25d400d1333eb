import type { Bucket } from '../../domain/bucket.ts';
import type { FencingToken } from '../../domain/fencing-token.ts';
import { assertValidClaims, type Claim, type FunctionState, type Settlement } from '../../domain/function-state.ts';
import { KeyedQueue } from '../../lib/keyed-queue.ts';
import { sendUntilKnown } from '../../lib/send-until-known.ts';
import type { ClaimResult, SettleResult, StateKeeper } from '../../ports/state-keeper.ts';
import { isUnknown } from '../../ports/store-error.ts';
import type { Line } from './line.ts';

const SENDS = 3;

export class MemoryStateKeeper implements StateKeeper {
  readonly #line: Line;
  readonly #writes = new KeyedQueue<Bucket>();

  constructor(line: Line) {
    this.#line = line;
  }

  read(buckets: readonly Bucket[]): Promise<FunctionState[]> {
    return this.#line.call('states.read', () =>
      [...new Set(buckets)].flatMap((bucket) => [...(this.#line.world.states.peek(bucket)?.values() ?? [])]),
    );
  }

  readOne(bucket: Bucket, versionId: string): Promise<FunctionState | undefined> {
    return this.#writes.run(bucket, () =>
      this.#line.call('states.readOne', () => this.#line.world.states.peek(bucket)?.get(versionId)),
    );
  }

  async claim(bucket: Bucket, claims: readonly Claim[]): Promise<ClaimResult[]> {
    assertValidClaims(claims);
    const end = await this.#writes.run(bucket, () =>
      sendUntilKnown({ attempts: SENDS, isUnknown }, () =>
        this.#line.call('states.claim', () => claims.map((claim) => this.#claimOne(bucket, claim))),
      ),
    );
    if (end.outcome === 'known') return end.value;
    return claims.map(({ versionId }) => ({ versionId, outcome: 'unknown' }));
  }

  async settle(bucket: Bucket, settlements: readonly Settlement[]): Promise<SettleResult[]> {
    const end = await this.#writes.run(bucket, () =>
      sendUntilKnown({ attempts: SENDS, isUnknown }, () =>
        this.#line.call('states.settle', () => settlements.map((settlement) => this.#settleOne(bucket, settlement))),
      ),
    );
    if (end.outcome === 'known') return end.value;
    return settlements.map(({ versionId }) => ({ versionId, outcome: 'unknown' }));
  }

  forget(bucket: Bucket, versionId: string, token: FencingToken): Promise<boolean> {
    return this.#writes.run(bucket, () =>
      this.#line.call('states.forget', () => {
        const shelf = this.#line.world.states.shelf(bucket);
        const row = shelf.get(versionId);
        return row?.token === token && row.phase === 'settled' && shelf.delete(versionId);
      }),
    );
  }

  #claimOne(bucket: Bucket, claim: Claim): ClaimResult {
    const shelf = this.#line.world.states.shelf(bucket);
    const { versionId, observed, token, nonce, ...wish } = claim;
    const current = shelf.get(versionId);
    if (current?.token === token && current.nonce === nonce) return { versionId, outcome: 'applied' };
    if (current?.token !== observed) return { versionId, outcome: 'lost', current };
    shelf.set(versionId, {
      bucket,
      versionId,
      token,
      nonce,
      phase: 'pending',
      ...wish,
      applied: current?.applied,
      appliedToken: current?.appliedToken ?? 0n,
      outcome: current?.outcome ?? '',
      settledMs: current?.settledMs ?? 0,
    });
    return { versionId, outcome: 'applied' };
  }

  #settleOne(bucket: Bucket, settlement: Settlement): SettleResult {
    const shelf = this.#line.world.states.shelf(bucket);
    const { versionId } = settlement;
    const current = shelf.get(versionId);
    if (current?.token !== settlement.token || current.nonce !== settlement.nonce) {
      return { versionId, outcome: 'superseded' };
    }
    shelf.set(versionId, { ...current, ...settlement, phase: 'settled' });
    return { versionId, outcome: 'settled' };
  }
}

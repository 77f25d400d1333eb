import type { Clock } from '../../lib/clock.ts';
import { StoreError, type StoreErrorKind } from '../../ports/store-error.ts';
import { ANSWERED_AT_ONCE, type Fate, type MemoryCall, type MemoryOperation } from './fate.ts';
import type { MemoryWorld } from './world.ts';

type Refusal = Exclude<StoreErrorKind, 'unknown' | 'closed'>;

const WRITES: ReadonlySet<MemoryOperation> = new Set<MemoryOperation>([
  'roster.beat',
  'duties.read',
  'duties.take',
  'duties.renew',
  'duties.release',
  'catalogue.enrol',
  'states.claim',
  'states.settle',
  'states.forget',
  'ledger.record',
  'controls.put',
  'controls.remove',
  'agree',
]);

/** The way from one client to the world: everything that can happen to a call happens here. */
export class Line {
  readonly world: MemoryWorld;
  readonly #name: string;
  readonly #ends = new Set<(error: StoreError) => void>();
  readonly #planned: Array<{ operation: MemoryOperation | undefined; fate: Fate; thenCut: boolean }> = [];
  #isDead = false;
  #state: 'open' | 'cut' | 'closed' = 'open';

  constructor(world: MemoryWorld, name: string) {
    this.world = world;
    this.#name = name;
  }

  /** Carries one call: `apply` runs in the world without interruption, or not at all. */
  async call<T>(operation: MemoryOperation, apply: () => T): Promise<T> {
    if (this.#state === 'closed') throw closed();
    const isWrite = WRITES.has(operation);
    const fate = this.#fateOf({ client: this.#name, operation, isWrite });
    const { promise: ended, reject } = Promise.withResolvers<never>();
    ended.catch(() => {});
    this.#ends.add(reject);
    try {
      return await Promise.race([this.#undergo(fate, { operation, isWrite, apply }), ended]);
    } finally {
      this.#ends.delete(reject);
    }
  }

  failNext(error: Refusal, operation?: MemoryOperation): void {
    this.#planned.push({ operation, fate: { kind: 'refused', error, afterMs: 0 }, thenCut: false });
  }

  /** The next write, or the next call of `operation`, meets this fate; afterwards the client may be cut off. */
  plan(fate: Fate, options: { operation?: MemoryOperation | undefined; thenCut?: boolean } = {}): void {
    this.#planned.push({ operation: options.operation, fate, thenCut: options.thenCut ?? false });
  }

  cut(): void {
    if (this.#state === 'open') this.#state = 'cut';
  }

  mend(): void {
    if (this.#state === 'cut') this.#state = 'open';
  }

  close(): void {
    this.#state = 'closed';
    for (const end of [...this.#ends]) end(closed());
  }

  /** As kill -9: what is under way reaches the store or not, but nobody is there to hear of it. */
  kill(): void {
    this.#isDead = true;
  }

  #fateOf(call: MemoryCall): Fate {
    const index = this.#planned.findIndex(({ operation }) =>
      operation === undefined ? call.isWrite : operation === call.operation,
    );
    const planned = index < 0 ? undefined : this.#planned.splice(index, 1)[0];
    if (planned?.thenCut) this.cut();
    if (planned) return planned.fate;
    if (this.#state === 'cut') return { kind: 'refused', error: 'unavailable', afterMs: 0 };
    return this.world.fateOf(call) ?? ANSWERED_AT_ONCE;
  }

  async #undergo<T>(fate: Fate, call: { operation: MemoryOperation; isWrite: boolean; apply: () => T }): Promise<T> {
    const { clock } = this.world;
    if (this.#isDead) return await new Promise<never>(() => {});
    switch (fate.kind) {
      case 'answered': {
        await pause(clock, fate.beforeMs);
        const answer = call.apply();
        await pause(clock, fate.afterMs);
        if (this.#isDead) return await new Promise<never>(() => {});
        return answer;
      }
      case 'refused':
        await pause(clock, fate.afterMs);
        throw new StoreError(fate.error, `${call.operation}: the memory store was told to refuse (${fate.error})`);
      case 'lost': {
        if (fate.applies === 'now') call.apply();
        else if (fate.applies !== 'never') clock.after(fate.applies.lateMs, call.apply);
        await pause(clock, fate.giveUpMs);
        const kind = call.isWrite ? 'unknown' : 'unavailable';
        throw new StoreError(kind, `${call.operation}: the memory store was told to lose the answer`);
      }
    }
  }
}

/** No timer for no time, so that nothing has to be wound where nothing is slow. */
async function pause(clock: Clock, ms: number): Promise<void> {
  if (ms > 0) await new Promise<void>((resolve) => clock.after(ms, resolve));
  else await Promise.resolve();
}

function closed(): StoreError {
  return new StoreError('closed', 'the store was closed; open another one');
}

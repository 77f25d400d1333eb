import { MemoryStore } from '../../src/adapters/memory/store.ts';
import { type Connection, type MemoryOperation, MemoryWorld } from '../../src/adapters/memory/world.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { closedError, StoreError, type StoreErrorKind } from '../../src/ports/store-error.ts';
import { ANSWERED_AT_ONCE, type MemoryCall, type PlannedOutcome } from './planned-outcome.ts';

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

/** A memory world in which a test decides what becomes of each call. */
export class FaultyWorld extends MemoryWorld {
  /** Asked once for every call; what was planned for one client (`failNext` and the like) comes first. */
  outcomeOf: (call: MemoryCall) => PlannedOutcome = () => ANSWERED_AT_ONCE;

  constructor({ clock }: { clock: Clock }) {
    super({ clock, connect: (_world, client) => new FaultyConnection(this, client) });
  }
}

/** One client of such a world; its connection is where a test makes trouble for it alone. */
export class FaultyStore extends MemoryStore {
  declare readonly connection: FaultyConnection;

  constructor(world: FaultyWorld, options?: { name?: string }) {
    super(world, options);
  }
}

/** The way from one client to the world: everything that can happen to a call happens here. */
export class FaultyConnection implements Connection {
  readonly world: FaultyWorld;
  readonly #name: string;
  readonly #ends = new Set<(error: StoreError) => void>();
  readonly #planned: Array<{ operation: MemoryOperation | undefined; outcome: PlannedOutcome; thenCut: boolean }> = [];
  #isDead = false;
  #state: 'open' | 'cut' | 'closed' = 'open';

  constructor(world: FaultyWorld, name: string) {
    this.world = world;
    this.#name = name;
  }

  /** Carries one call: `apply` runs in the world without interruption, or not at all. */
  readonly call = async <T>(operation: MemoryOperation, apply: () => T): Promise<T> => {
    if (this.#state === 'closed') throw closedError();
    const isWrite = WRITES.has(operation);
    const outcome = this.#outcomeOf({ client: this.#name, operation, isWrite });
    const { promise: ended, reject } = Promise.withResolvers<never>();
    ended.catch(() => {});
    this.#ends.add(reject);
    try {
      return await Promise.race([this.#undergo(outcome, { operation, isWrite, apply }), ended]);
    } finally {
      this.#ends.delete(reject);
    }
  };

  failNext(error: Refusal, operation?: MemoryOperation): void {
    this.#planned.push({ operation, outcome: { kind: 'refused', error, afterMs: 0 }, thenCut: false });
  }

  /** The next write, or the next call of `operation`, meets this outcome; afterwards the client may be cut off. */
  plan(outcome: PlannedOutcome, options: { operation?: MemoryOperation | undefined; thenCut?: boolean } = {}): void {
    this.#planned.push({ operation: options.operation, outcome, thenCut: options.thenCut ?? false });
  }

  cut(): void {
    if (this.#state === 'open') this.#state = 'cut';
  }

  mend(): void {
    if (this.#state === 'cut') this.#state = 'open';
  }

  readonly close = (): void => {
    this.#state = 'closed';
    for (const end of [...this.#ends]) end(closedError());
  };

  /** As kill -9: what is under way reaches the store or not, but nobody is there to hear of it. */
  kill(): void {
    this.#isDead = true;
  }

  #outcomeOf(call: MemoryCall): PlannedOutcome {
    const index = this.#planned.findIndex(({ operation }) =>
      operation === undefined ? call.isWrite : operation === call.operation,
    );
    const planned = index < 0 ? undefined : this.#planned.splice(index, 1)[0];
    if (planned?.thenCut) this.cut();
    if (planned) return planned.outcome;
    if (this.#state === 'cut') return { kind: 'refused', error: 'unavailable', afterMs: 0 };
    return this.world.outcomeOf(call);
  }

  async #undergo<T>(
    outcome: PlannedOutcome,
    call: { operation: MemoryOperation; isWrite: boolean; apply: () => T },
  ): Promise<T> {
    const { clock } = this.world;
    if (this.#isDead) return await new Promise<never>(() => {});
    switch (outcome.kind) {
      case 'answered': {
        await pause(clock, outcome.beforeMs);
        const answer = call.apply();
        await pause(clock, outcome.afterMs);
        if (this.#isDead) return await new Promise<never>(() => {});
        return answer;
      }
      case 'refused':
        await pause(clock, outcome.afterMs);
        throw new StoreError(
          outcome.error,
          `${call.operation}: the memory store was told to refuse (${outcome.error})`,
        );
      case 'lost': {
        if (outcome.applies === 'now') call.apply();
        else if (outcome.applies !== 'never') clock.after(outcome.applies.lateMs, call.apply);
        await pause(clock, outcome.giveUpMs);
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

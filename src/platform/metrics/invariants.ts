import type { Pools } from '../model/pool-snapshot.ts';
import type { CallMeter } from './call-meter.ts';

interface InvariantsOptions {
  readonly pools: Pools;
  readonly meter: CallMeter;
  /** How many child processes were not reaped. */
  readonly starts: { readonly live: number };
}

type Invariant = 'calls-are-cold-or-warm' | 'instances-have-processes' | 'reservations-add-up' | 'leases-are-busy';

/**
 * Numbers that must agree whatever happens, checked whenever the metrics are read. Everything is read in one turn of
 * the event loop, so there is no moment in between that could excuse a difference.
 */
export class Invariants {
  readonly #options: InvariantsOptions;
  readonly #breaches = new Map<Invariant, number>([
    ['calls-are-cold-or-warm', 0],
    ['instances-have-processes', 0],
    ['reservations-add-up', 0],
    ['leases-are-busy', 0],
  ]);

  constructor(options: InvariantsOptions) {
    this.#options = options;
  }

  check(): ReadonlyMap<string, number> {
    const { pools, meter, starts } = this.#options;
    let reservedBytes = 0;
    let processes = 0;
    for (const pool of pools.snapshots()) {
      reservedBytes += pool.reservedBytes;
      let running = 0;
      for (const instance of pool.instances) {
        running += instance.running;
        if (instance.pid !== undefined) processes += 1;
      }
      if (pool.coldCalls + pool.warmCalls < meter.served(pool.versionId)) this.#breach('calls-are-cold-or-warm');
      if (running !== pool.running) this.#breach('leases-are-busy');
    }
    if (reservedBytes !== pools.memory().reservedBytes) this.#breach('reservations-add-up');
    // An instance that is starting has its process before it has sent its id.
    if (processes > starts.live) this.#breach('instances-have-processes');
    return this.#breaches;
  }

  #breach(invariant: Invariant): void {
    this.#breaches.set(invariant, (this.#breaches.get(invariant) ?? 0) + 1);
  }
}

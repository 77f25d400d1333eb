import type { InstanceSnapshot, Pools } from '../../model/pool-snapshot.ts';
import type { FunctionFinder } from '../function-finder.ts';

/** The instances that people have made warm by hand, by function. */
export class WarmPools {
  readonly #options: { readonly functions: FunctionFinder; readonly pools: Pools };

  constructor(options: { functions: FunctionFinder; pools: Pools }) {
    this.#options = options;
  }

  /** Adds instances to those that are there. Fewer than asked for are deployed where the machine holds no more. */
  async add(name: string, size: number): Promise<{ function: string; pool_size: number; deployed: number }> {
    const { functions, pools } = this.#options;
    const { versionId } = functions.activeVersion(functions.find(name));
    const before = new Set(this.#byHand(versionId).map(({ instanceId }) => instanceId));
    // What is started is there before anything is awaited: what others add at the same time is not counted.
    const warmed = pools.warm(versionId, { count: size, source: 'manual' });
    const own = new Set(
      this.#byHand(versionId)
        .map(({ instanceId }) => instanceId)
        .filter((id) => !before.has(id)),
    );
    await warmed;
    const there = this.#byHand(versionId).filter(isThere);
    const deployed = there.filter(({ instanceId }) => own.has(instanceId)).length;
    return { function: name, pool_size: there.length, deployed };
  }

  /** Those that are busy end after their call. */
  remove(name: string): { function: string; undeployed: number } {
    const { functions, pools } = this.#options;
    const versionId = functions.get(name)?.activeVersionId;
    const undeployed = versionId === undefined ? 0 : pools.cool(versionId, { alsoBusy: true });
    return { function: name, undeployed };
  }

  size(versionId: string): number {
    return this.#byHand(versionId).filter(isThere).length;
  }

  #byHand(versionId: string): readonly InstanceSnapshot[] {
    return this.#options.pools.of(versionId)?.instances.filter(({ source }) => source === 'manual') ?? [];
  }
}

function isThere({ state }: InstanceSnapshot): boolean {
  return state === 'warm' || state === 'busy';
}

import { expect } from 'vitest';
import type { Bucket } from '../../../src/domain/bucket.ts';
import type { FunctionState } from '../../../src/domain/function-state.ts';
import type { ClaimResult, SettleResult } from '../../../src/ports/state-keeper.ts';
import type { Store } from '../../../src/ports/store.ts';
import { StoreError, type StoreErrorKind } from '../../../src/ports/store-error.ts';
import type { StoreHarness } from './harness.ts';

/** What every case of the suite works with: the harness, clients that are closed afterwards, and names nobody else uses. */
export class Bench {
  readonly harness: StoreHarness;
  readonly #stamp = `${process.pid.toString(36)}-${Date.now().toString(36)}`;
  readonly #open = new Set<Store>();
  #names = 0;
  #buckets = 0;

  constructor(harness: StoreHarness) {
    this.harness = harness;
  }

  async open(): Promise<Store> {
    const store = await this.harness.open();
    this.#open.add(store);
    return store;
  }

  async openSeveral(count: number): Promise<Store[]> {
    const stores: Store[] = [];
    for (let index = 0; index < count; index += 1) stores.push(await this.open());
    return stores;
  }

  /** A bucket that no other case touches. */
  bucket(): Bucket {
    this.#buckets += 1;
    if (this.#buckets >= this.harness.layout.bucketCount / 2) throw new Error('the cases have used up their buckets');
    return this.#buckets;
  }

  id(name: string): string {
    this.#names += 1;
    return `${name}-${this.#stamp}-${this.#names}`;
  }

  async closeAll(): Promise<void> {
    const stores = [...this.#open];
    this.#open.clear();
    await Promise.all(stores.map((store) => store.close()));
  }

  /** Fails when the work outlives what the harness allows any call; the limit is no sleep, it only ends a hang. */
  async inTime<T>(what: string, work: Promise<T>): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const limitMs = this.harness.callTimeoutMs;
    const timer = setTimeout(() => reject(new Error(`${what} was still running after ${limitMs} ms`)), limitMs);
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Tries until the store has come back; only then does a failure count. */
  async onceBack<T>(attempt: () => Promise<T>): Promise<T> {
    const endMs = performance.now() + 30_000;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof StoreError) || performance.now() > endMs) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}

export function outcomes(results: readonly (ClaimResult | SettleResult)[]): Record<string, string> {
  return Object.fromEntries(results.map(({ versionId, outcome }) => [versionId, outcome]));
}

export function currentOf(result: ClaimResult | undefined): FunctionState | undefined {
  return result?.outcome === 'lost' ? result.current : undefined;
}

/** The kind of the StoreError that the call ended with; anything else fails the case. */
export async function kindOfFailure(call: Promise<unknown>): Promise<StoreErrorKind | 'no failure'> {
  try {
    await call;
    return 'no failure';
  } catch (error) {
    expect(error, String(error)).toBeInstanceOf(StoreError);
    expect((error as StoreError).message).not.toBe('');
    return (error as StoreError).kind;
  }
}

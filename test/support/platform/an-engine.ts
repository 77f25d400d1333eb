import { expect } from 'vitest';
import type { Clock } from '../../../src/lib/clock.ts';
import type { ServedVersion } from '../../../src/platform/model/function-record.ts';
import type { Invocation, InvocationRequest } from '../../../src/platform/model/invocation.ts';
import { PlatformError } from '../../../src/platform/model/platform-error.ts';
import type { PoolEvent } from '../../../src/platform/model/pool-event.ts';
import type { PoolSnapshot } from '../../../src/platform/model/pool-snapshot.ts';
import { InstancePools, type InstancePoolsOptions } from '../../../src/platform/pool/instance-pools.ts';
import { Router, type RouterOptions } from '../../../src/platform/router/router.ts';
import type { InstanceBackend } from '../../../src/platform/runtime/instance-backend.ts';
import { HandWoundClock, settle } from '../hand-wound-clock.ts';
import { aVersion, type VersionSeed } from './a-version.ts';
import { FakeBackend, type FakeBackendOptions } from './fake-backend.ts';

const GIB = 1024 ** 3;

export interface EngineSeed extends Partial<Omit<InstancePoolsOptions, 'backend' | 'directory' | 'clock'>> {
  readonly router?: Partial<RouterOptions>;
  readonly fake?: Partial<FakeBackendOptions>;
}

export type CallSeed = Partial<Omit<InvocationRequest, 'payload'>> & { readonly payload?: string };

/** Pools and a router over some back end, with what tests want to ask of them. */
export class Engine<Back extends InstanceBackend = FakeBackend> {
  readonly versions = new Map<string, ServedVersion>();
  readonly events: PoolEvent[] = [];
  readonly pools: InstancePools;
  readonly router: Router;
  readonly backend: Back;

  constructor(clock: Clock, backend: Back, { router, fake: _, ...pools }: EngineSeed = {}) {
    this.backend = backend;
    const directory = { version: (versionId: string) => this.versions.get(versionId) };
    const host = pools.host ?? { cpus: 2, memoryBytes: 8 * GIB };
    this.pools = new InstancePools({
      clock,
      backend,
      directory,
      keptForChildrenBytes: 0,
      listener: (event) => this.events.push(event),
      ...pools,
      host,
    });
    this.router = new Router({ clock, pools: this.pools, directory, cpus: host.cpus, ...router });
  }

  put(versionId: string, seed?: VersionSeed): ServedVersion {
    const version = aVersion(versionId, seed);
    this.versions.set(versionId, version);
    return version;
  }

  invoke(versionId: string, { payload = '', ...rest }: CallSeed = {}): Promise<Invocation> {
    return this.router.invoke({ versionId, payload: Buffer.from(payload), source: 'http', depth: 0, ...rest });
  }

  /** The code of the error, or `cold` or `warm`. For calls whose end a test looks at later. */
  outcome(versionId: string, call?: CallSeed): Promise<string> {
    return this.invoke(versionId, call).then(
      ({ isCold }) => (isCold ? 'cold' : 'warm'),
      (error) => (error instanceof PlatformError ? error.code : String((error as Error).message)),
    );
  }

  of(versionId: string): PoolSnapshot {
    const snapshot = this.pools.of(versionId);
    if (!snapshot) throw new Error(`no pool of ${versionId}`);
    return snapshot;
  }

  states(versionId: string): string[] {
    return this.of(versionId)
      .instances.map(({ state }) => state)
      .sort();
  }

  /** The counts agree, and nothing impossible was seen on the way. */
  expectSound(): void {
    expect(this.pools.breaches()).toEqual([]);
    expect(this.events.filter(({ type }) => type === 'breach')).toEqual([]);
  }
}

export interface FakeEngine extends Engine<FakeBackend> {
  readonly clock: HandWoundClock;
  /** Ends everything and proves that nothing is left. */
  end(): Promise<void>;
}

/** An engine whose time a test winds and whose handlers are functions. */
export function anEngine(seed: EngineSeed = {}): FakeEngine {
  const clock = new HandWoundClock();
  const engine = new Engine(clock, new FakeBackend({ clock, ...seed.fake }), seed);
  const end = async () => {
    engine.expectSound();
    engine.router.stop();
    const stopped = engine.pools.stop({ graceMs: 0 });
    await clock.wind(1_000);
    await stopped;
    await settle();
    engine.expectSound();
    expect(engine.backend.live.size).toBe(0);
    expect(engine.pools.memory().reservedBytes).toBe(0);
    expect(engine.pools.processes).toBe(0);
  };
  return Object.assign(engine, { clock, end });
}

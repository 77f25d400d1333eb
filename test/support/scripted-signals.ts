import type { Part } from '../../src/domain/part.ts';
import type { Backfill, Column, Discovered, ProfileReading, SignalReader } from '../../src/ports/signal-reader.ts';

/** What one version's series say right now. */
export interface Series {
  utilisation?: number;
  demand?: number;
  instances?: number;
  /** Raw request counter. */
  calls?: number;
}

type SignalName = 'utilisation' | 'demand' | 'instances' | 'invocation';
const SOURCE: Record<SignalName, keyof Series> = {
  utilisation: 'utilisation',
  demand: 'demand',
  instances: 'instances',
  invocation: 'calls',
};

/** A time-series store behind its port, told by the test what it holds and how it fails. */
export class ScriptedSignals implements SignalReader {
  /** profile -> version -> series; profiles in order of preference. */
  readonly profiles = new Map<string, Map<string, Series>>();
  /** Versions that discovery shows. */
  readonly discoverable = new Map<string, { functionId: string; account: string }>();
  state: Column['state'] = 'read';
  /** Undefined: present as soon as any version has it. */
  presence: boolean | undefined = undefined;
  invokedLately: ReadonlySet<string> | undefined = new Set();
  invokedInGap: ReadonlySet<string> | undefined = new Set();
  past: ReadonlyMap<string, readonly (readonly [number, number])[]> = new Map();
  backfillState: Backfill['state'] = 'read';
  skewMs = 0;
  parts: Part[] = [{ name: 'all', buckets: undefined, prefixes: undefined }];
  /** Names of parts whose discovery fails. */
  readonly darkParts = new Set<string>();
  reads = 0;
  backfills = 0;
  readonly #wallMs: () => number;

  constructor(wallMs: () => number) {
    this.#wallMs = wallMs;
  }

  set(versionId: string, series: Series, profile = 'worker-threads'): void {
    const versions = this.profiles.get(profile) ?? new Map<string, Series>();
    this.profiles.set(profile, versions);
    versions.set(versionId, series);
  }

  plan(): Part[] {
    return this.parts;
  }

  async read(_part: Part, { signal }: { signal?: AbortSignal | undefined }): Promise<ProfileReading[]> {
    signal?.throwIfAborted();
    this.reads += 1;
    return [...this.profiles].map(([profile, versions]) => ({
      profile,
      atMs: this.#wallMs(),
      utilisation: this.#column(versions, 'utilisation'),
      demand: this.#column(versions, 'demand'),
      instances: this.#column(versions, 'instances'),
      invocation: this.#column(versions, 'invocation'),
    }));
  }

  async backfill(): Promise<Backfill[]> {
    this.backfills += 1;
    return [...this.profiles.keys()].map((profile) => ({
      profile,
      state: this.backfillState,
      utilisation: this.past,
      demand: new Map(),
      invoked: this.backfillState === 'read' ? this.invokedLately : undefined,
      invokedInGap: this.backfillState === 'read' ? this.invokedInGap : undefined,
      detail: '',
    }));
  }

  async discover(part: Part): Promise<Discovered> {
    if (this.darkParts.has(part.name)) return { part, state: 'failed', versions: [], detail: 'timeout' };
    const versions = [...this.discoverable]
      .filter(([versionId]) => !part.prefixes || part.prefixes.some((prefix) => versionId.startsWith(prefix)))
      .map(([versionId, rest]) => ({ versionId, ...rest, bucket: undefined, profiles: ['worker-threads'] }));
    return { part, state: this.state, versions, detail: '' };
  }

  async probe(): Promise<{ skewMs: number; flavour: string }> {
    return { skewMs: this.skewMs, flavour: 'prometheus' };
  }

  #column(versions: ReadonlyMap<string, Series>, signal: SignalName): Column {
    const rows = [...versions].flatMap(([versionId, series]) => {
      const value = series[SOURCE[signal]];
      return value === undefined ? [] : [{ versionId, value }];
    });
    const shown = this.state === 'failed' ? [] : rows;
    return {
      state: this.state,
      isPresent: this.state === 'failed' ? undefined : (this.presence ?? rows.length > 0),
      versionIds: shown.map((row) => row.versionId),
      values: Float64Array.from(shown, (row) => row.value),
      rejected: [],
      detail: '',
    };
  }
}

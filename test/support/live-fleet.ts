import { RemoteWriter, type WrittenSeries } from './timeseries/remote-write.ts';

/** One function version that really answers: its instances follow what the control plane was told, its load what the test says. */
export interface LiveVersion {
  readonly versionId: string;
  readonly functionId: string;
  readonly account: string;
  /** Threads busy at a time, over all instances; more than there are queue up and are not seen. */
  load: number;
  callsPerSecond: number;
  instances: number;
  /** Worker series are written; off: the scrape of the workers is broken. */
  isScraped: boolean;
}

const THREADS = 4;

/** Writes the worker and request series of a fleet into a real store, second by second, as a scrape would leave them. */
export class LiveFleet {
  readonly versions = new Map<string, LiveVersion>();
  readonly #writer: RemoteWriter;
  readonly #everyMs: number;
  readonly #countOf: (versionId: string) => number | undefined;
  readonly #busySeconds = new Map<string, number>();
  readonly #calls = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #lastMs = 0;

  constructor(options: { url: string; everyMs: number; countOf: (versionId: string) => number | undefined }) {
    this.#writer = new RemoteWriter(options.url);
    this.#everyMs = options.everyMs;
    this.#countOf = options.countOf;
  }

  add(version: Partial<LiveVersion> & { versionId: string }): LiveVersion {
    const made = {
      functionId: `f-${version.versionId}`,
      account: 'account-1',
      load: 0,
      callsPerSecond: 0,
      instances: 1,
      isScraped: true,
      ...version,
    };
    this.versions.set(made.versionId, made);
    return made;
  }

  start(): void {
    this.#lastMs = Date.now() - this.#everyMs;
    const tick = () => {
      this.#writing = this.#writing.then(() => this.#write()).catch(() => {});
    };
    tick();
    this.#timer = setInterval(tick, this.#everyMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
  }

  async #write(): Promise<void> {
    const nowMs = Date.now();
    const seconds = (nowMs - this.#lastMs) / 1000;
    this.#lastMs = nowMs;
    await this.#writer.write(
      [...this.versions.values()].flatMap((version) => this.#seriesOf(version, { nowMs, seconds })),
    );
  }

  #seriesOf(version: LiveVersion, { nowMs, seconds }: { nowMs: number; seconds: number }): WrittenSeries[] {
    version.instances = this.#countOf(version.versionId) ?? version.instances;
    const { versionId, functionId, account, load, instances, callsPerSecond } = version;
    const identity = { function_id: functionId, function_version_id: versionId, nca_id: account };
    const at = (name: string, labels: Record<string, string>, value: number): WrittenSeries => ({
      labels: { __name__: name, ...identity, ...labels },
      timesMs: [nowMs],
      values: [value],
    });
    const calls = (this.#calls.get(versionId) ?? 0) + callsPerSecond * seconds;
    this.#calls.set(versionId, calls);
    const series = calls > 0 ? [at('function_request_total', { job: 'gateway' }, Math.floor(calls))] : [];
    if (!version.isScraped) return series;
    for (let instance = 0; instance < instances; instance += 1) {
      const key = `${versionId}#${instance}`;
      const busy = (this.#busySeconds.get(key) ?? 0) + Math.min(THREADS, load / Math.max(1, instances)) * seconds;
      this.#busySeconds.set(key, busy);
      const labels = { job: 'worker', instance: `${versionId}-${instance}` };
      series.push(at('nvcf_worker_service_worker_thread_busy_seconds_total', labels, busy));
      series.push(at('nvcf_worker_service_worker_thread_count_total', labels, THREADS));
    }
    return series;
  }
}

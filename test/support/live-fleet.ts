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
  /** Told of every scrape once the store has it. */
  onWritten: ((atMs: number) => void) | undefined;
  readonly #writer: RemoteWriter;
  readonly #everyMs: number;
  readonly #countOf: (versionId: string) => number | undefined;
  readonly #busySeconds = new Map<string, number>();
  readonly #calls = new Map<string, number>();
  /** Until when the work of a version is in its counters. */
  readonly #countedMs = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

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

  /** A step in the load at this very moment: what was worked before it is counted at the old load. */
  setLoad(versionId: string, load: number): void {
    const version = this.versions.get(versionId);
    if (!version) throw new Error(`no version ${versionId}`);
    this.#work(version, Date.now());
    version.load = load;
  }

  /** Writes what scrapes would have left until now, so that a test need not wait for windows to fill. */
  async writePast(forMs: number): Promise<void> {
    const nowMs = Date.now();
    for (const { versionId } of this.versions.values()) this.#countedMs.set(versionId, nowMs - forMs);
    for (let atMs = nowMs - forMs + this.#everyMs; atMs < nowMs; atMs += this.#everyMs) await this.#write(atMs);
  }

  start(): void {
    const tick = () => {
      this.#writing = this.#writing.then(() => this.#write(Date.now())).catch(() => {});
    };
    tick();
    this.#timer = setInterval(tick, this.#everyMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
  }

  async #write(atMs: number): Promise<void> {
    const series = [...this.versions.values()].flatMap((version) => this.#seriesOf(version, atMs));
    await this.#writer.write(series);
    this.onWritten?.(atMs);
  }

  #work(version: LiveVersion, untilMs: number): void {
    const { versionId, load, instances, callsPerSecond } = version;
    const seconds = (untilMs - (this.#countedMs.get(versionId) ?? untilMs - this.#everyMs)) / 1000;
    this.#countedMs.set(versionId, untilMs);
    this.#calls.set(versionId, (this.#calls.get(versionId) ?? 0) + callsPerSecond * seconds);
    for (let instance = 0; instance < instances; instance += 1) {
      const key = `${versionId}#${instance}`;
      const busy = Math.min(THREADS, load / instances) * seconds;
      this.#busySeconds.set(key, (this.#busySeconds.get(key) ?? 0) + busy);
    }
  }

  #seriesOf(version: LiveVersion, atMs: number): WrittenSeries[] {
    this.#work(version, atMs);
    version.instances = this.#countOf(version.versionId) ?? version.instances;
    const { versionId, functionId, account, instances } = version;
    const identity = { function_id: functionId, function_version_id: versionId, nca_id: account };
    const at = (name: string, labels: Record<string, string>, value: number): WrittenSeries => ({
      labels: { __name__: name, ...identity, ...labels },
      timesMs: [atMs],
      values: [value],
    });
    const calls = this.#calls.get(versionId) ?? 0;
    const series = calls > 0 ? [at('function_request_total', { job: 'gateway' }, Math.floor(calls))] : [];
    if (!version.isScraped) return series;
    for (let instance = 0; instance < instances; instance += 1) {
      const labels = { job: 'worker', instance: `${versionId}-${instance}` };
      const busy = this.#busySeconds.get(`${versionId}#${instance}`) ?? 0;
      series.push(at('nvcf_worker_service_worker_thread_busy_seconds_total', labels, busy));
      series.push(at('nvcf_worker_service_worker_thread_count_total', labels, THREADS));
    }
    return series;
  }
}

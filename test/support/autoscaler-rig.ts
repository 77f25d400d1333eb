import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ControlPlaneDouble, type ControlPlaneDoubleOptions } from './control-plane/control-plane-double.ts';
import type { VersionSeed } from './control-plane/double-fleet.ts';
import { LiveFleet, type LiveVersion } from './live-fleet.ts';
import { RunningMember } from './running-member.ts';
import { type StoreKind, startTimeseriesServer, type TimeseriesServer } from './timeseries/timeseries-server.ts';

export interface RigOptions {
  readonly timeseries: StoreKind;
  /** `store.url`; unset: a SQLite file of this rig's own. */
  readonly store?: string;
  /** How often the fleet is scraped. */
  readonly scrapeMs: number;
  /** Flags of every replica. */
  readonly flags?: readonly string[];
  /** Where secrets of every replica stand. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly controlPlane?: ControlPlaneDoubleOptions;
  /** What a Prometheus of this rig scrapes by itself, every second. */
  readonly targets?: readonly string[];
}

/** Everything scraped, found and judged every second; membership keeps the timings of production. */
export const FAST: readonly string[] = [
  ...['--scaling-interval', '1s', '--discovery-interval', '1s', '--scaling-catalogue-refresh', '1s'],
  ...['--timeseries-scrape-interval', '1s', '--timeseries-settle', '0s', '--timeseries-timeout', '1s'],
  ...['--control-plane-targets-refresh', '1s'],
];

/** The autoscaler on real parts: replicas as processes, a real time-series store, a control plane over HTTP, a fleet that answers. */
export class AutoscalerRig {
  readonly timeseries: TimeseriesServer;
  readonly controlPlane: ControlPlaneDouble;
  readonly fleet: LiveFleet;
  readonly directory: string;
  readonly storeUrl: string;
  readonly #options: RigOptions;
  readonly #members: RunningMember[] = [];
  #joined = 0;

  static async start(options: RigOptions): Promise<AutoscalerRig> {
    const timeseries = await startTimeseriesServer(options.timeseries, { targets: options.targets ?? [] });
    const controlPlane = new ControlPlaneDouble(options.controlPlane);
    await controlPlane.start();
    return new AutoscalerRig(options, { timeseries, controlPlane });
  }

  private constructor(
    options: RigOptions,
    { timeseries, controlPlane }: { timeseries: TimeseriesServer; controlPlane: ControlPlaneDouble },
  ) {
    this.#options = options;
    this.timeseries = timeseries;
    this.controlPlane = controlPlane;
    this.directory = mkdtempSync(join(tmpdir(), 'starling-rig-'));
    this.storeUrl = options.store ?? `sqlite:${join(this.directory, 'starling.db')}`;
    this.fleet = new LiveFleet({
      url: timeseries.url,
      everyMs: options.scrapeMs,
      countOf: (versionId) => controlPlane.fleet.find(versionId)?.active,
    });
  }

  /** A version that the control plane knows and that is scraped; what runs is what the control plane says runs. */
  add(version: Partial<LiveVersion> & { versionId: string }, seed: Omit<VersionSeed, 'versionId'> = {}): LiveVersion {
    const live = this.fleet.add(version);
    const { versionId, functionId, account, instances } = live;
    this.controlPlane.fleet.put({ versionId, functionId, account, activeInstances: instances, ...seed });
    return live;
  }

  /** Every replica says another user agent, so that the control plane's record tells who wrote. */
  async join(flags: readonly string[] = []): Promise<RunningMember> {
    const member = await RunningMember.start(this.flags(...flags), this.#options.environment);
    this.#members.push(member);
    return member;
  }

  /** What a replica of this rig is started with. */
  flags(...more: readonly string[]): string[] {
    this.#joined += 1;
    return [
      ...['--store', this.storeUrl, '--timeseries', this.timeseries.url, '--control-plane', this.controlPlane.url],
      ...['--control-plane-user-agent', `replica-${this.#joined}`],
      ...(this.#options.flags ?? []),
      ...more,
    ];
  }

  async stop(): Promise<void> {
    for (const { process } of this.#members) process.kill('SIGKILL');
    await Promise.all(this.#members.map(({ process }) => process.ended));
    await this.fleet.stop();
    await this.controlPlane.stop();
    await this.timeseries.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

import { readFileSync } from 'node:fs';
import path from 'node:path';
import pino from 'pino';
import { loadProfiles } from '../src/adapters/prometheus/load-profiles.ts';
import { PrometheusSignalReader } from '../src/adapters/prometheus/prometheus-signal-reader.ts';
import { StoreClient } from '../src/adapters/prometheus/store-client.ts';
import { SqliteStore } from '../src/adapters/sqlite/store.ts';
import { systemClock } from '../src/adapters/system/clock.ts';
import { systemRandom } from '../src/lib/random.ts';
import { Autoscaler } from '../src/loops/autoscaler.ts';
import type { SignalReader } from '../src/ports/signal-reader.ts';
import type { Meters } from '../src/telemetry/meters.ts';
import { SETTINGS } from '../test/support/a-fleet.ts';
import { FencedControlPlane } from '../test/support/fenced-control-plane.ts';
import { fleetVersion } from '../test/support/timeseries/fleet.ts';

/** What the benchmark tells its replica. */
export interface ReplicaOrders {
  readonly url: string;
  readonly versions: number;
  readonly instancesPerVersion: number;
  readonly cycleEveryMs: number;
  readonly bucketLabel: string | undefined;
  readonly directory: string;
}

/** What the replica tells of a cycle, when it begins and when it has ended. */
export type ReplicaReport =
  | { readonly kind: 'begin' }
  | {
      readonly kind: 'end';
      readonly versions: number;
      readonly requests: number;
      readonly failures: number;
      /** Requests for what was before, since the end of the cycle before: they run beside the first cycles, and between them. */
      readonly pastRequests: number;
      readonly wallSeconds: number;
      /** Of the whole process since the end of the cycle before: heartbeats, ledger and garbage collection included. */
      readonly cpuSeconds: number;
      readonly rssBytes: number;
      /** The most that it ever was. */
      readonly rssPeakBytes: number;
    };

/** One whole replica in a process of its own, so that its CPU and memory are nobody else's. */
const orders = JSON.parse(process.argv[2] ?? '{}') as ReplicaOrders;
const report = (message: ReplicaReport) => process.send?.(message);

let requests = 0;
let failures = 0;
let pastRequests = 0;
let decisions = 0;
let lastCpuSeconds = cpuSeconds();

const meters: Meters = {
  set() {},
  add(name, value) {
    if (name === 'starling_decisions_total') decisions += value;
  },
  record(name, value, labels) {
    if (name === 'starling_timeseries_request_seconds') {
      requests += 1;
      if (String(labels?.['query']).endsWith(' past')) pastRequests += 1;
      if (labels?.['outcome'] !== 'ok') failures += 1;
    }
    if (name === 'starling_loop_duration_seconds' && labels?.['loop'] === 'scale') endCycle(value);
  },
};

function endCycle(wallSeconds: number): void {
  const nowCpuSeconds = cpuSeconds();
  const cpu = nowCpuSeconds - lastCpuSeconds;
  lastCpuSeconds = nowCpuSeconds;
  const { rss } = process.memoryUsage();
  report({
    kind: 'end',
    versions: decisions,
    requests,
    failures,
    pastRequests,
    wallSeconds,
    cpuSeconds: cpu,
    rssBytes: rss,
    rssPeakBytes: rssPeakBytes(),
  });
  pastRequests = 0;
  // Its one pass of discovery was cut short: on a machine that stands still for a second the duty is in doubt.
  if (decisions < orders.versions) member.poke('discover');
}

/** What getrusage tells was handed down by the process that started this one. */
function rssPeakBytes(): number {
  return Number(/^VmHWM:\s*(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Tells where a cycle begins: with the plan of what to read. Discovery plans too, but runs only once here. */
function watched(reader: SignalReader): SignalReader {
  return {
    plan: (share) => {
      if (share.isForPast) return reader.plan(share);
      requests = 0;
      failures = 0;
      decisions = 0;
      report({ kind: 'begin' });
      return reader.plan(share);
    },
    read: (part, options) => reader.read(part, options),
    backfill: (part, options) => reader.backfill(part, options),
    discover: (part, options) => reader.discover(part, options),
    probe: (options) => reader.probe(options),
  };
}

// The control plane stands beside the replica here and wants things as they are: what is measured is reading and deciding.
const controlPlane = new FencedControlPlane();
const { instancesPerVersion } = orders;
for (let index = 0; index < orders.versions; index += 1) {
  controlPlane.know({ ...fleetVersion(index), instancesMin: instancesPerVersion, instancesMax: instancesPerVersion });
}

const reader = new PrometheusSignalReader({
  client: new StoreClient({ url: orders.url, clock: systemClock, random: systemRandom, meters, timeoutMs: 30_000 }),
  profiles: await loadProfiles({ names: ['worker-threads', 'llm-gateway', 'control-plane'] }),
  clock: systemClock,
  labels: { environment: 'prod', aws_env: 'prd' },
  bucketLabel: orders.bucketLabel,
});
await reader.probe({});
const member = new Autoscaler({
  memberId: `bench/${systemRandom.uuid()}`,
  version: 'bench',
  address: '',
  weight: 1,
  store: await SqliteStore.open({ path: path.join(orders.directory, 'starling.sqlite'), clock: systemClock }),
  reader: watched(reader),
  targets: controlPlane,
  actuator: controlPlane,
  clock: systemClock,
  random: systemRandom,
  logger: pino({ level: process.env['BENCH_LOG'] ?? 'silent' }, pino.destination(2)),
  meters,
  settings: {
    ...SETTINGS,
    scaling: { ...SETTINGS.scaling, intervalMs: orders.cycleEveryMs },
    discovery: { ...SETTINGS.discovery, intervalMs: 3_600_000, jitterMs: 0 },
    timeseries: { ...SETTINGS.timeseries, bucketLabel: orders.bucketLabel },
  },
});
process.once('disconnect', () => process.exit());
member.start();

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import service from '../bin/service-process.json' with { type: 'json' };
import { TcpProxy } from '../test/support/tcp-proxy.ts';
import { fleetSeries } from '../test/support/timeseries/fleet.ts';
import { RemoteWriter } from '../test/support/timeseries/remote-write.ts';
import {
  STORE_KINDS,
  type StoreKind,
  startTimeseriesServer,
  type TimeseriesServer,
  timeseriesAvailability,
} from '../test/support/timeseries/timeseries-server.ts';
import { compileReplica } from './compile-replica.ts';
import { PerVersionReads } from './per-version-reads.ts';
import type { ReplicaOrders, ReplicaReport } from './reading-replica.ts';
import { type BenchOptions, type BenchResult, BenchUsage, rounded } from './report.ts';

const INSTANCES_PER_VERSION = 2;
const BUCKET_LABEL = 'autoscaler_bucket';
const HISTORY_MS = 14 * 60_000;
const DELAY_MS = 20;

interface Plan {
  readonly versions: number;
  readonly store: StoreKind;
  readonly bucketLabel: string | undefined;
  readonly cycleEveryMs: number;
  readonly cycles: number;
  readonly sample: number;
  readonly delayedCycles: number;
  /** How far into the future samples are written: the run must end before. */
  readonly aheadMs: number;
}

/**
 * A whole replica reads and decides for a fleet, cycle after cycle, from a real store that holds 15-second samples. In the
 * gaps between its cycles four queries per version are sent for a sample of the fleet, and the store's CPU is read around
 * both. Meanwhile a new series appears every second, as in any fleet whose instances come and go: it keeps
 * VictoriaMetrics from answering everything out of caches that no live fleet would leave it.
 */
export async function run({ isQuick, args, say }: BenchOptions): Promise<BenchResult> {
  const plan = planOf(args, isQuick);
  const { versions, store } = plan;
  const minutes = isQuick
    ? 'under a minute'
    : `about ${Math.ceil(2 + versions / 20_000 + (plan.cycles + plan.delayedCycles) / 4)} minutes`;
  say(`reading: ${versions} versions, ${INSTANCES_PER_VERSION} instances each, on ${store}; takes ${minutes}`);
  const found = await timeseriesAvailability(store);
  if (!found.available) throw new BenchUsage(`${store} is not available: ${found.why}`);
  const server = await startTimeseriesServer(store);
  try {
    await load(server, plan, say);
    const stopChurn = keepChurning(server);
    try {
      const plain = await measurePlain(server, plan, say);
      const delayed = await measureDelayed(server, plan, say);
      return {
        software: { [store]: server.version },
        figures: figuresOf(plan, plain, delayed),
        notes: notesOf(plan, plain),
      };
    } finally {
      await stopChurn();
    }
  } finally {
    await server.stop();
  }
}

function planOf(args: readonly string[], isQuick: boolean): Plan {
  const { values } = parseArgs({
    args: [...args],
    options: {
      versions: { type: 'string' },
      store: { type: 'string', default: 'prometheus' },
      cycles: { type: 'string' },
      'bucket-label': { type: 'boolean', default: false },
    },
  });
  const number = (text: string | undefined, fallback: number) => {
    const value = text === undefined ? fallback : Number(text);
    if (!Number.isInteger(value) || value < 1) throw new BenchUsage(`a whole number is needed, not ${text}`);
    return value;
  };
  const store = STORE_KINDS.find((kind) => kind === values.store);
  if (!store) throw new BenchUsage(`--store is one of ${STORE_KINDS.join(', ')}, not ${values.store}`);
  const versions = number(values.versions, isQuick ? 1_000 : 10_000);
  return {
    versions,
    store,
    bucketLabel: values['bucket-label'] ? BUCKET_LABEL : undefined,
    cycleEveryMs: isQuick ? 3_000 : 15_000,
    cycles: number(values.cycles, isQuick ? 3 : 8),
    sample: Math.min(versions, isQuick ? 200 : 1_000),
    delayedCycles: isQuick ? 2 : 4,
    aheadMs: isQuick ? 5 * 60_000 : 20 * 60_000,
  };
}

async function load(server: TimeseriesServer, { versions, aheadMs }: Plan, say: (line: string) => void): Promise<void> {
  const startMs = performance.now();
  const nowMs = Date.now();
  const options = { versions, instancesPerVersion: INSTANCES_PER_VERSION, bucketLabel: BUCKET_LABEL };
  const series = fleetSeries({ ...options, startMs: nowMs - HISTORY_MS, endMs: nowMs + aheadMs });
  await new RemoteWriter(server.url).write(series);
  await server.flush();
  say(`loaded ${versions} versions in ${rounded((performance.now() - startMs) / 1000)} s`);
}

/** One new series a second. */
function keepChurning(server: TimeseriesServer): () => Promise<void> {
  const writer = new RemoteWriter(server.url);
  let count = 0;
  let writing = Promise.resolve();
  const timer = setInterval(() => {
    count += 1;
    const labels = { __name__: 'an_instance_that_came', instance: `instance-${process.pid}-${count}` };
    writing = writing.then(() => writer.write([{ labels, timesMs: [Date.now()], values: [1] }])).catch(() => {});
  }, 1_000);
  return async () => {
    clearInterval(timer);
    await writing;
  };
}

interface Cycle extends Extract<ReplicaReport, { kind: 'end' }> {
  readonly storeCpuSeconds: number;
}

interface Plain extends Run {
  /** Store CPU of a pass over the sample, projected to the fleet. */
  readonly passes: readonly number[];
}

interface Run {
  readonly cycles: readonly Cycle[];
  /** Those before, beside which the past was read and V8 compiled. */
  readonly first: readonly Cycle[];
}

async function measurePlain(server: TimeseriesServer, plan: Plan, say: (line: string) => void): Promise<Plain> {
  const perVersion = new PerVersionReads(server.url);
  const sample = Array.from({ length: plan.sample }, (_, index) => Math.floor((index * plan.versions) / plan.sample));
  const passes: number[] = [];
  const afterCycle = async () => {
    // Not right after the cycle: what the store still has to clean up is the cycle's.
    await new Promise((resolve) => setTimeout(resolve, plan.cycleEveryMs * 0.2));
    const before = server.cpuSeconds();
    await perVersion.pass(sample);
    passes.push(((server.cpuSeconds() - before) * plan.versions) / plan.sample);
  };
  try {
    const run = await runReplica(server.url, plan, { server, count: plan.cycles, say, afterCycle });
    return { ...run, passes };
  } finally {
    perVersion.close();
  }
}

async function measureDelayed(
  server: TimeseriesServer,
  plan: Plan,
  say: (line: string) => void,
): Promise<readonly Cycle[]> {
  const { hostname, port } = new URL(server.url);
  const proxy = new TcpProxy({ host: hostname, port: Number(port) });
  const proxyPort = await proxy.listen();
  proxy.set({ kind: 'delay', ms: DELAY_MS / 2 }); // on the way there, and on the way back
  try {
    say(`again, with ${DELAY_MS} ms added to every answer`);
    const url = `http://127.0.0.1:${proxyPort}`;
    return (await runReplica(url, plan, { server, count: plan.delayedCycles, say })).cycles;
  } finally {
    await proxy.close();
  }
}

/** Runs one replica until it has done so many cycles over the whole fleet; those beside which the past is read are not counted. */
async function runReplica(
  url: string,
  plan: Plan,
  {
    server,
    count,
    say,
    afterCycle = async () => {},
  }: { server: TimeseriesServer; count: number; say: (line: string) => void; afterCycle?: () => Promise<void> },
): Promise<Run> {
  const { versions, cycleEveryMs, bucketLabel } = plan;
  const directory = mkdtempSync(path.join(tmpdir(), 'starling-bench-'));
  const orders: ReplicaOrders = {
    url,
    versions,
    cycleEveryMs,
    bucketLabel,
    directory,
    instancesPerVersion: INSTANCES_PER_VERSION,
  };
  const replica = fork(await compileReplica(), [JSON.stringify(orders)], {
    execArgv: [...service.flags, ...service.flagsOf.autoscale],
    env: { ...service.environment, ...process.env },
  });
  try {
    const cycles: Cycle[] = [];
    const first: Cycle[] = [];
    let begin: Stamped | undefined;
    for await (const stamped of reportsOf(replica, server)) {
      const { report } = stamped;
      if (report.kind === 'begin') begin = stamped;
      // Before everything is found there are cycles over nothing, and beside the first whole ones the past is read.
      if (report.kind === 'begin' || report.versions < versions || !begin) continue;
      if (report.failures > 0) throw new Error(`${report.failures} of ${report.requests} requests failed`);
      const cycle = { ...report, storeCpuSeconds: stamped.storeCpuSeconds - begin.storeCpuSeconds };
      const isSteady = first.length > 0 && report.pastRequests === 0;
      say(`${isSteady ? `cycle ${cycles.length + 1} of ${count}` : 'a first cycle, reads the past'}: ${told(cycle)}`);
      if (begin.hasWaited) say('  not counted: the pass before had not ended when it began; is this machine busy?');
      if (!isSteady) first.push(cycle);
      else if (!begin.hasWaited) cycles.push(cycle);
      if (cycles.length > 0) await afterCycle();
      if (cycles.length === count) return { cycles, first };
    }
    throw new Error(`the replica ended before its time, with ${replica.exitCode}`);
  } finally {
    await end(replica);
    rmSync(directory, { recursive: true, force: true });
  }
}

function told({ wallSeconds, requests, storeCpuSeconds, cpuSeconds, rssBytes }: Cycle): string {
  const seconds = `${rounded(wallSeconds)} s, ${requests} requests, store CPU ${rounded(storeCpuSeconds)} s`;
  return `${seconds}, replica CPU ${rounded(cpuSeconds)} s, RSS ${Math.round(rssBytes / 2 ** 20)} MB`;
}

interface Stamped {
  readonly report: ReplicaReport;
  /** What the store had used when the report came in. */
  readonly storeCpuSeconds: number;
  /** Nobody was listening when it came: something else was still going on at the store. */
  readonly hasWaited: boolean;
}

async function* reportsOf(replica: ChildProcess, server: TimeseriesServer): AsyncGenerator<Stamped> {
  const waiting: Stamped[] = [];
  let wake: (() => void) | undefined;
  replica.on('message', (message) => {
    const hasWaited = wake === undefined;
    waiting.push({ report: message as ReplicaReport, storeCpuSeconds: server.cpuSeconds(), hasWaited });
    wake?.();
  });
  replica.once('exit', () => wake?.());
  while (replica.exitCode === null && replica.signalCode === null) {
    const message = waiting.shift();
    if (message) yield message;
    else {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = undefined;
    }
  }
}

/** The replica ends when it is left alone; the channel must be closed for this process to end, too. */
async function end(replica: ChildProcess): Promise<void> {
  if (replica.exitCode !== null || replica.signalCode !== null) return;
  const ended = once(replica, 'exit');
  const timer = setTimeout(() => replica.kill('SIGKILL'), 5_000);
  if (replica.connected) replica.disconnect();
  await ended;
  clearTimeout(timer);
}

function figuresOf(plan: Plan, { cycles, first, passes }: Plain, delayed: readonly Cycle[]): Record<string, unknown> {
  const storeCpuSecondsPerCycle = mean(cycles.map((cycle) => cycle.storeCpuSeconds));
  const perVersionStoreCpuSecondsPerCycle = mean(passes);
  return {
    versions: plan.versions,
    store: plan.store,
    requestsPerCycle: Math.max(...cycles.map((cycle) => cycle.requests)),
    storeCpuSecondsPerCycle: rounded(storeCpuSecondsPerCycle),
    perVersionStoreCpuSecondsPerCycle: rounded(perVersionStoreCpuSecondsPerCycle),
    storeCpuRatio: rounded(perVersionStoreCpuSecondsPerCycle / storeCpuSecondsPerCycle),
    replicaCpuSecondsPerCycle: rounded(mean(cycles.map((cycle) => cycle.cpuSeconds))),
    replicaCpuSecondsOfFirstCycles: first.map((cycle) => rounded(cycle.cpuSeconds)),
    cycleWallSeconds: rounded(mean(cycles.map((cycle) => cycle.wallSeconds))),
    cycleWallSecondsAt20ms: rounded(mean(delayed.map((cycle) => cycle.wallSeconds))),
    rssMb: Math.round(Math.max(...cycles.map((cycle) => cycle.rssBytes)) / 2 ** 20),
    rssPeakMb: Math.round(Math.max(...cycles.map((cycle) => cycle.rssPeakBytes)) / 2 ** 20),
  };
}

function notesOf({ sample, bucketLabel, cycleEveryMs }: Plan, { cycles, passes }: Plain): string[] {
  const span = (values: readonly number[]) => `${rounded(Math.min(...values))} to ${rounded(Math.max(...values))}`;
  return [
    `store and replica share this machine; cycles ${cycleEveryMs / 1000} s apart, a pass of four queries per version (${sample} versions, 10 in flight, projected) between each two`,
    `store CPU seconds ranged over ${span(cycles.map((cycle) => cycle.storeCpuSeconds))} in bulk and ${span(passes)} per version; the means are compared`,
    bucketLabel ? `cut by the label ${bucketLabel}` : 'cut by the first letter of the version id, where it is cut',
    'replica CPU is that of the whole process between the ends of two cycles, on SQLite, with a control plane that wants nothing changed; discovery runs once, before them',
    'the first cycles are those beside which the past is read; they count in the peak of resident memory alone',
  ];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

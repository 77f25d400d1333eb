import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import service from '../bin/service-process.json' with { type: 'json' };
import { DIALECTS } from '../src/wiring/platform-dialects.ts';
import { type LoadReport, load } from './http-load.ts';
import { type BenchOptions, type BenchResult, BenchUsage, rounded } from './report.ts';

const EVENT = '{"name":"you"}';
const RESULT = '{"hello":"you"}';
const ECHO = 'exports.handler = async (event) => ({ hello: event.name });';
const CLOCK_TICKS_PER_SECOND = 100;

interface Plan {
  readonly loadMs: number;
  readonly fiveMs: number;
  readonly churn: number;
  readonly idleMs: number;
  readonly only: string | undefined;
}

/** The function platform as a process of its own, beside a bare Node server that sends the same bytes, both under the same load. */
export async function run({ isQuick, args, say }: BenchOptions): Promise<BenchResult> {
  const plan = planOf(args, isQuick);
  const platform = await startPlatform();
  try {
    const figures: Record<string, unknown> = {};
    const parts: Readonly<Record<string, () => Promise<Record<string, unknown>>>> = {
      deploy: () => measureDeploys(platform),
      warm: () => measureWarm(platform, plan, say),
      five: () => measureFive(platform, plan, say),
      churn: () => measureChurn(platform, plan, say),
      idle: () => measureIdle(platform, plan, say),
    };
    if (plan.only !== undefined && !(plan.only in parts)) {
      throw new BenchUsage(`--only must be one of ${Object.keys(parts).join(', ')}`);
    }
    for (const [name, measure] of Object.entries(parts)) {
      if (plan.only === undefined || plan.only === name) Object.assign(figures, await measure());
    }
    return {
      software: { node: process.version },
      figures,
      notes: ['the load comes from a process of its own on the same machine, and takes its share of it'],
    };
  } finally {
    await platform.stop();
  }
}

function planOf(args: readonly string[], isQuick: boolean): Plan {
  const { values } = parseArgs({
    args: [...args],
    options: { churn: { type: 'string' }, only: { type: 'string' } },
  });
  const churn = Number(values.churn ?? (isQuick ? 100 : 10_000));
  if (!Number.isInteger(churn) || churn < 1) throw new BenchUsage('--churn takes a whole number of 1 or more');
  return {
    loadMs: isQuick ? 2_000 : 8_000,
    fiveMs: isQuick ? 5_000 : 30_000,
    churn,
    idleMs: isQuick ? 4_000 : 20_000,
    only: values.only,
  };
}

async function measureDeploys(platform: RunningPlatform): Promise<Record<string, unknown>> {
  const beganMs = performance.now();
  await Promise.all(Array.from({ length: 20 }, (_, index) => platform.deploy(`idle-${index}`)));
  const deployedMs = performance.now() - beganMs;
  return {
    twentyDeployedMs: rounded(deployedMs),
    rssWithTwentyIdleMb: rounded(platform.rssBytes() / 2 ** 20),
    processesWithTwentyIdle: platform.children(),
  };
}

async function measureWarm(
  platform: RunningPlatform,
  { loadMs }: Plan,
  say: BenchOptions['say'],
): Promise<Record<string, unknown>> {
  await platform.deploy('warm');
  const bare = await startBareServer();
  const figures: Record<string, unknown> = {};
  try {
    const bareTarget = { url: bare.url, method: 'POST', body: EVENT } as const;
    for (const connections of [5, 50]) {
      say(`platform: a warm function and a bare server at ${connections} connections`);
      await load(platform.target('warm'), { connections, forMs: loadMs / 2 });
      await load(bareTarget, { connections, forMs: loadMs / 2 });
      // Around each other, so that what else goes on falls on both.
      const bareFirst = await load(bareTarget, { connections, forMs: loadMs / 2 });
      const warm = await load(platform.target('warm'), { connections, forMs: loadMs });
      const bareAgain = await load(bareTarget, { connections, forMs: loadMs / 2 });
      expectOk(warm);
      const bareRate = (bareFirst.requestsPerSecond + bareAgain.requestsPerSecond) / 2;
      const bareP99Ms = (bareFirst.p99Ms + bareAgain.p99Ms) / 2;
      figures[`at${connections}`] = {
        bareRequestsPerSecond: rounded(bareRate),
        requestsPerSecond: rounded(warm.requestsPerSecond),
        share: rounded(warm.requestsPerSecond / bareRate),
        medianMs: rounded(warm.medianMs),
        p99Ms: rounded(warm.p99Ms),
        bareP99Ms: rounded(bareP99Ms),
        p99Times: rounded(warm.p99Ms / bareP99Ms),
        cold: warm.cold,
      };
    }
  } finally {
    bare.stop();
    await platform.remove('warm');
  }
  return figures;
}

async function measureFive(
  platform: RunningPlatform,
  { fiveMs }: Plan,
  say: BenchOptions['say'],
): Promise<Record<string, unknown>> {
  say('platform: five functions at once, 25 connections each');
  const names = ['five-a', 'five-b', 'five-c', 'five-d', 'five-e'];
  for (const name of names) await platform.deploy(name);
  const reports = await Promise.all(
    names.map((name) => load(platform.target(name), { connections: 25, forMs: fiveMs })),
  );
  for (const name of names) await platform.remove(name);
  const requests = sum(reports, (report) => report.requests);
  const ok = sum(reports, ({ statuses }) => statuses.get(200) ?? 0);
  const cold = sum(reports, (report) => report.cold);
  return {
    fiveRequestsPerSecond: rounded(sum(reports, (report) => report.requestsPerSecond)),
    fiveErrors: requests - ok + sum(reports, ({ statuses }) => statuses.get(0) ?? 0),
    fiveWarmShare: Number((1 - cold / requests).toFixed(5)),
    fiveCold: cold,
    fiveP99Ms: rounded(Math.max(...reports.map((report) => report.p99Ms))),
  };
}

/** Every call starts a process and ends it. */
async function measureChurn(
  platform: RunningPlatform,
  { churn }: Plan,
  say: BenchOptions['say'],
): Promise<Record<string, unknown>> {
  await platform.deploy('churn', { reuse: 'never' });
  await platform.call('churn');
  await platform.untilQuiet();
  const before = {
    children: platform.children(),
    descriptors: platform.descriptors(),
    rssMb: platform.rssBytes() / 2 ** 20,
  };
  say(`platform: ${churn} instances started and ended`);
  const beganMs = performance.now();
  let left = churn;
  let failed = 0;
  const caller = async () => {
    while (left > 0) {
      left -= 1;
      if (!(await platform.call('churn'))) failed += 1;
    }
  };
  await Promise.all([caller(), caller(), caller(), caller()]);
  const tookMs = performance.now() - beganMs;
  await platform.untilQuiet();
  return {
    churned: churn,
    churnPerSecond: rounded((churn / tookMs) * 1_000),
    churnFailed: failed,
    processesMore: platform.children() - before.children,
    descriptorsMore: platform.descriptors() - before.descriptors,
    reservedBytesLeft: await platform.reservedBytes(),
    rssMbBeforeAndAfter: [rounded(before.rssMb), rounded(platform.rssBytes() / 2 ** 20)],
  };
}

async function measureIdle(
  platform: RunningPlatform,
  { idleMs }: Plan,
  say: BenchOptions['say'],
): Promise<Record<string, unknown>> {
  say('platform: a thousand functions that nobody calls');
  await platform.untilQuiet();
  const before = await platform.cpuShare(idleMs);
  for (let index = 0; index < 1_000; index += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, more) => platform.deploy(`thousand-${index + more}`)));
  }
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  return { idleCpuShareBefore: before, idleCpuShareWithThousand: await platform.cpuShare(idleMs) };
}

interface RunningPlatform {
  deploy(name: string, pool?: Readonly<Record<string, unknown>>): Promise<void>;
  /** Its instances end with it. */
  remove(name: string): Promise<void>;
  target(name: string): { readonly url: string; readonly method: 'POST'; readonly body: string };
  /** Whether it was answered well. */
  call(name: string): Promise<boolean>;
  untilQuiet(): Promise<void>;
  rssBytes(): number;
  descriptors(): number;
  children(): number;
  reservedBytes(): Promise<number>;
  cpuShare(overMs: number): Promise<number>;
  stop(): Promise<void>;
}

async function startPlatform(): Promise<RunningPlatform> {
  const folder = mkdtempSync(path.join(tmpdir(), 'starling-bench-'));
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
  const options = ['--data-dir', folder, '--native', '127.0.0.1:0', '--log-format', 'json'];
  const without = DIALECTS.map(({ name }) => `--no-${name}`);
  // As the launcher starts it.
  const flags = [...service.flags, ...service.flagsOf.platform];
  const child = spawn(process.execPath, [...flags, main, 'platform', ...options, ...without], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...service.environment, ...process.env },
  });
  const url = await urlOf(child);
  const pid = child.pid!;
  const post = (where: string, body: unknown) =>
    fetch(`${url}${where}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
  const running: RunningPlatform = {
    async deploy(name, pool = {}) {
      const response = await post('/v1/functions', { name, runtime: 'node', code: ECHO, pool });
      if (!response.ok) throw new Error(`${name} was not deployed: ${response.status} ${await response.text()}`);
      await response.arrayBuffer();
    },
    async remove(name) {
      const response = await fetch(`${url}/v1/functions/${name}`, { method: 'DELETE' });
      if (!response.ok) throw new Error(`${name} was not removed: ${response.status} ${await response.text()}`);
    },
    target: (name) => ({ url: `${url}/v1/functions/${name}/invoke`, method: 'POST', body: EVENT }),
    async call(name) {
      const headers = { connection: 'close' };
      const response = await fetch(`${url}/v1/functions/${name}/invoke`, { method: 'POST', body: EVENT, headers });
      return (await response.text()) === RESULT;
    },
    async untilQuiet() {
      const endMs = performance.now() + 30_000;
      while (performance.now() < endMs && (await running.reservedBytes()) > 0) {
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    },
    rssBytes: () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024,
    descriptors: () => readdirSync(`/proc/${pid}/fd`).length,
    children: () => childrenOf(pid).length,
    async reservedBytes() {
      const page = await (await fetch(`${url}/metrics`)).text();
      return Number(/^starling_platform_memory_reserved_bytes(?:\{[^}]*\})? (\S+)/m.exec(page)?.[1] ?? Number.NaN);
    },
    async cpuShare(overMs) {
      const before = cpuSeconds(pid);
      await new Promise((resolve) => setTimeout(resolve, overMs));
      return rounded(((cpuSeconds(pid) - before) * 1_000) / overMs);
    },
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return running;
}

async function urlOf(child: ChildProcess): Promise<string> {
  const lines = createInterface({ input: child.stdout! });
  for await (const line of lines) {
    const url = /"native":"(http:[^"]+)"/.exec(line)?.[1];
    if (!url) continue;
    // Read on, or the pipe fills up.
    child.stdout?.resume();
    return url;
  }
  throw new Error('the platform did not start');
}

async function startBareServer(): Promise<{ readonly url: string; stop(): void }> {
  const child = fork(fileURLToPath(new URL('./bare-server.ts', import.meta.url)), [RESULT]);
  const [url] = (await once(child, 'message')) as [string];
  return { url, stop: () => child.kill() };
}

/** What is only waiting to be reaped does not count. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const [state, parent] = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
        return Number(parent) === pid && state !== 'Z';
      } catch {
        return false;
      }
    })
    .map(Number);
}

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

function expectOk({ statuses, requests }: LoadReport): void {
  if (statuses.get(200) !== requests) throw new Error(`not all were answered well: ${JSON.stringify([...statuses])}`);
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DIALECTS } from '../src/wiring/platform-dialects.ts';
import { load } from './http-load.ts';
import { type BenchOptions, type BenchResult, BenchUsage, rounded } from './report.ts';

const VARIANTS = ['off', 'ready', 'cpu', 'wall', 'alloc', 'lock', 'all'] as const;
type Variant = (typeof VARIANTS)[number];

const HASH = `const { hash } = require('node:crypto');
exports.handler = ({ rounds }) => {
  let bytes = Buffer.from('abc');
  for (let round = 0; round < rounds; round++) bytes = hash('sha256', bytes, 'buffer');
  return { hash: bytes.toString('hex') };
};`;
const ECHO = 'exports.handler = async (event) => ({ hello: event.name });';
const WARM_UP_CALLS = 50;

interface Plan {
  readonly calls: number;
  readonly loadMs: number;
}

interface Measured {
  readonly times: number[];
  cpuMs: number;
  requestsPerSecond: number;
  rssMb: number;
}

/**
 * What profiling costs: the same calls with it switched off, with it ready but not recording, with each type recorded and
 * pushed all the time, and with all of them. A platform for each runs all the while, and they are called in turn, so that
 * whatever else goes on falls on all of them. `--calls n` makes it longer.
 */
export async function run({ isQuick, args, say }: BenchOptions): Promise<BenchResult> {
  const plan = planOf(args, isQuick);
  const receiver = createServer((request, response) => {
    request.resume().on('end', () => response.end());
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const pyroscope = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  const platforms: RunningPlatform[] = [];
  try {
    for (const variant of VARIANTS) platforms.push(await start(variant, pyroscope));
    say(`platform-profiling: ${plan.calls} calls of each of ${VARIANTS.join(', ')}`);
    for (let call = 0; call < plan.calls; call++) {
      // Another one begins each time: who comes after whom must not matter.
      for (let turn = 0; turn < platforms.length; turn++)
        await platforms[(call + turn) % platforms.length]!.measureCall();
    }
    for (const platform of platforms) {
      say(`platform-profiling: ${platform.variant} under load`);
      await platform.measureLoad(plan.loadMs);
    }
  } finally {
    await Promise.all(platforms.map((platform) => platform.stop()));
    receiver.closeAllConnections();
    receiver.close();
  }
  const off = summaryOf(platforms[0]!.measured);
  return {
    software: { node: process.version },
    figures: Object.fromEntries(
      platforms.map(({ variant, measured }) => [
        variant,
        compared(summaryOf(measured), variant === 'off' ? undefined : off),
      ]),
    ),
    notes: [
      `hash of 5,000 rounds, ${plan.calls} calls of each, in turn; then echo at 5 connections, one platform after the other`,
      'CPU is of the main threads of platform and function during the calls; overheads in percent of off',
      'what is pushed goes to a server that throws it away; windows of 15 s',
    ],
  };
}

function planOf(args: readonly string[], isQuick: boolean): Plan {
  const { values } = parseArgs({ args: [...args], options: { calls: { type: 'string' } } });
  const calls = Number(values.calls ?? (isQuick ? 50 : 3_000));
  if (!Number.isInteger(calls) || calls < 1) throw new BenchUsage('--calls takes a whole number of 1 or more');
  return { calls, loadMs: isQuick ? 1_000 : 8_000 };
}

interface RunningPlatform {
  readonly variant: Variant;
  readonly measured: Measured;
  measureCall(): Promise<void>;
  measureLoad(forMs: number): Promise<void>;
  stop(): Promise<void>;
}

async function start(variant: Variant, pyroscope: string): Promise<RunningPlatform> {
  const folder = mkdtempSync(path.join(tmpdir(), 'starling-bench-'));
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
  const flags = ['--data-dir', folder, '--native', '127.0.0.1:0', '--log-format', 'json'];
  const child = spawn(
    process.execPath,
    [main, 'platform', ...flags, ...profilingFlags(variant, pyroscope), ...DIALECTS.map(({ name }) => `--no-${name}`)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const url = await urlOf(child.stdout);
  await deploy(url, 'hash', HASH);
  const target = (name: string, body: string) =>
    ({ url: `${url}/v1/functions/${name}/invoke`, method: 'POST', body }) as const;
  const hash = target('hash', '{"rounds":5000}');
  for (let call = 0; call < WARM_UP_CALLS; call++) await ask(hash);
  const pids = [child.pid!, ...childrenOf(child.pid!)];
  const measured: Measured = { times: [], cpuMs: 0, requestsPerSecond: 0, rssMb: 0 };
  return {
    variant,
    measured,
    async measureCall() {
      const cpuBefore = cpuMsOf(pids);
      const beganMs = performance.now();
      await ask(hash);
      measured.times.push(performance.now() - beganMs);
      measured.cpuMs += cpuMsOf(pids) - cpuBefore;
    },
    async measureLoad(forMs) {
      await deploy(url, 'echo', ECHO);
      const echo = target('echo', '{"name":"you"}');
      await load(echo, { connections: 5, forMs: forMs / 2 });
      measured.requestsPerSecond = (await load(echo, { connections: 5, forMs })).requestsPerSecond;
      measured.rssMb = Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1_024;
    },
    async stop() {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function profilingFlags(variant: Variant, pyroscope: string): string[] {
  switch (variant) {
    case 'off':
      return [];
    case 'ready':
      return ['--profile', 'all'];
    default:
      return ['--profile', variant, '--pyroscope', pyroscope];
  }
}

interface Summary {
  readonly averageMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly requestsPerSecond: number;
  readonly cpuMsPerCall: number;
  readonly rssMb: number;
}

function summaryOf({ times, cpuMs, requestsPerSecond, rssMb }: Measured): Summary {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return {
    averageMs: times.reduce((sum, time) => sum + time, 0) / times.length,
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
    cpuMsPerCall: cpuMs / times.length,
    requestsPerSecond,
    rssMb,
  };
}

function compared(summary: Summary, off: Summary | undefined): Record<string, number> {
  const percent = (value: number, base: number) => Number(((value / base - 1) * 100).toFixed(1));
  const shown = Object.fromEntries(Object.entries(summary).map(([name, value]) => [name, rounded(value)]));
  if (!off) return shown;
  return {
    ...shown,
    averageMore: percent(summary.averageMs, off.averageMs),
    p50More: percent(summary.p50Ms, off.p50Ms),
    p95More: percent(summary.p95Ms, off.p95Ms),
    p99More: percent(summary.p99Ms, off.p99Ms),
    requestsFewer: -percent(summary.requestsPerSecond, off.requestsPerSecond),
    cpuMore: percent(summary.cpuMsPerCall, off.cpuMsPerCall),
    rssMbMore: rounded(summary.rssMb - off.rssMb),
  };
}

async function deploy(url: string, name: string, code: string): Promise<void> {
  const response = await fetch(`${url}/v1/functions`, {
    method: 'POST',
    body: JSON.stringify({ name, runtime: 'node', code }),
    headers: { 'content-type': 'application/json' },
  });
  if (!response.ok) throw new Error(`${name} was not deployed: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

async function ask({ url, body }: { url: string; body: string }): Promise<void> {
  const response = await fetch(url, { method: 'POST', body });
  const text = await response.text();
  if (!text.startsWith('{"hash":"4d986335')) throw new Error(`a wrong answer: ${response.status} ${text}`);
}

function childrenOf(pid: number): number[] {
  const parentOf = (each: string) => {
    try {
      return readFileSync(`/proc/${each}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')[1];
    } catch {
      return undefined;
    }
  };
  const processes = readdirSync('/proc').filter((each) => /^\d+$/.test(each));
  return processes.filter((each) => parentOf(each) === String(pid)).map(Number);
}

/** Of their main threads, to the nanosecond. */
function cpuMsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6, 0);
}

async function urlOf(stdout: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stdout })) {
    const url = /"native":"(http:[^"]+)"/.exec(line)?.[1];
    if (!url) continue;
    // Read on, or the pipe fills up.
    stdout.resume();
    return url;
  }
  throw new Error('the platform did not start');
}

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
import { DIALECTS } from '../src/commands/platform-dialects.ts';
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
const CLOCK_TICKS_PER_SECOND = 100;

interface Plan {
  readonly rounds: number;
  readonly calls: number;
  readonly loadMs: number;
}

interface Measured {
  readonly times: readonly number[];
  readonly requestsPerSecond: number;
  readonly cpuMsPerCall: number;
  readonly rssMb: number;
}

/**
 * What profiling costs: the same calls with it switched off, with it ready but not recording, with each type recorded and
 * pushed all the time, and with all of them. `--calls n` and `--rounds n` make it longer.
 */
export async function run({ isQuick, args, say }: BenchOptions): Promise<BenchResult> {
  const plan = planOf(args, isQuick);
  const receiver = createServer((request, response) => {
    request.resume().on('end', () => response.end());
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const pyroscope = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  const seen = new Map<Variant, Measured[]>(VARIANTS.map((variant) => [variant, []]));
  try {
    for (let round = 1; round <= plan.rounds; round++) {
      // Forwards and backwards, so that what else goes on does not always fall on the same ones.
      for (const variant of round % 2 === 0 ? [...VARIANTS].reverse() : VARIANTS) {
        say(`platform-profiling: round ${round} of ${plan.rounds}, ${variant}`);
        seen.get(variant)?.push(await measure(variant, pyroscope, plan));
      }
    }
  } finally {
    receiver.closeAllConnections();
    receiver.close();
  }
  const off = summaryOf(seen.get('off') ?? []);
  const figureOf = (variant: Variant) =>
    compared(summaryOf(seen.get(variant) ?? []), variant === 'off' ? undefined : off);
  return {
    software: { node: process.version },
    figures: Object.fromEntries(VARIANTS.map((variant) => [variant, figureOf(variant)])),
    notes: [
      `hash of 5,000 rounds, ${plan.calls} calls one after the other; echo at 5 connections; ${plan.rounds} rounds`,
      'overheads in percent of off; what is pushed goes to a server that throws it away; windows of 15 s',
    ],
  };
}

function planOf(args: readonly string[], isQuick: boolean): Plan {
  const { values } = parseArgs({
    args: [...args],
    options: { calls: { type: 'string' }, rounds: { type: 'string' } },
  });
  const calls = Number(values.calls ?? (isQuick ? 50 : 1_000));
  const rounds = Number(values.rounds ?? (isQuick ? 1 : 4));
  for (const value of [calls, rounds]) {
    if (!Number.isInteger(value) || value < 1) throw new BenchUsage('--calls and --rounds take whole numbers above 0');
  }
  return { calls, rounds, loadMs: isQuick ? 1_000 : 4_000 };
}

async function measure(variant: Variant, pyroscope: string, { calls, loadMs }: Plan): Promise<Measured> {
  const folder = mkdtempSync(path.join(tmpdir(), 'starling-bench-'));
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
  const flags = ['--data-dir', folder, '--native', '127.0.0.1:0', '--log-format', 'json'];
  const child = spawn(
    process.execPath,
    [main, 'platform', ...flags, ...profilingFlags(variant, pyroscope), ...DIALECTS.map(({ name }) => `--no-${name}`)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    const url = await urlOf(child.stdout);
    await deploy(url, 'hash', HASH);
    await deploy(url, 'echo', ECHO);
    const target = (name: string, body: string) =>
      ({ url: `${url}/v1/functions/${name}/invoke`, method: 'POST', body }) as const;
    const hash = target('hash', '{"rounds":5000}');
    const warmUp = Math.min(calls, 100);
    for (let call = 0; call < warmUp; call++) await ask(hash);
    const cpuBefore = cpuSeconds(child.pid!);
    const times: number[] = [];
    for (let call = 0; call < calls; call++) {
      const beganMs = performance.now();
      await ask(hash);
      times.push(performance.now() - beganMs);
    }
    const cpuMsPerCall = ((cpuSeconds(child.pid!) - cpuBefore) * 1_000) / calls;
    const echo = target('echo', '{"name":"you"}');
    await load(echo, { connections: 5, forMs: loadMs / 2 });
    const { requestsPerSecond } = await load(echo, { connections: 5, forMs: loadMs });
    const rssMb = Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1_024;
    return { times, requestsPerSecond, cpuMsPerCall, rssMb };
  } finally {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  }
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

function summaryOf(measured: readonly Measured[]): Summary {
  const times = measured.flatMap((each) => each.times).sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    averageMs: mean(times),
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
    requestsPerSecond: mean(measured.map((each) => each.requestsPerSecond)),
    cpuMsPerCall: mean(measured.map((each) => each.cpuMsPerCall)),
    rssMb: mean(measured.map((each) => each.rssMb)),
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

/** Of the platform and of its instances, as far as they still live. */
function cpuSeconds(pid: number): number {
  const statOf = (each: string) => {
    try {
      return readFileSync(`/proc/${each}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
    } catch {
      return undefined;
    }
  };
  const ticks = readdirSync('/proc')
    .filter((each) => /^\d+$/.test(each))
    .map((each) => ({ pid: Number(each), stat: statOf(each) }))
    .filter((each) => each.pid === pid || each.stat?.[1] === String(pid))
    .reduce((sum, { stat }) => sum + Number(stat?.[11] ?? 0) + Number(stat?.[12] ?? 0), 0);
  return ticks / CLOCK_TICKS_PER_SECOND;
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

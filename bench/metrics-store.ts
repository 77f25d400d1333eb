import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { parseArgs } from 'node:util';
import service from '../bin/service-process.json' with { type: 'json' };
import { loadProfiles } from '../src/adapters/prometheus/load-profiles.ts';
import { PrometheusSignalReader } from '../src/adapters/prometheus/prometheus-signal-reader.ts';
import { StoreClient } from '../src/adapters/prometheus/store-client.ts';
import { systemClock } from '../src/adapters/system/clock.ts';
import { systemRandom } from '../src/lib/random.ts';
import { fleetVersion } from '../test/support/timeseries/fleet.ts';
import { processCpuSeconds } from '../test/support/timeseries/timeseries-server.ts';
import type { MetricsStoreOrders, MetricsStoreReport } from './metrics-store-process.ts';
import { type BenchOptions, type BenchResult, BenchUsage, rounded, spread } from './report.ts';

const STEP_MS = 15_000;
const PAGES = 10;
const INSTANCES_PER_VERSION = 2;

/**
 * The embedded store in a process of its own, full with an hour of a fleet: what one scrape of all and the reads of one
 * scaling cycle over all cost it, and what it takes in memory. The pages come from this process, so that making them is not counted.
 */
export async function run({ isQuick, args, say }: BenchOptions): Promise<BenchResult> {
  const { values } = parseArgs({ args: [...args], options: { versions: { type: 'string' } } });
  const versions = Number(values.versions ?? (isQuick ? 1_000 : 10_000));
  if (!Number.isInteger(versions) || versions < PAGES) throw new BenchUsage('--versions is a whole number from 10 on');
  const cycles = isQuick ? 4 : 8;
  const history = isQuick ? 40 : 240;
  say(
    `metrics-store: ${versions} versions, six series each, ${history} scrapes before; takes ${isQuick ? 'under a minute' : 'about two minutes'}`,
  );

  const pages = new Pages(versions);
  await pages.listen();
  const orders: MetricsStoreOrders = { urls: pages.urls, stepMs: STEP_MS, history };
  const child = fork(path.join(import.meta.dirname, 'metrics-store-process.ts'), [JSON.stringify(orders)], {
    execArgv: [...service.flags, ...service.flagsOf['metrics-store']],
    env: { ...service.environment, ...process.env },
  });
  try {
    const { url } = await report(child, 'open');
    await fill(child, pages, { history, say });
    const client = new StoreClient({ url, clock: systemClock, random: systemRandom, timeoutMs: 60_000 });
    const measured: Cycle[] = [];
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      measured.push(await oneCycle(child, { pages, client, versions }));
      say(
        `cycle ${cycle + 1} of ${cycles}: scrape ${rounded(measured.at(-1)?.scrapeCpu ?? 0)} s, reads ${rounded(measured.at(-1)?.readCpu ?? 0)} s of CPU`,
      );
    }
    client.close();
    const { rssBytes, sampleBytes, series } = await ask(child, 'tell');
    const settled = measured.slice(1);
    return {
      software: { 'metrics store': 'in a process of its own' },
      figures: {
        versions,
        series,
        samples: series * (history + cycles),
        cpuSecondsPerCycle: spread(settled.map(({ scrapeCpu, readCpu }) => scrapeCpu + readCpu)),
        scrapeCpuSeconds: spread(settled.map(({ scrapeCpu }) => scrapeCpu)),
        readCpuSeconds: spread(settled.map(({ readCpu }) => readCpu)),
        pastReadCpuSeconds: rounded(measured[0]?.readCpu ?? Number.NaN),
        requestsPerCycle: spread(settled.map(({ requests }) => requests)).max,
        rssMb: Math.round(rssBytes / 2 ** 20),
        sampleMb: Math.round(sampleBytes / 2 ** 20),
      },
      notes: [
        'a cycle is one scrape of all pages, discovery, and the reads of one replica that owns everything; the first also reads the past and is told by itself',
        'CPU is that of the whole process of the store, its garbage collector included; pages are made and answers are taken apart elsewhere',
      ],
    };
  } finally {
    child.kill('SIGKILL');
    pages.close();
  }
}

interface Cycle {
  readonly scrapeCpu: number;
  readonly readCpu: number;
  readonly requests: number;
}

async function fill(
  child: ChildProcess,
  pages: Pages,
  { history, say }: { history: number; say: (line: string) => void },
): Promise<void> {
  const startMs = performance.now();
  for (let at = 0; at < history; at += 1) {
    pages.turn();
    await ask(child, 'scrape');
  }
  say(`filled in ${rounded((performance.now() - startMs) / 1000)} s`);
}

async function oneCycle(
  child: ChildProcess,
  { pages, client, versions }: { pages: Pages; client: StoreClient; versions: number },
): Promise<Cycle> {
  const cpu = () => processCpuSeconds(child.pid ?? 0);
  pages.turn();
  const before = cpu();
  const { wallMs } = await ask(child, 'scrape');
  const scraped = cpu();
  let requests = 0;
  const counting = new Proxy(client, {
    get(target, name) {
      const member = Reflect.get(target, name) as unknown;
      if (typeof member !== 'function') return member;
      return (...given: unknown[]) => {
        if (name === 'queryAt' || name === 'queryRange' || name === 'get') requests += 1;
        return (member as (...all: unknown[]) => unknown).apply(target, given);
      };
    },
  });
  const clock = { ...systemClock, wallMs: () => wallMs };
  const profiles = await loadProfiles({ names: ['worker-threads'] });
  const reader = new PrometheusSignalReader({ client: counting, clock, settleMs: 0, profiles });
  const part = { name: 'all', buckets: undefined, prefixes: undefined };
  const { versions: found } = await reader.discover(part, {});
  const [reading] = await reader.read(part, {});
  const read = reading?.instances?.versionIds.length ?? 0;
  if (found.length !== versions || read !== versions)
    throw new Error(`${found.length} found and ${read} read of ${versions}`);
  return { scrapeCpu: scraped - before, readCpu: cpu() - scraped, requests };
}

async function ask(child: ChildProcess, order: 'scrape' | 'tell'): Promise<MetricsStoreReport> {
  child.send(order);
  return report(child, order);
}

async function report(child: ChildProcess, kind: string): Promise<MetricsStoreReport> {
  const ended = new AbortController();
  const onExit = () => ended.abort(new Error(`the store ended before its ${kind}`));
  child.once('exit', onExit);
  try {
    const [message] = (await once(child, 'message', { signal: ended.signal })) as [MetricsStoreReport];
    return message;
  } finally {
    child.off('exit', onExit);
  }
}

/** What a fleet of workers and its control plane show, cut into pages. */
class Pages {
  readonly #server: Server;
  readonly #versions: number;
  #bodies: Buffer[] = [];
  #turn = 0;

  constructor(versions: number) {
    this.#versions = versions;
    this.#server = createServer((request, response) => {
      response.end(this.#bodies[Number(request.url?.slice(1))]);
    });
  }

  async listen(): Promise<void> {
    this.turn();
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get urls(): string[] {
    const { port } = this.#server.address() as AddressInfo;
    return Array.from({ length: PAGES }, (_, page) => `http://127.0.0.1:${port}/${page}`);
  }

  /** Another scrape's worth of time goes by. */
  turn(): void {
    this.#turn += 1;
    const lines: string[][] = Array.from({ length: PAGES }, () => []);
    for (let index = 0; index < this.#versions; index += 1) lines[index % PAGES]?.push(this.#version(index));
    this.#bodies = lines.map((page) => Buffer.from(page.join('')));
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #version(index: number): string {
    const { versionId, functionId, account } = fleetVersion(index);
    const identity = `function_id="${functionId}",function_version_id="${versionId}",nca_id="${account}"`;
    const busy = index % 5 < 2 ? 0 : 0.5 + (index % 7) / 4;
    let text = '';
    for (let instance = 0; instance < INSTANCES_PER_VERSION; instance += 1) {
      const labels = `${identity},environment="prod",instance_id="i-${index.toString(16)}-${instance}"`;
      const seconds = (this.#turn * (STEP_MS / 1000) * busy * (1 + instance / 10)).toFixed(3);
      text += `nvcf_worker_service_worker_thread_busy_seconds_total{${labels}} ${seconds}\n`;
      text += `nvcf_worker_service_worker_thread_count_total{${labels}} 4\n`;
    }
    text += `function_request_total{${identity},aws_env="prod",replica="1"} ${this.#turn * (index % 50)}\n`;
    text += `function_request_total{${identity},aws_env="prod",replica="2"} ${this.#turn * (index % 20)}\n`;
    return text;
  }
}

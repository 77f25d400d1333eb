import { execFile, spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import type { VersionRecord } from '../src/platform/model/function-record.ts';
import type { RunningInstance } from '../src/platform/runtime/instance-backend.ts';
import { ABackend, call } from '../test/support/platform/a-backend.ts';
import { type BenchOptions, type BenchResult, rounded, spread } from './report.ts';

const SOURCES = {
  node: {
    runtime: 'node',
    handler: 'index.handler',
    text: 'exports.handler = async (event) => ({ ok: true, event });\n',
  },
  python: {
    runtime: 'python',
    handler: 'main.handler',
    text: 'def handler(event, context):\n    return {"ok": True, "event": event}\n',
  },
} as const;

type Family = keyof typeof SOURCES;
type Versions = Readonly<Record<Family, VersionRecord>>;

/** What an instance costs: to start, beside a bare boot of the same file by the same interpreter; to call; to start and end for long. */
export async function run({ isQuick, args, say }: BenchOptions): Promise<BenchResult> {
  const { values } = parseArgs({ args: [...args], options: { churn: { type: 'string' } } });
  const churn = Number(values.churn ?? (isQuick ? 200 : 2_000));
  const it = new ABackend();
  const versions: Versions = { node: versionOn(it, 'node'), python: versionOn(it, 'python') };
  try {
    const figures: Record<string, unknown> = { memoryLimit: it.backend.memoryLimit };
    const software: Record<string, string> = {};
    for (const family of ['node', 'python'] as const) {
      say(`cold starts of ${family}, a bare boot beside each`);
      const { title, ...starts } = await coldStarts(it, {
        family,
        version: versions[family],
        rounds: isQuick ? 15 : 60,
      });
      software[family] = title;
      figures[`${family}ColdStart`] = starts;
    }
    for (const instances of [1, 5]) {
      say(`warm calls on ${instances} Node instances`);
      figures[`nodeCallsPerSecondOn${instances}`] = await warmCalls(it, {
        version: versions.node,
        count: instances,
        forMs: isQuick ? 1_000 : 5_000,
      });
    }
    say(`${churn} starts and ends`);
    figures['churn'] = await startAndEnd(it, versions, churn);
    return {
      software,
      figures,
      notes: [
        'cold start: from asking for an instance to the answer of its first call; bare boot: the process from spawn to exit',
      ],
    };
  } finally {
    await it.close();
  }
}

async function coldStarts(
  it: ABackend,
  { family, version, rounds }: { family: Family; version: VersionRecord; rounds: number },
) {
  const { text, handler } = SOURCES[family];
  const file = path.join(it.folder, handler.replace('handler', family === 'node' ? 'js' : 'py'));
  writeFileSync(file, text);
  // The first start looks for the interpreter.
  const first = await it.start(version);
  const title = first.runtime.replace(/^\w+ /, '');
  await first.stop({ graceMs: 0 });
  const command =
    family === 'node'
      ? process.execPath
      : (await promisify(execFile)('python3', ['-c', 'import sys; print(sys.executable)'])).stdout.trim();
  const bare: number[] = [];
  const cold: number[] = [];
  const firstCalls: number[] = [];
  for (let round = 0; round < rounds; round++) {
    bare.push(await timed(() => boot(command, file)));
    let instance: RunningInstance | undefined;
    const startMs = await timed(async () => {
      instance = await it.start(version);
    });
    const callMs = await timed(() => answer(instance!));
    cold.push(startMs + callMs);
    firstCalls.push(callMs);
    await instance!.stop({ graceMs: 0 });
  }
  const [bareMs, coldMs] = [spread(bare).median, spread(cold).median];
  return {
    title,
    bareBootMedianMs: rounded(bareMs),
    coldMedianMs: rounded(coldMs),
    firstCallMedianMs: rounded(spread(firstCalls).median),
    ratio: rounded(coldMs / bareMs),
  };
}

async function warmCalls(
  it: ABackend,
  { version, count, forMs }: { version: VersionRecord; count: number; forMs: number },
): Promise<number> {
  const instances = await Promise.all(Array.from({ length: count }, () => it.start(version)));
  const endMs = performance.now() + forMs;
  let calls = 0;
  await Promise.all(
    instances.map(async (instance) => {
      for (; performance.now() < endMs; calls++) await answer(instance);
    }),
  );
  await Promise.all(instances.map((instance) => instance.stop({ graceMs: 0 })));
  return Math.round((calls * 1_000) / forMs);
}

async function startAndEnd(it: ABackend, versions: Versions, times: number) {
  const before = readdirSync('/proc/self/fd').length;
  const startMs = performance.now();
  let left = times;
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      while (left-- > 0) {
        const instance = await it.start(left % 2 === 0 ? versions.node : versions.python);
        await answer(instance);
        await instance.stop({ graceMs: left % 3 === 0 ? 100 : 0 });
      }
    }),
  );
  const seconds = (performance.now() - startMs) / 1_000;
  await new Promise(setImmediate);
  return {
    perSecond: rounded(times / seconds),
    processesLeft: it.backend.live,
    descriptorsLeft: readdirSync('/proc/self/fd').length - before,
    foldersLeft: it.instanceFolders().length,
  };
}

async function answer(instance: RunningInstance): Promise<void> {
  const end = await call(instance, '{"n":1}');
  if (end.kind !== 'result') throw new Error(`a call ended as ${JSON.stringify(end)}`);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

function boot(command: string, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    spawn(command, [file], { env: {}, stdio: 'ignore' })
      .once('error', reject)
      .once('exit', () => resolve());
  });
}

function versionOn(it: ABackend, family: Family): VersionRecord {
  const { text, runtime, handler } = SOURCES[family];
  return it.version(text, { runtime, handler });
}

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export type StoreKind = 'prometheus' | 'victoriametrics';
export const STORE_KINDS: readonly StoreKind[] = ['prometheus', 'victoriametrics'];

const BINARIES: Record<StoreKind, readonly string[]> = {
  prometheus: ['prometheus'],
  victoriametrics: ['victoria-metrics', 'victoria-metrics-prod'],
};
const READY_PATH: Record<StoreKind, string> = { prometheus: '/-/ready', victoriametrics: '/health' };
const READY_WITHIN_MS = 30_000;

export interface TimeseriesServer {
  readonly kind: StoreKind;
  readonly url: string;
  readonly pid: number;
  readonly version: string;
  /** CPU time that all threads of the store have used so far. */
  cpuSeconds(): number;
  /** Makes everything that was written visible to queries. */
  flush(): Promise<void>;
  /** The last lines that the store logged. */
  log(): string;
  stop(): Promise<void>;
}

export type Availability =
  | { readonly available: true; readonly binary: string; readonly version: string }
  | { readonly available: false; readonly why: string };

/** Whether this machine has the store. On CI an absent store is a fault: nothing is left out there. */
export async function timeseriesAvailability(kind: StoreKind): Promise<Availability> {
  for (const binary of BINARIES[kind]) {
    try {
      const { stdout, stderr } = await promisify(execFile)(binary, ['--version']);
      return { available: true, binary, version: versionIn(stdout + stderr) ?? (await packageVersion(binary)) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  const why = `no ${BINARIES[kind].join(' or ')} in PATH (Debian: apt-get install ${BINARIES[kind][0]})`;
  if (process.env['CI'] === 'true') throw new Error(`not available: ${why}; CI must not leave it out`);
  return { available: false, why };
}

function versionIn(text: string): string | undefined {
  return /\bv?(\d+\.\d+\.\d+[^\s,)]*)/.exec(text)?.[1];
}

/** Debian's VictoriaMetrics does not know its own version. */
async function packageVersion(binary: string): Promise<string> {
  const shown = await promisify(execFile)('dpkg-query', ['--show', binary]).catch(() => undefined);
  return (shown && versionIn(shown.stdout)) ?? 'unknown';
}

/** Starts a real store with its remote-write receiver on a free port and an empty data directory of its own. */
export async function startTimeseriesServer(
  kind: StoreKind,
  options: {
    flags?: readonly string[];
    environment?: Readonly<Record<string, string>>;
    /** What Prometheus scrapes by itself, every second. */
    targets?: readonly string[];
  } = {},
): Promise<TimeseriesServer> {
  const found = await timeseriesAvailability(kind);
  if (!found.available) throw new Error(`not available: ${found.why}`);
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), `starling-${kind}-`));
  const lines: string[] = [];
  const child = spawn(
    found.binary,
    [...startFlags(kind, { port, directory, targets: options.targets ?? [] }), ...(options.flags ?? [])],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.environment },
    },
  );
  const remember = (chunk: Buffer) => {
    lines.push(chunk.toString());
    if (lines.length > 200) lines.shift();
  };
  child.stdout.on('data', remember);
  child.stderr.on('data', remember);
  const server: TimeseriesServer = {
    kind,
    url: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    version: found.version,
    cpuSeconds: () => processCpuSeconds(child.pid ?? 0),
    flush: async () => {
      // VictoriaMetrics shows new samples after up to a second otherwise.
      if (kind === 'victoriametrics') await fetch(`http://127.0.0.1:${port}/internal/force_flush`);
    },
    log: () => lines.join(''),
    stop: async () => {
      await endProcess(child);
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await untilReady(server, child);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

function startFlags(
  kind: StoreKind,
  { port, directory, targets }: { port: number; directory: string; targets: readonly string[] },
): string[] {
  if (kind === 'victoriametrics') {
    return [`-httpListenAddr=127.0.0.1:${port}`, `-storageDataPath=${directory}`, '-retentionPeriod=1d'];
  }
  const configFile = join(directory, 'prometheus.yml');
  const job = JSON.stringify({
    job_name: 'targets',
    scrape_interval: '1s',
    scrape_timeout: '1s',
    static_configs: [{ targets }],
  });
  writeFileSync(
    configFile,
    `global: { scrape_interval: 15s }\n${targets.length > 0 ? `scrape_configs: [${job}]\n` : ''}`,
  );
  return [
    `--config.file=${configFile}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--web.enable-remote-write-receiver',
    '--storage.tsdb.retention.time=1d',
    '--log.level=warn',
  ];
}

async function untilReady(server: TimeseriesServer, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`${server.kind} ended with ${child.exitCode}:\n${server.log()}`);
    const answer = await fetch(`${server.url}${READY_PATH[server.kind]}`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${server.kind} was not ready within ${READY_WITHIN_MS} ms:\n${server.log()}`);
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL'); // Its data directory goes with it: nothing to flush.
  await ended;
}

/** Scheduler statistics count to the nanosecond; /proc/PID/stat only to the tick. */
export function processCpuSeconds(pid: number): number {
  // The thread group's own file sums up only the main thread, so every task is asked.
  let nanoseconds = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    try {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      // A thread that ended while we looked: stores keep theirs, so this is rare and small.
    }
  }
  return nanoseconds / 1e9;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

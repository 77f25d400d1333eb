import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const READY_WITHIN_MS = 90_000;
const ENDS_WITHIN_MS = 60_000;
const STOPS_WITHIN_MS = 15_000;

/** Of util-linux, which every Linux has. */
const UNSHARE = 'unshare';
/** The ports that pages name. */
const PORTS = [3001, 8000, 8010, 8080, 8088, 8090, 9000, 9010, 9090, 9191];

/** Says so where the pages cannot be tried: no network of one's own, and somebody else on their ports. On CI that is a failure. */
export async function leftOutWithoutPorts(): Promise<boolean> {
  if (spawnSync(UNSHARE, [...networkFlags(), 'true']).status === 0) return false;
  const taken: number[] = [];
  for (const port of PORTS) if (!(await isFree(port))) taken.push(port);
  if (taken.length === 0) return false;
  const why = `no network of its own can be had, and ports are taken: ${taken.join(' ')}`;
  if (process.env['CI'] === 'true') throw new Error(`not available: ${why}; CI must not leave it out`);
  console.warn(`left out: ${why}`);
  return true;
}

export interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/**
 * A fresh checkout in which commands are run as they are printed, ports and all: in a network of its own where the system
 * allows that, so that nobody else's ports are in the way.
 */
export class Room {
  readonly checkout: string;
  readonly #home: string;
  readonly #network: ChildProcess | undefined;
  readonly #services = new Map<string, Service>();

  private constructor(options: { home: string; network: ChildProcess | undefined }) {
    this.#home = options.home;
    this.#network = options.network;
    this.checkout = path.join(options.home, 'starling');
  }

  static async open(): Promise<Room> {
    const home = mkdtempSync(path.join(tmpdir(), 'starling-pages-'));
    const room = new Room({ home, network: await ownNetwork() });
    mkdirSync(room.checkout);
    const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT });
    const files = list
      .toString()
      .split('\0')
      .filter((file) => file !== '' && existsSync(path.join(ROOT, file)));
    const packed = spawnSync('tar', ['-C', ROOT, '-c', '--null', '-T', '-'], {
      input: files.join('\0'),
      maxBuffer: 1 << 30,
    });
    execFileSync('tar', ['-C', room.checkout, '-x'], { input: packed.stdout });
    // `starling` as the package installs it.
    mkdirSync(path.join(home, 'bin'));
    const launcher = path.join(room.checkout, 'bin/starling.js');
    writeFileSync(path.join(home, 'bin/starling'), `#!/bin/sh\nexec node '${launcher}' "$@"\n`, { mode: 0o755 });
    // An answer that is no success makes curl fail.
    writeFileSync(path.join(home, '.curlrc'), 'fail-with-body\n');
    return room;
  }

  /** With the world's network: what is fetched is fetched from there. */
  fetchWith(line: string): Promise<Ran> {
    return ended(spawn('bash', ['-c', line], { cwd: this.checkout, env: this.#env(), detached: true }));
  }

  /** Resolves when it has ended. `typed` is typed at a terminal that the command believes to have. */
  run(line: string, { typed }: { typed?: string } = {}): Promise<Ran> {
    if (typed === undefined) return ended(this.#spawn(['bash', '-c', line]));
    const child = this.#spawn(['script', '-qec', line, '/dev/null'], 'pipe');
    // A program that clears its input when it starts would not see what was typed before.
    const typing = setInterval(() => child.stdin?.write(typed), 1_000);
    child.stdin?.on('error', () => {});
    return ended(child).finally(() => clearInterval(typing));
  }

  /** Resolves when it says what it says when it is ready; the one of this kind that ran before is stopped first. */
  async serve(kind: string, line: string, ready: RegExp): Promise<void> {
    await this.stop(kind);
    const service = new Service(line, this.#spawn(['bash', '-c', line]));
    this.#services.set(kind, service);
    await service.says(ready);
  }

  async stop(kind: string): Promise<void> {
    const service = this.#services.get(kind);
    this.#services.delete(kind);
    await service?.stop();
  }

  /** Stops what serves, and forgets what it kept. */
  async clear(): Promise<void> {
    for (const kind of [...this.#services.keys()].reverse()) await this.stop(kind);
    for (const left of ['data', 'starling-data', 'starling.db', 'starling.db-shm', 'starling.db-wal'])
      rmSync(path.join(this.checkout, left), { recursive: true, force: true });
  }

  async close(): Promise<void> {
    try {
      await this.clear();
    } finally {
      this.#network?.kill('SIGKILL');
      rmSync(this.#home, { recursive: true, force: true });
    }
  }

  #spawn(command: readonly string[], stdin: 'ignore' | 'pipe' = 'ignore'): ChildProcess {
    const [file = '', ...args] = [...this.#door(), ...command];
    const stdio = [stdin, 'pipe', 'pipe'] as const;
    // A group of its own: Ctrl-C at a terminal reaches all of it.
    return spawn(file, args, { cwd: this.checkout, env: this.#env(), detached: true, stdio: [...stdio] });
  }

  #door(): string[] {
    if (!this.#network) return [];
    const into = ['nsenter', '--target', String(this.#network.pid), '--net'];
    return isRoot() ? into : [...into, '--user', '--preserve-credentials'];
  }

  #env(): NodeJS.ProcessEnv {
    const plain = Object.entries(process.env).filter(
      ([name]) =>
        !/^(STARLING_|npm_(lifecycle|package|command)|VITEST|NODE_OPTIONS|NODE_ENV|NO_COLOR|FORCE_COLOR|TEST$)/.test(
          name,
        ),
    );
    return {
      ...Object.fromEntries(plain),
      PATH: `${path.join(this.#home, 'bin')}:${process.env['PATH']}`,
      CURL_HOME: this.#home,
      npm_config_prefer_offline: 'true',
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_update_notifier: 'false',
    };
  }
}

class Service {
  readonly #line: string;
  readonly #child: ChildProcess;
  readonly #end: Promise<unknown>;
  #output = '';

  constructor(line: string, child: ChildProcess) {
    this.#line = line;
    this.#child = child;
    this.#end = once(child, 'close');
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString();
      });
  }

  async says(pattern: RegExp): Promise<void> {
    const untilMs = performance.now() + READY_WITHIN_MS;
    while (!pattern.test(this.#output)) {
      const isOver = this.#child.exitCode !== null || performance.now() > untilMs;
      if (isOver) throw new Error(`${this.#line}\nnever said ${pattern}:\n${this.#output.slice(-4_000)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** As Ctrl-C does. Rejects when it does not end. */
  async stop(): Promise<void> {
    signalGroup(this.#child, 'SIGINT');
    const late = setTimeout(() => signalGroup(this.#child, 'SIGKILL'), STOPS_WITHIN_MS);
    const beganMs = performance.now();
    await this.#end;
    clearTimeout(late);
    if (performance.now() - beganMs >= STOPS_WITHIN_MS) throw new Error(`${this.#line}\ndid not end after Ctrl-C`);
  }
}

async function ended(child: ChildProcess): Promise<Ran> {
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  const late = setTimeout(() => signalGroup(child, 'SIGKILL'), ENDS_WITHIN_MS);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(late);
  return { code, output };
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // It has ended by itself.
  }
}

/** A process that keeps a network with nothing but a loopback; undefined where the system does not allow one. */
async function ownNetwork(): Promise<ChildProcess | undefined> {
  // Connections that go out take no port that a page names: 41338 is among those that the system gives away by itself.
  const own = '{ echo 50000 60999 > /proc/sys/net/ipv4/ip_local_port_range; } 2> /dev/null';
  const keep = `ip link set lo up && { ${own} || true; } && echo up && exec sleep infinity`;
  const child = spawn(UNSHARE, [...networkFlags(), 'sh', '-c', keep], { stdio: ['ignore', 'pipe', 'ignore'] });
  const isUp = await new Promise<boolean>((resolve) => {
    child.once('error', () => resolve(false));
    child.once('close', () => resolve(false));
    child.stdout.once('data', () => resolve(true));
  });
  if (!isUp) return undefined;
  process.once('exit', () => child.kill('SIGKILL'));
  return child;
}

function networkFlags(): string[] {
  return isRoot() ? ['--net'] : ['--net', '--map-root-user'];
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

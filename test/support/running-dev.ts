import { until } from './member-process.ts';
import { StarlingProcess } from './run-starling.ts';

const STARTS_WITHIN_MS = 60_000;

/** `starling dev` in a process of its own, on ports of its own, as its screen tells them. */
export class RunningDev {
  readonly process: StarlingProcess;
  readonly consoleUrl: string;
  readonly platformUrl: string;
  readonly metricsUrl: string;
  readonly replicaPids: readonly number[];

  private constructor(process: StarlingProcess) {
    this.process = process;
    const row = (name: string) => new RegExp(`^  ${name} +(\\S+)`, 'm').exec(process.stdout)?.[1] ?? '';
    this.consoleUrl = row('console').replace(/\/$/, '');
    this.platformUrl = row('platform');
    this.metricsUrl = row('metrics');
    const pids = /^ {2}autoscaler .*?pids? ([\d ]+)$/m.exec(process.stdout)?.[1] ?? '';
    this.replicaPids = pids.split(' ').map(Number);
  }

  static async start(options: { dataDir: string; flags?: readonly string[] }): Promise<RunningDev> {
    const process = new StarlingProcess([
      'dev',
      '--port',
      '0',
      '--data-dir',
      options.dataDir,
      ...(options.flags ?? []),
    ]);
    const ended = process.ended.then(({ stderr, code }) => Promise.reject(new Error(`ended with ${code}: ${stderr}`)));
    await Promise.race([until('the screen is there', STARTS_WITHIN_MS, () => isThere(process)), ended]);
    ended.catch(() => {});
    return new RunningDev(process);
  }

  get pid(): number {
    return this.process.child.pid ?? 0;
  }

  async json<T>(url: string, body?: unknown): Promise<T> {
    const answer = await fetch(url, body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text}`);
    return JSON.parse(text) as T;
  }

  /** Registers a function that answers its own process id, calls it, and returns that. */
  async callsOf(name: string): Promise<number> {
    const code = 'exports.handler = async () => process.pid;';
    await this.json(`${this.platformUrl}/v1/functions`, { name, runtime: 'node', code });
    return this.json<number>(`${this.platformUrl}/v1/functions/${name}/invoke`, {});
  }

  interrupt(): Promise<{ code: number | null; tookMs: number }> {
    const beganMs = performance.now();
    this.process.child.kill('SIGINT');
    return this.process.ended.then(({ code }) => ({ code, tookMs: performance.now() - beganMs }));
  }
}

function isThere({ stdout }: StarlingProcess): boolean {
  return stdout.includes('Ctrl-C stops everything');
}

import { DIALECTS } from '../../../src/wiring/platform-dialects.ts';
import { MemberProcess } from '../member-process.ts';

export interface SeenInstance {
  readonly instanceId: string;
  readonly versionId: string;
  readonly pid: number;
  readonly state: string;
  readonly source: string;
}

export interface MadeFunction {
  readonly functionId: string;
  readonly versionId: string;
}

/** The platform in a process of its own, on a port of its own. */
export class RunningPlatform {
  readonly process: MemberProcess;
  readonly url: string;
  /** Of every dialect that listens. */
  readonly urls: Readonly<Record<string, string>>;

  private constructor(process: MemberProcess, urls: Readonly<Record<string, string>>) {
    this.process = process;
    this.url = urls['native'] ?? '';
    this.urls = urls;
  }

  static async start({
    dataDir,
    flags = [],
    environment = {},
  }: {
    dataDir: string;
    flags?: readonly string[];
    environment?: Readonly<Record<string, string>>;
  }): Promise<RunningPlatform> {
    // Their ports are fixed ones: only those that a test asks for, on ports of its own.
    const others = DIALECTS.filter(({ name }) => !flags.includes(`--${name}`)).map(({ name }) => `--no-${name}`);
    const process = new MemberProcess(
      [...['platform', '--data-dir', dataDir, '--native', '127.0.0.1:0', '--log-format', 'json'], ...others, ...flags],
      environment,
    );
    const started = await process.event('platform.started');
    return new RunningPlatform(process, started['urls'] as Record<string, string>);
  }

  async register(definition: object): Promise<MadeFunction> {
    const { version } = await this.json<{ version: MadeFunction }>('POST', '/v1/functions', definition);
    return version;
  }

  invoke(name: string, event: unknown): Promise<Response> {
    return fetch(`${this.url}/v1/functions/${name}/invoke`, { method: 'POST', body: JSON.stringify(event) });
  }

  async instances(): Promise<SeenInstance[]> {
    return (await this.json<{ instances: SeenInstance[] }>('GET', '/v1/instances')).instances;
  }

  /** The sum over the series of a metric that carry these labels; undefined where there is none. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number | undefined> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const values = text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter((line) => wanted.every((pair) => line.includes(pair)))
      .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
    return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
  }

  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text) as T;
  }
}

/** Whether a process lives; one that was not reaped yet counts as ended. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

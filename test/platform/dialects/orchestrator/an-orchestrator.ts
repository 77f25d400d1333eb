import { systemClock } from '../../../../src/adapters/system/clock.ts';
import type { Clock } from '../../../../src/lib/clock.ts';
import { orchestratorDialect } from '../../../../src/platform/dialects/orchestrator/orchestrator-dialect.ts';
import type { Platform, PlatformOptions } from '../../../../src/platform/platform.ts';
import { FakeBackend, type FakeBackendOptions } from '../../../support/platform/fake-backend.ts';
import { aPlatform } from '../native/a-platform.ts';
import type { ScriptedEngine } from '../native/scripted-engine.ts';

export interface OrchestratorReply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers are what is being tested, and looked into freely
  readonly body: any;
}

export interface RunningOrchestrator {
  readonly platform: Platform;
  readonly url: string;
  /** `body`: as it is if it is text or bytes, else as JSON. */
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<OrchestratorReply>;
  /** Registers and returns the id. */
  register(definition?: object): Promise<string>;
  /** The active version of a function. */
  versionOf(id: string): string;
  stop(): Promise<void>;
}

export const HELLO = {
  name: 'hello-world',
  runtime: 'node',
  handler: 'index.handler',
  code: "exports.handler = async (event) => ({ statusCode: 200, body: 'Hello!' })",
  timeout: 30_000,
  memory: 256,
  environment: { ENV: 'production' },
  triggers: [{ type: 'http', config: {} }],
};

type Options = Partial<Omit<PlatformOptions, 'openEngine' | 'native' | 'dialects'>>;

const ALONE = {
  native: undefined,
  dialects: [{ name: 'orchestrator', address: { host: '127.0.0.1', port: 0 }, open: orchestratorDialect }],
};

/** The orchestrator alone, on pools that do what the test says. */
export async function anOrchestrator(options: Options = {}): Promise<RunningOrchestrator & { engine: ScriptedEngine }> {
  const { platform, url, engine } = await aPlatform({ ...options, ...ALONE });
  return { ...speakTo(platform, url), engine };
}

/** The orchestrator on the real pools, whose instances are functions of the test. */
export async function anOrchestratorWithPools({
  clock = systemClock,
  fake,
  ...options
}: Options & { clock?: Clock; fake?: Partial<FakeBackendOptions> } = {}): Promise<
  RunningOrchestrator & { backend: FakeBackend }
> {
  const backend = new FakeBackend({ clock, startMs: 1, ...fake });
  const { platform, url } = await aPlatform({
    engine: { host: { cpus: 2, memoryBytes: 8 * 2 ** 30 } },
    ...options,
    clock,
    ...ALONE,
    openBackend: () => backend,
    openEngine: undefined,
  });
  return { ...speakTo(platform, url), backend };
}

export function speakTo(platform: Platform, url: string): RunningOrchestrator {
  const ask: RunningOrchestrator['ask'] = async (method, path, body, headers = {}) => {
    const isRaw = typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(`${url}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: isRaw ? (body as string) : JSON.stringify(body) }),
    });
    const text = await response.text();
    let parsed: unknown = text;
    if (text !== '' && response.headers.get('content-type') === 'application/json') parsed = JSON.parse(text);
    return { status: response.status, headers: response.headers, text, body: parsed };
  };
  return {
    platform,
    url,
    ask,
    register: async (definition = {}) => {
      const { status, body } = await ask('POST', '/functions', { ...HELLO, ...definition });
      if (status !== 201) throw new Error(`not registered: ${status} ${JSON.stringify(body)}`);
      return body.id;
    },
    versionOf: (id) => platform.registry.find(id)?.activeVersionId ?? '',
    stop: () => platform.stop({ graceMs: 0 }),
  };
}

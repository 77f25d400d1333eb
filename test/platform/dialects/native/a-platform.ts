import pino from 'pino';
import { systemClock } from '../../../../src/adapters/system/clock.ts';
import { systemRandom } from '../../../../src/lib/random.ts';
import { PlatformError } from '../../../../src/platform/model/platform-error.ts';
import { Platform, type PlatformOptions } from '../../../../src/platform/platform.ts';
import type { InstanceBackend } from '../../../../src/platform/runtime/instance-backend.ts';
import { ScriptedEngine } from './scripted-engine.ts';

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers are what is being tested, and looked into freely
  readonly body: any;
}

export interface RunningPlatform {
  readonly platform: Platform;
  readonly engine: ScriptedEngine;
  readonly backend: InstanceBackend | undefined;
  readonly url: string;
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
}

const NO_BACKEND: InstanceBackend = {
  start: async () => {
    throw new PlatformError('init-failed', 'nothing starts here');
  },
  memoryLimit: 'watchdog',
};

/** The whole platform on a free port, but for the instances. */
export async function aPlatform(
  options: Partial<Omit<PlatformOptions, 'openEngine'>> & { openEngine?: undefined } = {},
): Promise<RunningPlatform> {
  const engine = new ScriptedEngine();
  let backend: InstanceBackend | undefined;
  const platform = new Platform({
    dataDir: ':memory:',
    native: { host: '127.0.0.1', port: 0 },
    dialects: [],
    clock: systemClock,
    random: systemRandom,
    logger: pino({ level: 'silent' }),
    version: '1.2.3',
    openBackend: () => NO_BACKEND,
    ...withoutEngine(options),
    // Named and undefined: the real pools and the real router.
    ...('openEngine' in options
      ? {}
      : {
          openEngine: (tools) => {
            backend = tools.backend;
            return engine;
          },
        }),
  });
  const [listener] = await platform.start();
  const url = listener?.url ?? '';
  return {
    platform,
    engine,
    backend,
    url,
    ask: async (method, path, body, headers = {}) => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body: body instanceof Uint8Array ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: parseOrText(text) };
    },
  };
}

function parseOrText(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function withoutEngine<T extends { openEngine?: undefined }>({ openEngine: _, ...rest }: T): Omit<T, 'openEngine'> {
  return rest;
}

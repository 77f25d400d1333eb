import { request } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { faasServerDialect } from '../../../src/platform/dialects/faas-server/faas-server-dialect.ts';
import { orchestratorDialect } from '../../../src/platform/dialects/orchestrator/orchestrator-dialect.ts';
import type { PlatformOptions } from '../../../src/platform/platform.ts';
import { aPlatform, type RunningPlatform } from './native/a-platform.ts';

let running: RunningPlatform;

afterEach(() => running.platform.stop({ graceMs: 0 }));

const REFUSED = 'the Host header names a host that this port does not answer to';

/** Each way of speaking to the platform, a path that it answers, and where it tells what is wrong. */
const DIALECTS = {
  native: {
    path: '/v1/stats',
    faultIn: (body: Answer['body']) => body.detail,
    options: (host: string): Partial<PlatformOptions> => ({ native: { host, port: 0 } }),
  },
  orchestrator: {
    path: '/functions',
    faultIn: (body: Answer['body']) => body.error,
    options: (host: string): Partial<PlatformOptions> => ({
      native: undefined,
      dialects: [{ name: 'orchestrator', address: { host, port: 0 }, open: orchestratorDialect }],
    }),
  },
  'faas-server': {
    path: '/fn/list',
    faultIn: (body: Answer['body']) => body.error,
    options: (host: string): Partial<PlatformOptions> => ({
      native: undefined,
      dialects: [
        {
          name: 'faas-server',
          address: { host, port: 0 },
          open: (tools) => faasServerDialect(tools, { isOptimised: false }),
        },
      ],
    }),
  },
};

describe.each(Object.entries(DIALECTS))('a port of %s on loopback', (_, { path, faultIn, options }) => {
  const open = async (boundHost: string, allowedHosts: readonly string[] = []) => {
    const { openEngine: _, ...rest } = options(boundHost);
    running = await aPlatform({ ...rest, allowedHosts });
    return (host: string) => askAs(host, `${running.url}${path}`);
  };

  test.each([
    'rebound.example',
    'rebound.example:8090',
    'localhost.example',
    '127.0.0.1.example',
    '[::1',
    'a@127.0.0.1',
  ])('does not answer as %s, which a page of another site may have pointed here', async (host) => {
    const { status, body } = await (await open('127.0.0.1'))(host);
    expect(status).toBe(421);
    expect(faultIn(body)).toContain(REFUSED);
  });

  test.each(['localhost', 'LocalHost:1234', 'localhost.', 'a.localhost:1', '127.0.0.1', '10.1.2.3:80', '[::1]:8090'])(
    'answers as %s',
    async (host) => {
      expect((await (await open('127.0.0.1'))(host)).status).toBe(200);
    },
  );

  test('answers as the names that were allowed', async () => {
    const ask = await open('localhost', ['functions.example']);
    expect((await ask('Functions.Example:8090')).status).toBe(200);
    expect((await ask('other.example')).status).toBe(421);
  });

  test('bound beyond loopback, as in a container, answers under any name', async () => {
    const ask = await open('0.0.0.0');
    expect((await ask('platform.namespace.svc.cluster.local:8090')).status).toBe(200);
  });
});

interface Answer {
  readonly status: number;
  readonly body: { readonly detail?: string; readonly error?: string };
}

/** `fetch` sends no Host of ours. */
function askAs(host: string, url: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers: { host }, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

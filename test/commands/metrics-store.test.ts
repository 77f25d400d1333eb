import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, vi } from 'vitest';
import { starling } from '../support/run-starling.ts';
import { hashmod } from '../support/timeseries/fleet.ts';

// Each of these is a process of its own, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const MAIN = path.resolve(import.meta.dirname, '../../src/main.ts');

it('scrapes its targets, answers, and ends within two seconds', async () => {
  const target = createServer((_, response) => response.end('calls_total{function_version_id="v1"} 7\n'));
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(target.address() as AddressInfo).port}/metrics`;
  const flags = [
    '--port',
    '0',
    '--target',
    `fleet=${url}`,
    '--target-label',
    'environment=test',
    '--scrape-interval',
    '1s',
  ];
  const child = spawn(
    process.execPath,
    [MAIN, 'metrics-store', ...flags, '--bucket-label', 'bucket', '--log-format', 'json'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  try {
    const store = await startedAt(child.stdout, child.stderr);
    const ask = async () => {
      const answer = await fetch(`${store}/api/v1/query?query=calls_total`);
      return ((await answer.json()) as { data: { result: { metric: object; value: unknown[] }[] } }).data.result;
    };
    await expect.poll(ask, { timeout: 20_000 }).toEqual([
      {
        metric: {
          __name__: 'calls_total',
          function_version_id: 'v1',
          bucket: String(hashmod('v1', 1024)),
          environment: 'test',
          instance: new URL(url).host,
          job: 'fleet',
        },
        value: [expect.any(Number), '7'],
      },
    ]);
    const exited = once(child, 'exit');
    const stoppedMs = performance.now();
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(performance.now() - stoppedMs).toBeLessThan(2_000);
  } finally {
    child.kill('SIGKILL');
    target.close();
    target.closeAllConnections();
  }
});

it.each([
  [['--scrape-interval', '500ms'], '1000 ms or more'],
  [['--target', 'ftp://x'], 'must be an address'],
  [['--target', 'http://a/m', '--target', 'http://a/m'], 'named twice'],
  [['--target-label', '0=x'], 'a name as Prometheus has them'],
  [['--port', '70000'], 'must be a port'],
  [['--log-level', 'loud'], 'is no log level'],
])('says what is wrong with %j, with 2', async (flags, why) => {
  const { code, stderr } = await starling(['metrics-store', ...flags]);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(why) });
});

it('says which port is taken, with 2', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const { code, stderr } = await starling(['metrics-store', '--port', String(port)]);
  other.close();
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(`cannot listen on 127.0.0.1:${port}`) });
});

/** The log says where it listens, on whichever stream it goes to. */
async function startedAt(...streams: NodeJS.ReadableStream[]): Promise<string> {
  return Promise.race(
    streams.map(async (input) => {
      for await (const line of createInterface({ input })) {
        const { event, url } = JSON.parse(line) as { event?: string; url?: string };
        if (event === 'metrics-store.started' && url) return url;
      }
      return new Promise<string>(() => {});
    }),
  );
}

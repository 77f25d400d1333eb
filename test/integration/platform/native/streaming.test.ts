import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../../support/member-process.ts';
import { RunningPlatform } from '../../../support/platform/running-platform.ts';

/** `count` words, one every `ms`, and then a failure if that is asked for. */
const NODE = `
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  exports.generator = async function* ({ count = 3, ms = 0, bytes = 0, fails = false }) {
    for (let word = 0; word < count; word += 1) {
      if (word > 0) await sleep(ms);
      yield bytes > 0 ? Buffer.alloc(bytes, 'x') : 'word ' + word + '\\n';
    }
    if (fails) throw new Error('no luck');
  };
  exports.streamified = awslambda.streamifyResponse(async (event, stream) => {
    const { body } = event;
    stream = awslambda.HttpResponseStream.from(stream, { statusCode: 207, headers: { 'content-type': 'text/event-stream' } });
    for (let word = 0; word < (body?.count ?? 3); word += 1) stream.write('data: ' + word + '\\n\\n');
    stream.end();
  });
  exports.plain = async () => ({ whole: true });
`;

const PYTHON = `
import time

def generator(event):
    for word in range(event.get("count", 3)):
        if word > 0:
            time.sleep(event.get("ms", 0) / 1000)
        yield b"x" * event["bytes"] if event.get("bytes") else "word %d\\n" % word
    if event.get("fails"):
        raise ValueError("no luck")

async def agenerator(event):
    for word in range(event.get("count", 3)):
        yield "word %d\\n" % word
`;

const FUNCTIONS = [
  { name: 'node', runtime: 'node', handler: 'index.generator', code: NODE },
  { name: 'lambda', runtime: 'node', handler: 'index.streamified', code: NODE },
  { name: 'plain', runtime: 'node', handler: 'index.plain', code: NODE },
  { name: 'python', runtime: 'python', handler: 'index.generator', code: PYTHON },
  { name: 'apython', runtime: 'python', handler: 'index.agenerator', code: PYTHON },
];

const folder = mkdtempSync(join(tmpdir(), 'starling-streaming-'));
let platform: RunningPlatform;
beforeAll(async () => {
  platform = await RunningPlatform.start({ dataDir: folder });
  for (const each of FUNCTIONS) {
    await platform.register({ ...each, timeoutMs: 20_000, pool: { instancesMax: 1 } });
    await platform.json('POST', `/v1/functions/${each.name}/triggers`, { kind: 'http', path: `/${each.name}` });
  }
});
afterAll(async () => {
  await platform?.process.stop();
  rmSync(folder, { recursive: true, force: true });
});

function call(path: string, event: unknown): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const request = httpRequest(`${platform.url}${path}`, { method: 'POST', headers }, resolve);
    request.once('error', reject);
    request.end(JSON.stringify(event));
  });
}

const invoke = (name: string, event: unknown) => call(`/v1/functions/${name}/invoke`, event);

async function read(message: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of message) text += chunk;
  return text;
}

const statesOf = async (name: string) =>
  (await platform.json<{ instances: { state: string }[] }>('GET', `/v1/functions/${name}/instances`)).instances.map(
    ({ state }) => state,
  );

describe('a stream of a real process', () => {
  it.each(['node', 'python', 'apython'])(
    '%s: values of a generator are sent, and the end of the stream is marked',
    async (name) => {
      const message = await invoke(name, { count: 3 });
      expect(await read(message)).toBe('word 0\nword 1\nword 2\n');
      expect(message.headers['transfer-encoding']).toBe('chunked');
      expect(message.trailers['x-starling-instance']).toMatch(/./);
      expect(Number(message.trailers['x-starling-ran-ms'])).toBeGreaterThan(0);
    },
  );

  it.each(['node', 'python'])(
    '%s: is sent while the handler runs, and the instance is leased until the end',
    async (name) => {
      const message = await invoke(name, { count: 2, ms: 1_500 });
      const first = await new Promise<string>((resolve) => message.once('data', (chunk) => resolve(String(chunk))));
      expect(first).toBe('word 0\n');
      expect(await statesOf(name)).toEqual(['busy']);
      expect(await read(message)).toBe('word 1\n');
      await until('it is free again', 5_000, async () => (await statesOf(name)).includes('warm'));
    },
  );

  it.each(['node', 'python'])(
    '%s: the instance stays leased while the caller does not read, and no byte is lost',
    async (name) => {
      const message = await invoke(name, { count: 64, bytes: 1024 * 1024 });
      message.pause();
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(await statesOf(name)).toEqual(['busy']);
      let bytes = 0;
      for await (const chunk of message) bytes += (chunk as Buffer).length;
      expect(bytes).toBe(64 * 1024 * 1024);
      const { invocations } = await platform.json<{ invocations: { responseBytes: number }[] }>(
        'GET',
        `/v1/functions/${name}/invocations?limit=1`,
      );
      expect(invocations[0]?.responseBytes).toBe(bytes);
      await until('it is free again', 5_000, async () => (await statesOf(name)).includes('warm'));
    },
  );

  it.each(['node', 'python'])('%s: a caller that disconnects frees the instance', async (name) => {
    const message = await invoke(name, { count: 1_000, ms: 50 });
    await new Promise((resolve) => message.once('data', resolve));
    message.destroy();
    await until('nothing is busy', 5_000, async () => !(await statesOf(name)).includes('busy'));
    expect(await read(await invoke(name, { count: 1 }))).toBe('word 0\n');
  });

  it.each(['node', 'python'])('%s: a handler that fails in the middle cuts it off', async (name) => {
    const message = await invoke(name, { count: 2, fails: true });
    await expect(read(message)).rejects.toThrow('aborted');
    const { invocations } = await platform.json<{ invocations: { outcome: string }[] }>(
      'GET',
      `/v1/functions/${name}/invocations?limit=1`,
    );
    expect(invocations[0]?.outcome).toBe('handler-failed');
  });

  it.each(['node', 'python'])('%s: a handler that fails before its first chunk gets an error answer', async (name) => {
    const message = await invoke(name, { count: 0, fails: true });
    expect(message.statusCode).toBe(500);
    expect(JSON.parse(await read(message))).toMatchObject({ type: 'handler-failed', thrown: { message: 'no luck' } });
  });

  it('the result of a handler that does not stream is sent as a whole', async () => {
    const message = await invoke('plain', {});
    expect([message.headers['content-length'], await read(message)]).toEqual(['14', '{"whole":true}']);
  });

  it('in the form of AWS Lambda sets status and headers on a route, and is passed on unchanged on a call', async () => {
    const message = await call('/routes/lambda', { count: 2 });
    expect([message.statusCode, message.headers['content-type']]).toEqual([207, 'text/event-stream']);
    expect(await read(message)).toBe('data: 0\n\ndata: 1\n\n');
    const raw = await read(await invoke('lambda', {}));
    expect(raw).toContain('"statusCode":207');
    expect(raw).toContain(`${'\0'.repeat(8)}data: 0`);
  });

  it.each(['node', 'python'])('%s: is sent on a route too', async (name) => {
    expect(await read(await call(`/routes/${name}`, {}))).toBe('word 0\nword 1\nword 2\n');
  });
});

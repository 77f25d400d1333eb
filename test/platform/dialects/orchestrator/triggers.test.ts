import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { InvocationRequest } from '../../../../src/platform/model/invocation.ts';
import { PlatformError } from '../../../../src/platform/model/platform-error.ts';
import { invocationOf } from '../native/scripted-engine.ts';
import { anOrchestrator, HELLO } from './an-orchestrator.ts';

const http = (config: object) => ({ type: 'http', config });
const schedule = (config: object) => ({ type: 'schedule', config });
const event = (config: object) => ({ type: 'event', config });

let running: Awaited<ReturnType<typeof anOrchestrator>>;
let calls: InvocationRequest[];
beforeEach(async () => {
  running = await anOrchestrator();
  calls = [];
  returns({ statusCode: 200, body: 'answer' });
});
afterEach(() => running.stop());

const ask = (...args: Parameters<typeof running.ask>) => running.ask(...args);
const register = (...triggers: object[]) => running.register({ triggers });
const triggersOf = async (id: string) => (await ask('GET', `/functions/${id}/triggers`)).body.triggers;
const lastEvent = () => JSON.parse(Buffer.from(calls.at(-1)?.payload ?? []).toString());

function returns(value: unknown): void {
  running.engine.onInvoke = async (request) => {
    calls.push(request);
    return invocationOf(request, { body: Buffer.from(JSON.stringify(value)) });
  };
}

describe('http triggers', () => {
  it('give their function the request, taken apart', async () => {
    const id = await register(http({ path: '/orders/{order}', method: 'POST' }));
    const { status, text, headers } = await ask('POST', '/orders/a%20b?x=1&next=/y?z=2', '{"a":1}', {
      'content-type': 'application/json; charset=utf-8',
      'x-own': 'yes',
      'x-starling-depth': '2',
    });
    expect([status, text, headers.get('content-type')]).toEqual([200, 'answer', 'text/plain; charset=utf-8']);
    expect(calls[0]).toMatchObject({ versionId: running.versionOf(id), source: 'http', depth: 2 });
    expect(lastEvent()).toMatchObject({
      method: 'POST',
      path: '/orders/a%20b',
      params: { order: 'a b' },
      query: { x: '1', next: '/y?z=2' },
      headers: { 'x-own': 'yes' },
      body: { a: 1 },
      isBase64Encoded: false,
    });
  });

  it('lose no byte of a body', async () => {
    await register(http({ path: '/in' }));
    const send = async (body: string | Uint8Array | undefined, type: string) => {
      expect((await ask('POST', '/in', body, { 'content-type': type })).status).toBe(200);
      const { body: told, isBase64Encoded } = lastEvent();
      return [told, isBase64Encoded];
    };
    expect(await send('{"a": 1}', 'text/plain')).toEqual(['{"a": 1}', false]);
    expect(await send('{"a": 1}', 'application/vnd.x+json')).toEqual([{ a: 1 }, false]);
    expect(await send('\ufeffgrüße', 'text/plain')).toEqual(['\ufeffgrüße', false]);
    expect(await send(Buffer.from([0xff, 0, 0x80]), 'image/png')).toEqual(['/wCA', true]);
    expect(await send(undefined, 'application/json')).toEqual([null, false]);
    expect(await ask('POST', '/in', 'no json', { 'content-type': 'application/json' })).toMatchObject({
      status: 400,
      body: { error: 'Invalid request body' },
    });
    expect((await ask('POST', '/in', 'x'.repeat(6 * 2 ** 20 + 1))).status).toBe(413);
  });

  it('send what the function returned, as it is', async () => {
    await register(http({ path: '/out' }));
    returns({ statusCode: 201, headers: { 'Content-Type': 'text/html', 'X-A': '1' }, body: '<p>' });
    const page = await ask('GET', '/out');
    expect([page.status, page.text, page.headers.get('content-type'), page.headers.get('x-a')]).toEqual([
      201,
      '<p>',
      'text/html',
      '1',
    ]);
    returns({ own: 'object' });
    expect(await ask('GET', '/out')).toMatchObject({ status: 200, text: '{"own":"object"}' });
    returns({ statusCode: 200, body: '/wCA', isBase64Encoded: true });
    const bytes = new Uint8Array(await (await fetch(`${running.url}/out`)).arrayBuffer());
    expect([...bytes]).toEqual([0xff, 0, 0x80]);
    returns({ statusCode: 304 });
    expect(await ask('GET', '/out')).toMatchObject({ status: 304, text: '' });
  });

  it('say that a call failed, and show nothing of its log', async () => {
    await register(http({ path: '/fails' }));
    const { body: _, ...facts } = invocationOf(
      { versionId: 'v', payload: Buffer.alloc(0), source: 'http', depth: 0 },
      { logs: ['a secret'] },
    );
    running.engine.onInvoke = async () => {
      throw new PlatformError('timeout', 'the function did not answer within 5 ms', { facts });
    };
    expect(await ask('GET', '/fails')).toMatchObject({
      status: 500,
      text: '{"error":"the function did not answer within 5 ms"}',
    });
  });

  it('answer any method unless they name one, and the newest of several answers', async () => {
    await register(http({ path: '/any' }), http({ path: '/one', method: 'put' }));
    for (const method of ['GET', 'DELETE']) expect((await ask(method, '/any')).status).toBe(200);
    expect((await ask('PUT', '/one')).status).toBe(200);
    const { status, headers } = await ask('GET', '/one');
    expect([status, headers.get('allow')]).toEqual([405, 'PUT']);
    const newer = await register(http({ path: '/any' }));
    await ask('GET', '/any');
    expect(calls.at(-1)?.versionId).toBe(running.versionOf(newer));
    await ask('DELETE', `/functions/${newer}`);
    expect((await ask('GET', '/any')).status).toBe(200);
  });

  it('may be called by pages of other sites: that is for the function to judge', async () => {
    await register(http({ path: '/open' }));
    expect((await ask('POST', '/open', undefined, { origin: 'http://page.example' })).status).toBe(200);
    expect(lastEvent().headers.origin).toBe('http://page.example');
  });

  it('need no path: then the function is called by its id alone', async () => {
    const id = await register(http({}), http({ method: 'POST' }));
    expect(await triggersOf(id)).toEqual([]);
    expect((await ask('GET', `/functions/${id}`)).body.triggers).toEqual([http({}), http({ method: 'POST' })]);
  });
});

describe('triggers of a definition', () => {
  it.each<[string, object, string]>([
    [
      'a kind that nobody has',
      { type: 'carrier-pigeon', config: {} },
      "triggers.0.type must be 'http', 'schedule' or 'event'",
    ],
    ['a field beside', { type: 'http', config: {}, at: 1 }, 'triggers.0 has fields that nobody knows here: at'],
    ['a path without its slash', http({ path: 'x' }), 'triggers.0.config.path must begin with a slash'],
    ['a method that HTTP has not', http({ path: '/x', method: 'FETCH' }), 'triggers.0.config.method must be one of'],
    [
      'a path of the orchestrator',
      http({ path: '/functions/{id}' }),
      'triggers.0.config.path is a path of the orchestrator',
    ],
    ['its first page', http({ path: '/' }), 'triggers.0.config.path is a path of the orchestrator'],
    ['a misspelt setting', http({ pth: '/x' }), 'triggers.0.config'],
    ['no cron', schedule({}), 'triggers.0.config.cron must be text'],
    ['a cron that is none', schedule({ cron: '61 * * * *' }), 'triggers.0.config.cron'],
    [
      'a zone that is none',
      schedule({ cron: '* * * * *', timezone: 'Mars/Base' }),
      'triggers.0.config.timezone is not a time zone',
    ],
    ['another source', event({ source: 's3', queueName: 'q' }), "triggers.0.config.source must be 'queue'"],
    ['no queue', event({ source: 'queue' }), 'triggers.0.config.queueName must be text'],
    ['a queue that climbs', event({ source: 'queue', queueName: '../q' }), 'triggers.0.config.queueName must be'],
  ])('are refused when they have %s, and nothing is registered', async (_, trigger, error) => {
    expect(await ask('POST', '/functions', { ...HELLO, triggers: [trigger] })).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining(error) },
    });
    expect((await ask('GET', '/functions')).body.functions).toEqual([]);
    expect(running.platform.registry.functions()).toEqual([]);
  });

  it('are bounded in number', async () => {
    const triggers = Array.from({ length: 33 }, (_, index) => http({ path: `/p${index}` }));
    expect(await ask('POST', '/functions', { ...HELLO, triggers })).toMatchObject({
      status: 400,
      body: { error: 'triggers must be 32 or fewer' },
    });
  });

  it('show when they fire next, in their zone', async () => {
    const id = await register(schedule({ cron: '0 */5 * * *', timezone: 'UTC' }));
    const [trigger] = await triggersOf(id);
    expect(trigger).toMatchObject({ type: 'schedule', cron: '0 */5 * * *', timezone: 'UTC', enabled: true });
    const next = new Date(trigger.nextRunAt);
    expect([next.getUTCHours() % 5, next.getUTCMinutes(), next.getUTCSeconds()]).toEqual([0, 0, 0]);
    expect(next.getTime()).toBeGreaterThan(Date.now());
  });

  it('take what is put into their queue', async () => {
    const id = await register(event({ source: 'queue', queueName: 'processing-queue' }));
    const put = (body: unknown, queue = 'processing-queue') => ask('POST', `/queues/${queue}`, body);
    expect(await put({ job: 1 })).toMatchObject({
      status: 202,
      body: { status: 'queued', messageId: expect.any(String) },
    });
    await expect.poll(() => calls.length).toBe(1);
    expect(calls[0]).toMatchObject({ versionId: running.versionOf(id), source: 'queue' });
    expect(lastEvent()).toEqual({ job: 1 });
    expect(await put({}, 'nobody')).toMatchObject({
      status: 404,
      body: { error: expect.stringContaining('"nobody"') },
    });
    expect(await put('no json')).toMatchObject({ status: 400, body: { error: 'Invalid request body' } });
    expect((await put(`"${'x'.repeat(300_000)}"`)).status).toBe(413);
    expect((await put(undefined)).status).toBe(202);
    await expect.poll(() => calls.length).toBe(2);
    expect(lastEvent()).toEqual({});
  });

  it('stay, come and go with a change, and what waits in a queue stays with its trigger', async () => {
    const queue = event({ source: 'queue', queueName: 'q' });
    const id = await register(queue, http({ path: '/old' }));
    running.engine.onInvoke = async () => {
      throw new PlatformError('overloaded', 'not now');
    };
    await ask('POST', '/queues/q', { kept: true });
    const before = await triggersOf(id);
    const { status, body } = await ask('PATCH', `/functions/${id}`, { triggers: [http({ path: '/new' }), queue] });
    expect([status, body.triggers]).toEqual([200, [http({ path: '/new' }), queue]]);
    const after = await triggersOf(id);
    expect(after.map(({ type, path, queueName }: Record<string, string>) => path ?? queueName ?? type)).toEqual([
      'q',
      '/new',
    ]);
    expect(after[0].id).toBe(before[0].id);
    expect(after[0].waiting + after[0].leased).toBe(1);
    expect((await ask('GET', '/old')).status).toBe(404);
    await ask('PATCH', `/functions/${id}`, { triggers: [] });
    expect(await triggersOf(id)).toEqual([]);
  });

  it('outlive a restart once each, also when the platform ended before it had set them', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'starling-triggers-'));
    try {
      const first = await anOrchestrator({ dataDir });
      const id = await first.register({ triggers: [http({ path: '/kept' }), schedule({ cron: '@daily' })] });
      const idOf = async (from: typeof first) =>
        (await from.ask('GET', `/functions/${id}/triggers`)).body.triggers.map((trigger: { id: string }) => trigger.id);
      const ids = await idOf(first);
      await first.stop();
      const second = await anOrchestrator({ dataDir });
      expect(await idOf(second)).toEqual(ids);
      second.platform.registry.triggers.remove(ids[0]);
      await second.stop();
      const third = await anOrchestrator({ dataDir });
      const restored = await idOf(third);
      expect(restored).toHaveLength(2);
      expect(restored).toContain(ids[1]);
      expect((await third.ask('GET', '/kept')).status).toBe(200);
      await third.stop();
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});

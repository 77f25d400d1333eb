import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InvocationRequest } from '../../../../src/platform/model/invocation.ts';
import { PlatformError } from '../../../../src/platform/model/platform-error.ts';
import { DEFAULT_POOL } from '../../../../src/platform/registry/version-settings.ts';
import { aPlatform, type Reply, type RunningPlatform } from './a-platform.ts';
import { invocationOf } from './scripted-engine.ts';

let running: RunningPlatform;
let calls: InvocationRequest[] = [];
let result: unknown;
beforeAll(async () => {
  running = await aPlatform();
  running.engine.onInvoke = async (request) => {
    calls.push(request);
    return invocationOf(request, { body: Buffer.from(JSON.stringify(result ?? null)) });
  };
  await running.ask('POST', '/v1/functions', { name: 'hello', runtime: 'node24', code: 'exports.handler = 1' });
});
afterAll(() => running.platform.stop({ graceMs: 0 }));

async function add(told: Record<string, unknown>): Promise<Reply> {
  return running.ask('POST', '/v1/functions/hello/triggers', told);
}

async function added(told: Record<string, unknown>): Promise<string> {
  const { status, body } = await add(told);
  expect(status, JSON.stringify(body)).toBe(201);
  return body.trigger.triggerId;
}

const eventOf = (request: InvocationRequest | undefined) => JSON.parse(Buffer.from(request?.payload ?? []).toString());

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let round = 0; round < 200; round += 1) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('it did not come about');
}

describe('triggers on the native port', () => {
  it('are set, listed, switched off, and taken away', async () => {
    const { status, body, headers } = await add({ kind: 'schedule', cron: '@daily', timeZone: 'Europe/Berlin' });
    expect(status).toBe(201);
    const { triggerId } = body.trigger;
    expect(headers.get('location')).toBe(`/v1/triggers/${triggerId}`);
    expect(body.trigger).toMatchObject({
      kind: 'schedule',
      isEnabled: true,
      versionId: null,
      overlap: 'skip',
      missed: 'once',
      fires: 0,
      failures: {},
      skips: { overlap: 0, missed: 0 },
      nextFireAt: expect.stringMatching(/T2[23]:00:00\.000Z$/),
    });
    const one = await running.ask('GET', `/v1/triggers/${triggerId}`);
    expect(one.body).toEqual(body);
    for (const path of ['/v1/triggers?kind=schedule&function=hello', '/v1/functions/hello/triggers']) {
      const listed = await running.ask('GET', path);
      expect(listed.body.triggers).toEqual([body.trigger]);
    }
    expect((await running.ask('GET', '/v1/triggers?kind=queue')).body.triggers).toEqual([]);
    expect((await running.ask('GET', '/v1/functions/hello')).body.function.triggers).toEqual([body.trigger]);
    const off = await running.ask('PATCH', `/v1/triggers/${triggerId}`, { isEnabled: false });
    expect(off.body.trigger).toMatchObject({ isEnabled: false, nextFireAt: null });
    expect((await running.ask('DELETE', `/v1/triggers/${triggerId}`)).status).toBe(204);
    expect((await running.ask('GET', `/v1/triggers/${triggerId}`)).status).toBe(404);
  });

  it.each([
    [{ kind: 'cron' }, '/kind'],
    [{ kind: 'schedule', cron: '99 * * * *' }, '/cron'],
    [{ kind: 'schedule', cron: '@daily', timeZone: 'Mars/Base' }, '/timeZone'],
    [{ kind: 'http', path: 'hello' }, '/path'],
    [{ kind: 'queue', queue: '!' }, '/queue'],
    [{ kind: 'http', path: '/x', isEnabled: 'yes' }, '/isEnabled'],
  ])('refuses %j and points at the field', async (told, pointer) => {
    const { status, body } = await add(told);
    expect(status).toBe(400);
    expect(body.errors[0].pointer).toBe(pointer);
  });

  it('refuses versions that the function does not have, routes that are taken, and methods that nobody knows', async () => {
    expect((await add({ kind: 'http', path: '/v', versionId: 'nobody' })).status).toBe(404);
    const triggerId = await added({ kind: 'http', path: '/taken/{id}', method: 'GET' });
    const taken = await add({ kind: 'http', path: '/taken/{name}', method: 'GET' });
    expect([taken.status, taken.body.errors[0].pointer]).toEqual([409, '/path']);
    expect((await add({ kind: 'http', path: '/taken/{id}', method: 'PUT' })).status).toBe(201);
    for (const path of ['/v1/triggers', `/v1/triggers/${triggerId}`, '/v1/functions/hello/triggers']) {
      expect((await running.ask('PUT', path)).status).toBe(405);
    }
    for (const path of [`/v1/triggers/${triggerId}/more`, '/v1/triggers/nobody', '/v1/queues', '/v1/queues/x/y']) {
      expect((await running.ask('GET', path)).status).toBe(404);
    }
    expect((await running.ask('GET', '/v1/triggers?kind=cron')).status).toBe(400);
    expect((await running.ask('GET', `/v1/triggers/${triggerId}/dead`)).status).toBe(404);
  });

  it('leaves those of the orchestrator to their definition, but for switching them off', async () => {
    const { registry } = running.platform;
    const launch = {
      runtime: 'node',
      handler: 'index.handler',
      timeoutMs: 1,
      memoryMb: 128,
      environment: {},
      concurrency: 1,
    };
    const { record } = registry.create({
      namespace: 'orchestrator',
      name: 'theirs',
      launch,
      pool: DEFAULT_POOL,
      code: { kind: 'source', text: 'exports.handler = 1' },
    });
    const refused = await running.ask('POST', `/v1/functions/${record.functionId}/triggers`, {
      kind: 'http',
      path: '/t',
    });
    expect([refused.status, refused.body.detail]).toEqual([400, expect.stringContaining('definition')]);
  });

  describe('HTTP', () => {
    it('gives the function the request, and the caller what the function says', async () => {
      await added({ kind: 'http', path: '/orders/{id}', method: 'POST' });
      calls = [];
      result = { statusCode: 201, headers: { 'X-Made': 'yes' }, body: '{"made":true}' };
      const reply = await running.ask(
        'POST',
        '/routes/orders/a%2Fb?x=1',
        { count: 2 },
        { 'content-type': 'application/json' },
      );
      expect([reply.status, reply.headers.get('x-made'), reply.body]).toEqual([201, 'yes', { made: true }]);
      expect(calls[0]).toMatchObject({ source: 'http', depth: 0 });
      expect(eventOf(calls[0])).toMatchObject({
        method: 'POST',
        path: '/orders/a%2Fb',
        params: { id: 'a/b' },
        query: { x: '1' },
        body: { count: 2 },
      });
      result = { hello: 'you' };
      expect((await running.ask('POST', '/routes/orders/1')).body).toEqual({ hello: 'you' });
    });

    it('answers 404 where no route is, 405 with what there is, and says how a call failed', async () => {
      await added({ kind: 'http', path: '/only-get', method: 'GET' });
      expect((await running.ask('GET', '/routes/nobody')).status).toBe(404);
      const wrong = await running.ask('DELETE', '/routes/only-get');
      expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET']);
      const before = running.engine.onInvoke;
      running.engine.onInvoke = async () => {
        throw new PlatformError('timeout', 'too slow');
      };
      expect((await running.ask('GET', '/routes/only-get')).status).toBe(504);
      running.engine.onInvoke = before;
      expect((await running.ask('GET', '/routes/only-get', undefined, { 'x-starling-depth': 'x' })).status).toBe(400);
    });

    it('is not there while it is disabled', async () => {
      const triggerId = await added({ kind: 'http', path: '/sometimes', isEnabled: false });
      expect((await running.ask('GET', '/routes/sometimes')).status).toBe(404);
      await running.ask('PATCH', `/v1/triggers/${triggerId}`, { isEnabled: true });
      expect((await running.ask('GET', '/routes/sometimes')).status).toBe(200);
    });
  });

  describe('queues', () => {
    it('take messages, deliver them, and show what they could not deliver', async () => {
      const triggerId = await added({ kind: 'queue', queue: 'work', attemptsMax: 1 });
      calls = [];
      const sent = await running.ask('POST', '/v1/queues/work/messages', { job: 1 });
      expect([sent.status, sent.body]).toEqual([202, { messageId: expect.any(String) }]);
      await until(() => calls.length === 1);
      expect([calls[0]?.source, eventOf(calls[0])]).toEqual(['queue', { job: 1 }]);
      const before = running.engine.onInvoke;
      running.engine.onInvoke = async () => {
        throw new PlatformError('handler-failed', 'no luck');
      };
      await running.ask('POST', '/v1/queues/work/messages', { job: 2 });
      const deadOf = () => running.ask('GET', `/v1/triggers/${triggerId}/dead`);
      await until(async () => (await deadOf()).body.messages.length === 1);
      expect((await deadOf()).body.messages[0]).toMatchObject({ attempts: 1, lastError: 'no luck', body: { job: 2 } });
      const shown = (await running.ask('GET', `/v1/triggers/${triggerId}`)).body.trigger;
      expect(shown).toMatchObject({
        messages: { waiting: 0, leased: 0, dead: 1 },
        fires: 2,
        failures: { 'handler-failed': 1 },
      });
      const page = (await running.ask('GET', '/metrics')).body as string;
      expect(page).toMatch(
        new RegExp(`starling_platform_queue_messages\\{.*trigger_id="${triggerId}",queue="work",state="dead"\\} 1`),
      );
      expect(page).toMatch(
        new RegExp(
          `starling_platform_trigger_failures_total\\{.*trigger_id="${triggerId}",kind="queue",code="handler-failed"\\} 1`,
        ),
      );
      running.engine.onInvoke = before;
      expect((await running.ask('POST', `/v1/triggers/${triggerId}/dead`)).body).toEqual({ revived: 1 });
      await until(() => calls.length === 2);
      expect((await running.ask('DELETE', `/v1/triggers/${triggerId}/dead`)).body).toEqual({ removed: 0 });
      expect((await running.ask('DELETE', `/v1/triggers/${triggerId}/waiting`)).body).toEqual({ removed: 0 });
    });

    it('refuse what is no JSON, and queues that nobody takes from', async () => {
      const bytes = new TextEncoder().encode('{"job":');
      await added({ kind: 'queue', queue: 'strict' });
      expect((await running.ask('POST', '/v1/queues/strict/messages', bytes)).status).toBe(400);
      const unknown = await running.ask('POST', '/v1/queues/nobody/messages', {});
      expect([unknown.status, unknown.body.type]).toEqual([404, 'queue-unknown']);
      expect((await running.ask('GET', '/v1/queues/strict/messages')).status).toBe(405);
    });
  });

  it('are for pages of other sites to call by their routes alone', async () => {
    await added({ kind: 'http', path: '/for-all', method: 'POST' });
    await added({ kind: 'queue', queue: 'ours' });
    const origin = 'http://elsewhere.example';
    for (const path of [
      '/v1/functions/hello/triggers',
      '/v1/functions/hello/invoke',
      '/v1/queues/ours/messages',
      '/v1/functions',
    ]) {
      const { status, body } = await running.ask('POST', path, {}, { origin });
      expect([path, status, body.type]).toEqual([path, 403, 'forbidden']);
    }
    expect((await running.ask('POST', '/v1/queues/ours/messages', {}, { origin: running.url })).status).toBe(202);
    expect((await running.ask('POST', '/routes/for-all', {}, { origin })).status).toBe(200);
    expect((await running.ask('GET', '/v1/triggers', undefined, { origin })).status).toBe(200);
  });

  it('go with their function', async () => {
    await running.ask('POST', '/v1/functions', { name: 'brief', runtime: 'node24', code: 'exports.handler = 1' });
    await running.ask('POST', '/v1/functions/brief/triggers', { kind: 'http', path: '/brief' });
    expect((await running.ask('GET', '/routes/brief')).status).toBe(200);
    expect((await running.ask('DELETE', '/v1/functions/brief')).status).toBe(204);
    expect((await running.ask('GET', '/routes/brief')).status).toBe(404);
  });
});

import { readFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryStore } from '../../src/adapters/memory/store.ts';
import { MemoryWorld } from '../../src/adapters/memory/world.ts';
import type { ActiveVersion } from '../../src/domain/active-version.ts';
import { defaultPolicy } from '../../src/domain/policy.ts';
import { adminApp } from '../../src/http/admin/admin-app.ts';
import type { AdminWorld } from '../../src/http/admin/admin-world.ts';
import type { TargetAnswer } from '../../src/ports/target-source.ts';
import { FRESH_MEMORY } from '../../src/scaling/memory.ts';
import { placeVersion } from '../../src/sharding/place.ts';
import { aTarget } from '../scaling/situations.ts';
import { HandWoundClock } from '../support/hand-wound-clock.ts';

const openapi = JSON.parse(readFileSync(new URL('../../docs/openapi/admin.json', import.meta.url), 'utf8'));
const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true } });
ajv.addSchema(openapi, 'openapi');

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function anApi(changes: Partial<AdminWorld> = {}) {
  const clock = new HandWoundClock();
  const store = new MemoryStore(new MemoryWorld({ clock }));
  const audited: unknown[] = [];
  const poked: string[] = [];
  const world: AdminWorld = {
    memberId: 'm1',
    version: '0.0.0',
    startedMs: clock.wallMs(),
    nowMs: () => clock.wallMs(),
    after: (delayMs, callback) => clock.after(delayMs, callback),
    stopping: new AbortController().signal,
    summaryOf: () => undefined,
    tracked: () => [],
    defaultPolicy: defaultPolicy('target'),
    store,
    members: () => [{ memberId: 'm1', beat: 3, state: 'active', version: '0', address: '', weight: 1, isAlive: true }],
    ownerOf: () => 'm1',
    bucketOf: async (versionId) => placeVersion(versionId),
    servedAgeMs: (bucket) => (bucket === 5 ? 1_000 : undefined),
    loops: () => [],
    poke: (loop) => poked.push(loop) > 0,
    dependencies: () => [{ name: 'store', state: 'up', detail: 'memory', hasAnswered: true }],
    freeze: () => ({ isFrozen: false, isReleased: false, sinceMs: undefined, cause: undefined }),
    live: () => undefined,
    configuration: () => ({ hash: 'abc' }),
    console: () => ({ state: 'absent', why: 'this is a test' }),
    token: () => undefined,
    allowedHosts: ['127.0.0.1'],
    bodyMaxBytes: 1_024,
    mayChange: () => true,
    audit: (change) => audited.push(change),
    ...changes,
  };
  const faults: unknown[] = [];
  const server = createServer(adminApp(world, (error) => faults.push(error)));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
  };
  return { call, store, clock, audited, poked, faults, port };
}

function statusOf(options: { port: number; path: string; headers: Record<string, string> }): Promise<number> {
  return new Promise((resolve) => {
    request({ host: '127.0.0.1', ...options }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    }).end();
  });
}

function expectShape(body: unknown, path: string, method = 'get', status = '200'): void {
  const responses = openapi.paths[path][method].responses[status];
  const media = Object.keys(responses.content)[0] ?? '';
  const pointer = ['paths', path, method, 'responses', status, 'content', media, 'schema']
    .map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')))
    .join('/');
  const validate = ajv.compile({ $ref: `openapi#/${pointer}` });
  if (!validate(body)) throw new Error(`${path}: ${JSON.stringify(validate.errors)}\n${JSON.stringify(body)}`);
}

function aVersion(versionId: string): ActiveVersion {
  return {
    versionId,
    functionId: 'f1',
    account: 'a1',
    bucket: placeVersion(versionId),
    profiles: ['worker-threads'],
    seenMs: 1_700_000_000_000,
    discoveryToken: 1n,
  };
}

describe('the admin API', () => {
  it('answers as its OpenAPI document says', async () => {
    const { call, store } = await anApi();
    const odd = 'v"1\n/ü';
    await store.catalogue.enrol(placeVersion(odd), [aVersion(odd)], { ttlSeconds: 600 });
    await store.ledger.record([
      {
        versionId: odd,
        functionId: 'f1',
        atMs: 1_700_000_000_000,
        verdict: 'raise',
        previous: 1,
        wanted: 2,
        actual: 1,
        policy: 'steps',
        reasons: [{ code: 'load-above-target', facts: { value: 90 } }],
        utilisation: [{ atMs: 1_700_000_000_000, value: Number.POSITIVE_INFINITY }],
        demand: [],
        holder: 'm1',
        token: 12n,
        outcome: 'applied',
        detail: '',
      },
    ]);
    for (const path of ['/v1/status', '/v1/members', '/v1/buckets', '/v1/functions', '/v1/controls', '/v1/config']) {
      const { status, body } = await call('GET', path);
      expect(status).toBe(200);
      expectShape(body, path);
    }
    const one = await call('GET', `/v1/functions/${encodeURIComponent(odd)}`);
    expect(one.body).toMatchObject({ versionId: odd, isMine: false });
    expectShape(one.body, '/v1/functions/{versionId}');
    const decisions = await call('GET', `/v1/functions/${encodeURIComponent(odd)}/decisions?limit=1`);
    expect(decisions.body.items[0]).toMatchObject({ verdict: 'raise', token: '12', utilisation: [{ value: '+Inf' }] });
    expectShape(decisions.body, '/v1/functions/{versionId}/decisions');
    expect((await call('GET', '/openapi.json')).body.openapi).toBe('3.1.0');
  });

  it('tells what people call a version where it is known here, and null elsewhere', async () => {
    const version = aVersion('v1');
    const target: TargetAnswer = { state: 'known', target: aTarget({ versionId: 'v1', name: 'checkout' }), ageMs: 0 };
    const common = { version, state: undefined, latest: undefined, target };
    const more = { profile: undefined, trail: [], lastInvokedMs: undefined, watchedSinceMs: undefined };
    const { cycles, raisedMs, loweredMs, divergedSinceMs, blindSinceMs, recoveredMs } = FRESH_MEMORY;
    const memory = { cycles, raisedMs, loweredMs, divergedSinceMs, blindSinceMs, recoveredMs };
    const { call, store } = await anApi({
      summaryOf: (id) => (id === 'v1' ? { ...common, utilisation: undefined, demand: undefined } : undefined),
      live: (id) => (id === 'v1' ? { ...common, ...more, utilisation: [], demand: [], memory } : undefined),
    });
    for (const each of [version, aVersion('v2')]) {
      await store.catalogue.enrol(each.bucket, [each], { ttlSeconds: 600 });
    }
    const list = await call('GET', '/v1/functions');
    expectShape(list.body, '/v1/functions');
    const names = (list.body.items as { versionId: string; name: unknown }[]).map(({ versionId, name }) => [
      versionId,
      name,
    ]);
    expect(Object.fromEntries(names)).toEqual({ v1: 'checkout', v2: null });
    const one = await call('GET', '/v1/functions/v1');
    expectShape(one.body, '/v1/functions/{versionId}');
    expect(one.body).toMatchObject({ versionId: 'v1', name: 'checkout' });
    expect((await call('GET', '/v1/functions/v2')).body).toMatchObject({ name: null });
  });

  it('pages through every version exactly once', async () => {
    const { call, store } = await anApi();
    const ids = Array.from({ length: 57 }, (_, index) => `version-${index}`);
    for (const id of ids) await store.catalogue.enrol(placeVersion(id), [aVersion(id)], { ttlSeconds: 600 });
    const seen: string[] = [];
    let cursor = '';
    for (let page = 0; page < 20; page += 1) {
      const { body } = await call('GET', `/v1/functions?limit=10${cursor && `&cursor=${cursor}`}`);
      seen.push(...body.items.map((item: { versionId: string }) => item.versionId));
      if (body.next === null) break;
      cursor = body.next;
    }
    expect(seen.length).toBe(57);
    expect(new Set(seen)).toEqual(new Set(ids));
  });

  it('answers 304 to who has the newest already', async () => {
    const { port, call } = await anApi();
    const first = await call('GET', '/v1/members');
    // Not by fetch: with If-None-Match it asks for no cached answer.
    const again = await statusOf({
      port,
      path: '/v1/members',
      headers: { 'If-None-Match': first.headers.get('etag') ?? '' },
    });
    expect(again).toBe(304);
  });

  it('takes a pause and an override, writes down who and why, and pokes the loop', async () => {
    const { call, store, clock, audited, poked } = await anApi();
    const paused = await call('PUT', '/v1/functions/v1/pause', { forSeconds: 60, by: 'ann', why: 'deploy' });
    expect(paused.status).toBe(200);
    expectShape(paused.body, '/v1/functions/{versionId}/pause', 'put');
    await call('PUT', '/v1/functions/v1/override', { forSeconds: 60, by: 'ann', why: 'load', wanted: 7 });
    expect(await store.controls.list(clock.wallMs())).toEqual(
      expect.arrayContaining([
        { kind: 'pause', versionId: 'v1', until: clock.wallMs() + 60_000, by: 'ann', why: 'deploy' },
        { kind: 'override', versionId: 'v1', wanted: 7, until: clock.wallMs() + 60_000, by: 'ann', why: 'load' },
      ]),
    );
    expect(audited).toHaveLength(2);
    expect(poked).toEqual(['scale', 'scale']);
    expect((await call('DELETE', '/v1/functions/v1/pause')).status).toBe(204);
    expect(await store.controls.list(clock.wallMs())).toHaveLength(1);
  });

  it('changes nothing in a dry run', async () => {
    const { call, store, clock, audited } = await anApi();
    const { body } = await call('PUT', '/v1/freeze/release?dryRun=true', { forSeconds: 60, by: 'ann', why: 'night' });
    expect(body).toMatchObject({ kind: 'freeze-release', dryRun: true });
    expect(await store.controls.list(clock.wallMs())).toEqual([]);
    expect(audited).toEqual([]);
  });

  it('names every field that is wrong', async () => {
    const { call } = await anApi();
    const { status, headers, body } = await call('PUT', '/v1/functions/v1/override', {
      forSeconds: 0,
      why: 'x',
      wanted: -1,
      extra: 1,
    });
    expect(status).toBe(400);
    expect(headers.get('content-type')).toContain('application/problem+json');
    const pointers = body.errors.map((error: { pointer: string }) => error.pointer);
    expect(pointers).toEqual(expect.arrayContaining(['/body/forSeconds', '/body/by', '/body/wanted', '/body']));
  });

  it.each([
    ['GET', '/v1/nothing', undefined, 404, 'path-unknown'],
    ['GET', '/v1/functions/unknown', undefined, 404, 'version-unknown'],
    ['GET', '/v1/functions?cursor=@@', undefined, 400, 'cursor-unusable'],
    ['GET', '/v1/functions?limit=0', undefined, 400, 'input-invalid'],
    ['PUT', '/v1/functions/v1/pause', '{', 400, 'request-unusable'],
    ['PUT', '/v1/functions/v1/pause', `{"why":"${'x'.repeat(2_000)}"}`, 413, 'body-too-large'],
    ['GET', '/v1/functions/%E0%A4%A', undefined, 400, 'request-unusable'],
  ])('%s %s answers a problem', async (method, path, body, status, code) => {
    const { call, faults } = await anApi();
    const answer = await call(method, path, body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(faults).toEqual([]);
  });

  it('asks for its token, compares it whole, and takes a new one at once', async () => {
    let token = 'one';
    const { call } = await anApi({ token: () => token });
    const status = async (header?: string) =>
      (await call('GET', '/v1/status', undefined, header === undefined ? {} : { Authorization: header })).status;
    expect(await status()).toBe(401);
    expect(await status('Bearer on')).toBe(401);
    expect(await status('Bearer one')).toBe(200);
    token = 'two';
    expect(await status('Bearer one')).toBe(401);
    expect(await status('Bearer two')).toBe(200);
  });

  it('refuses a foreign host name, a form of a foreign page, and too many changes', async () => {
    const { port, call } = await anApi();
    const foreign = await statusOf({ port, path: '/v1/status', headers: { Host: 'evil.example' } });
    expect(foreign).toBe(421);
    const form = await call('PUT', '/v1/freeze/release', 'forSeconds=1', {
      'Content-Type': 'application/x-www-form-urlencoded',
    });
    expect(form.status).toBe(415);
    const busy = await anApi({ mayChange: () => false });
    expect((await busy.call('DELETE', '/v1/freeze/release')).status).toBe(429);
  });

  it('says 503, and not more, when the store is away', async () => {
    const { call, store, faults } = await anApi();
    store.line.cut();
    const { status, body } = await call('GET', '/v1/controls');
    expect([status, body.code]).toEqual([503, 'store-unavailable']);
    expect(faults).toHaveLength(1);
  });
});

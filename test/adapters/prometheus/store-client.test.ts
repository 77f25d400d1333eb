import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreClient, type StoreClientOptions } from '../../../src/adapters/prometheus/store-client.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import type { Meters } from '../../../src/telemetry/meters.ts';
import { HandWoundClock, settle } from '../../support/hand-wound-clock.ts';
import { ScriptedStore, vector } from '../../support/timeseries/scripted-store.ts';

const noJitter = { next: () => 0, uuid: () => '' };

describe('StoreClient', () => {
  let store: ScriptedStore;
  const clients: StoreClient[] = [];

  beforeEach(async () => {
    store = new ScriptedStore();
    await store.start();
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await store.stop();
  });

  function open(options: Partial<StoreClientOptions> = {}): StoreClient {
    const client = new StoreClient({ url: store.url, clock: systemClock, random: noJitter, ...options });
    clients.push(client);
    return client;
  }
  const ask = (client: StoreClient, signal?: AbortSignal) =>
    client.queryAt({ name: 'q', promql: 'up', atSeconds: 1_000, signal });

  it('asks for one settled moment, by POST, without the cache of VictoriaMetrics', async () => {
    store.answer = () => vector([[{ a: 'x' }, '1']]);
    expect((await ask(open({ headers: { 'X-Scope-OrgID': 'tenant' } }))).series).toHaveLength(1);
    const [request] = store.requests;
    expect(request).toMatchObject({ method: 'POST', path: '/api/v1/query' });
    expect(Object.fromEntries(request?.form ?? [])).toEqual({
      query: 'up',
      time: '1000',
      nocache: '1',
    });
    expect(request?.headers).toMatchObject({ 'x-scope-orgid': 'tenant', 'accept-encoding': 'identity' });
  });

  it('asks a store that has range queries alone by those', async () => {
    store.answer = ({ path }) =>
      path === '/api/v1/query_range' ? vector([[{ a: 'x' }, '1']]) : { status: 404, body: '404 page not found' };
    const client = open();
    for (let turn = 0; turn < 2; turn += 1) expect((await ask(client)).series).toHaveLength(1);
    const paths = store.requests.map(({ path }) => path);
    expect(paths).toEqual(['/api/v1/query', '/api/v1/query_range', '/api/v1/query_range']);
    expect(Object.fromEntries(store.requests[2]?.form ?? [])).toEqual({
      query: 'up',
      start: '1000',
      end: '1000',
      step: '60',
      nocache: '1',
    });
  });

  it('is told that an address is wrong where neither is known', async () => {
    store.answer = () => ({ status: 404, body: '404 page not found' });
    const client = open();
    await expect(ask(client)).rejects.toMatchObject({ kind: 'not-prometheus', status: 404 });
    store.answer = () => vector([[{ a: 'x' }, '1']]);
    await ask(client);
    expect(store.requests.at(-1)?.path).toBe('/api/v1/query');
  });

  it('keeps its connection', async () => {
    const client = open();
    for (let turn = 0; turn < 3; turn += 1) await ask(client);
    expect(store.connections).toBe(1);
  });

  it('tries twice more when the store fails, and not when it refuses', async () => {
    store.answer = (_, index) => (index < 2 ? { status: 503, body: 'busy' } : vector([]));
    await ask(open());
    expect(store.requests).toHaveLength(3);
    store.answer = () => ({ isCut: true });
    await expect(ask(open())).rejects.toMatchObject({ kind: 'unreachable' });
    expect(store.requests).toHaveLength(6);
    const refusal = JSON.stringify({ status: 'error', errorType: 'bad_data', error: 'parse error' });
    store.answer = () => ({ status: 400, body: refusal });
    await expect(ask(open())).rejects.toMatchObject({ kind: 'query', status: 400 });
    store.answer = () => ({ status: 429, body: 'slow down' });
    await expect(ask(open())).rejects.toMatchObject({ kind: 'overloaded', status: 429 });
    expect(store.requests).toHaveLength(8);
  });

  it('waits between attempts, longer each time, by chance', async () => {
    const waits: number[] = [];
    const clock = {
      ...systemClock,
      after: (ms: number, callback: () => void) => {
        waits.push(ms);
        return systemClock.after(ms > 1_000 ? ms : 0, callback);
      },
    };
    store.answer = () => ({ status: 500, body: '' });
    const random = { next: () => 0.5, uuid: () => '' };
    await expect(ask(open({ clock, random, retries: 4, retryDelayMs: 100, retryDelayMaxMs: 300 }))).rejects.toThrow(
      /500/,
    );
    // The first is the deadline of the whole.
    expect(waits).toEqual([10_000, 50, 100, 150, 150]);
  });

  it('ends with the deadline, also while the store is silent', async () => {
    store.answer = () => undefined;
    const clock = new HandWoundClock();
    const asking = expect(ask(open({ clock, timeoutMs: 2_000 }))).rejects.toMatchObject({ kind: 'timeout' });
    while (store.requests.length === 0) await settle();
    await clock.wind(2_000);
    await asking;
    expect(store.requests).toHaveLength(1);
  });

  it('ends with the signal of the caller, with its reason', async () => {
    store.answer = () => undefined;
    const controller = new AbortController();
    const asking = expect(ask(open(), controller.signal)).rejects.toBe('stopping');
    while (store.requests.length === 0) await settle();
    controller.abort('stopping');
    await asking;
  });

  it('leaves a store alone that failed several times in a row, and tries it again later', async () => {
    const set: unknown[] = [];
    const meters: Meters = {
      add() {},
      record() {},
      set: (name, value) => void (name === 'starling_breaker_state' && set.push(value)),
    };
    store.answer = () => ({ status: 500, body: '' });
    const clock = new HandWoundClock();
    const client = open({ clock, meters, retries: 0, breakerFailures: 3, breakerOpenMs: 10_000 });
    for (let turn = 0; turn < 3; turn += 1) await expect(ask(client)).rejects.toMatchObject({ kind: 'overloaded' });
    await expect(ask(client)).rejects.toMatchObject({ kind: 'open-circuit' });
    expect(store.requests).toHaveLength(3);
    store.answer = () => vector([]);
    // By how long it was left alone: a wall clock set back would have left it alone for an hour more.
    clock.jumpWall(-3_600_000);
    await clock.wind(11_000);
    await ask(client);
    expect(set).toEqual([2, 1, 0]);
  });

  it('leaves a store alone, too, that lets every query run into its deadline', async () => {
    store.answer = () => undefined;
    const clock = new HandWoundClock();
    const client = open({ clock, timeoutMs: 1_000, breakerFailures: 2, breakerOpenMs: 60_000 });
    for (let turn = 1; turn <= 2; turn += 1) {
      const asking = expect(ask(client)).rejects.toMatchObject({ kind: 'timeout' });
      while (store.requests.length < turn) await settle();
      await clock.wind(1_000);
      await asking;
    }
    await expect(ask(client)).rejects.toMatchObject({ kind: 'open-circuit' });
    expect(store.requests).toHaveLength(2);
  });

  it('does not blame the store for a bad query', async () => {
    store.answer = () => ({ status: 400, body: JSON.stringify({ status: 'error', error: 'parse error' }) });
    const client = open({ breakerFailures: 2 });
    for (let turn = 0; turn < 5; turn += 1) await expect(ask(client)).rejects.toMatchObject({ kind: 'query' });
    expect(store.requests).toHaveLength(5);
  });

  it('takes a long answer whole, also packed', async () => {
    const rows = Array.from({ length: 5_000 }, (_, index) => [{ v: `version ${index}` }, String(index)] as const);
    const { body = '' } = vector(rows, { atSeconds: 7 });
    for (const compression of ['none', 'gzip'] as const) {
      store.answer = ({ headers }) =>
        headers['accept-encoding'] === 'gzip'
          ? { body: gzipSync(body), headers: { 'content-encoding': 'gzip' } }
          : { body };
      const { series } = await ask(open({ compression }));
      expect(Array.from(series, ({ samples }) => Number(samples[0]?.[1]))).toEqual(rows.map((_, index) => index));
    }
    expect(store.requests.map(({ headers }) => headers['accept-encoding'])).toEqual(['identity', 'gzip']);
  });

  it('asks again when an answer breaks off in the middle', async () => {
    const whole = vector([[{ v: 'a' }, '1']], { atSeconds: 7 });
    store.answer = (_, index) => (index === 0 ? { isCut: true, body: whole.body?.slice(0, 20) ?? '' } : whole);
    expect([...(await ask(open())).series]).toHaveLength(1);
    expect(store.requests).toHaveLength(2);
  });

  it('refuses answers that are too large', async () => {
    store.answer = () => ({ body: 'x'.repeat(5_000) });
    await expect(ask(open({ responseMaxBytes: 1_000 }))).rejects.toMatchObject({ kind: 'too-large' });
    expect(store.requests).toHaveLength(1);
  });

  it('follows no redirect and takes no other server for a store', async () => {
    store.answer = () => ({ status: 302, headers: { location: 'http://169.254.169.254/' } });
    await expect(ask(open())).rejects.toMatchObject({
      kind: 'not-prometheus',
      message: expect.stringContaining('a redirect to http://169.254.169.254/'),
    });
    store.answer = () => ({ status: 404, body: '<html><title>Nope</title></html>' });
    await expect(ask(open())).rejects.toMatchObject({ kind: 'not-prometheus', status: 404 });
    store.answer = () => ({ body: 'hello' });
    await expect(ask(open())).rejects.toMatchObject({
      kind: 'not-prometheus',
      message: expect.stringContaining('"hello"'),
    });
  });

  it('sends at most so many queries at a time', async () => {
    store.answer = () => undefined;
    const client = open({ concurrency: 2 });
    const controller = new AbortController();
    const asking = [1, 2, 3, 4].map(() => ask(client, controller.signal).catch(() => {}));
    while (store.requests.length < 2) await settle();
    for (let round = 0; round < 20; round += 1) await settle();
    expect(store.requests).toHaveLength(2);
    controller.abort();
    await Promise.all(asking);
  });

  describe('proves who it is', () => {
    const isToken = (token: string) => (request: { headers: { authorization?: string | undefined } }) =>
      request.headers.authorization === `Bearer ${token}` ? vector([]) : { status: 401, body: 'who?' };

    it('with a token that is read anew for every request', async () => {
      let token = 'old';
      const client = open({ auth: { kind: 'bearer', token: () => token } });
      store.answer = isToken('old');
      await ask(client);
      token = 'new';
      store.answer = isToken('new');
      await ask(client);
      expect(store.requests).toHaveLength(2);
    });

    it('and one refusal does not shut a client out permanently', async () => {
      const client = open({ auth: { kind: 'basic', user: () => 'me', password: () => 'secret' } });
      store.answer = () => ({ status: 403, body: 'not you' });
      for (let turn = 0; turn < 20; turn += 1)
        await expect(ask(client)).rejects.toMatchObject({ kind: 'auth', status: 403 });
      // One request each: asking again with the same password would be knocking at a shut door.
      expect(store.requests).toHaveLength(20);
      store.answer = () => vector([]);
      await ask(client);
      expect(store.requests.at(-1)?.headers.authorization).toBe(`Basic ${Buffer.from('me:secret').toString('base64')}`);
    });

    it('once more with a secret that was replaced on the way', async () => {
      const tokens = ['old', 'new', 'new'];
      const client = open({ auth: { kind: 'bearer', token: () => tokens.shift() ?? 'new' } });
      store.answer = isToken('new');
      await ask(client);
      expect(store.requests).toHaveLength(2);
    });

    it('with a token that it exchanged, and fetches another when it is refused', async () => {
      let valid = 't1';
      let issued = 0;
      store.answer = (request) => {
        if (request.path !== '/token') return isToken(valid)(request);
        issued += 1;
        return { body: JSON.stringify({ access_token: `t${issued}`, expires_in: 3600 }) };
      };
      const exchangeUrl = `${store.url}/token`;
      const client = open({
        auth: { kind: 'token-exchange', exchangeUrl, user: () => 'me', password: () => 'secret' },
      });
      await ask(client);
      await ask(client);
      expect(store.requests.map((request) => request.path)).toEqual(['/token', '/api/v1/query', '/api/v1/query']);
      valid = 't2';
      await ask(client);
      expect(issued).toBe(2);
      expect(store.requests.slice(3).map((request) => request.path)).toEqual([
        '/api/v1/query',
        '/token',
        '/api/v1/query',
      ]);
    });

    it('never in the clear, except to this machine', () => {
      const bearer = { auth: { kind: 'bearer', token: () => 'x' } } as const;
      expect(() => open({ ...bearer, url: 'http://prometheus:9090' })).toThrow(
        /credentials would be readable on the way; use https/,
      );
      expect(() => open({ ...bearer, url: 'http://127.evil.example' })).toThrow(
        /credentials would be readable on the way; use https/,
      );
      for (const url of ['https://prometheus:9090', 'http://localhost:9090', 'http://127.0.0.1:1', 'http://[::1]:1']) {
        expect(() => open({ ...bearer, url }), url).not.toThrow();
      }
      const exchange = {
        kind: 'token-exchange',
        exchangeUrl: 'http://id/token',
        user: () => 'me',
        password: () => 'x',
      } as const;
      expect(() => open({ auth: exchange, url: 'https://prometheus' })).toThrow(
        /on id, and credentials would be readable/,
      );
      expect(() => open({ url: 'http://me:secret@prometheus' })).toThrow(/has a user or password in its URL/);
      expect(() => open({ url: 'http://169.254.169.254' })).toThrow(/link-local/);
      expect(() => open({ url: 'file:///etc/passwd' })).toThrow(/only http: and https: are spoken/);
    });
  });
});

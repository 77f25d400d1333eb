import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { InvocationRequest } from '../../../../src/platform/model/invocation.ts';
import { PlatformError } from '../../../../src/platform/model/platform-error.ts';
import { invocationOf } from '../native/scripted-engine.ts';
import { aFaasServer, type RunningFaasServer } from './a-faas-server.ts';

const NAMES = [
  'fibonacci',
  'transform',
  'hash',
  'sort',
  'sleep',
  'matrix',
  'regex',
  'compress',
  'primes',
  'contention',
  'fanout',
];

describe('the FaaS server', () => {
  let server: RunningFaasServer;
  const calls: InvocationRequest[] = [];
  const answer = (of: (request: InvocationRequest, index: number) => string) => {
    server.engine.onInvoke = async (request) => {
      calls.push(request);
      return invocationOf(request, { body: Buffer.from(of(request, calls.length - 1)) });
    };
  };
  const raw = async (method: string, path: string, body?: string | Uint8Array) => {
    const response = await fetch(server.url + path, { method, ...(body === undefined ? {} : { body }) });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };

  beforeEach(async () => {
    calls.length = 0;
    server = await aFaasServer();
    answer(() => '{"ok":true}');
  });
  afterEach(() => server.stop());

  it('health is OK in plain text', async () => {
    const { status, headers, text } = await raw('GET', '/health');
    expect([status, headers.get('content-type'), text]).toEqual([200, 'text/plain; charset=utf-8', 'OK']);
  });

  it('lists the eleven functions in the order of the table', async () => {
    const { status, headers, body } = await server.ask('GET', '/fn/list');
    expect([status, headers.get('content-type'), body]).toEqual([200, 'application/json', { functions: NAMES }]);
  });

  describe('a call', () => {
    it('gives the function its parameters, and answers what it answered with the time that it took', async () => {
      answer(() => '{"rounds":5000,"hash":"4d98"}');
      const { status, headers, body } = await server.ask('POST', '/fn/invoke/hash', { rounds: 5_000 });
      expect([status, headers.get('content-type')]).toEqual([200, 'application/json']);
      expect(body).toEqual({ rounds: 5_000, hash: '4d98', latency_ms: expect.any(Number) });
      expect(body.latency_ms).toBeGreaterThanOrEqual(0);
      expect(calls).toMatchObject([{ versionId: server.versionOf('hash'), source: 'http', depth: 0 }]);
      expect(Buffer.from(calls[0]!.payload).toString()).toBe('{"rounds":5000}');
    });

    it('has no parameters when there is no body', async () => {
      await server.ask('POST', '/fn/invoke/sleep');
      expect(Buffer.from(calls[0]!.payload).toString()).toBe('{}');
    });

    it('of an unknown function is 404, whatever its name is made of', async () => {
      for (const [path, name] of [
        ['nothing', 'nothing'],
        ['a%22%7D', 'a"}'],
        ['__proto__', '__proto__'],
        ['constructor', 'constructor'],
        ['%E2%98%83', '☃'],
      ]) {
        const { status, body } = await server.ask('POST', `/fn/invoke/${path}`, {});
        expect([status, body]).toEqual([404, { error: `unknown function: ${name}` }]);
      }
      expect(calls).toEqual([]);
    });

    it('by GET is not allowed', async () => {
      const { status, headers, body } = await server.ask('GET', '/fn/invoke/hash');
      expect([status, headers.get('allow'), body]).toEqual([405, 'POST', { error: 'only POST is understood here' }]);
    });

    const failing = (error: Error) => {
      server.engine.onInvoke = () => Promise.reject(error);
      return server.ask('POST', '/fn/invoke/hash', { rounds: 'many' });
    };

    it.each(['handler-failed', 'timeout', 'crashed', 'out-of-memory', 'init-failed', 'unreachable'] as const)(
      'that ends as %s is 500 with what the function said',
      async (code) => {
        const { status, body } = await failing(new PlatformError(code, `it is ${code}`));
        expect([status, body]).toEqual([500, { error: `it is ${code}` }]);
      },
    );

    it.each(['overloaded', 'queue-full', 'wait-timeout', 'memory-exhausted', 'stopping'] as const)(
      'that finds no room (%s) is 503 and says when to come back',
      async (code) => {
        const { status, headers, body } = await failing(new PlatformError(code, 'full'));
        expect([status, body]).toEqual([503, { error: 'full' }]);
        expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      },
    );

    it('that meets a fault of ours says nothing of it', async () => {
      const { status, body } = await failing(new Error('secret'));
      expect([status, body]).toEqual([500, { error: 'something went wrong here; see the log' }]);
    });

    it('passes integers of 64 bits on digit by digit', async () => {
      answer(() => '{"threads":8,"iterations":300,"result":-3600314368224432112}');
      const { text } = await raw('POST', '/fn/invoke/contention');
      expect(text).toMatch(/^\{"threads":8,"iterations":300,"result":-3600314368224432112,"latency_ms":[0-9.]+\}$/);
    });

    it('puts its members behind no comma where there was nothing before, and what is no object beside them', async () => {
      answer(() => '{ }');
      expect((await server.ask('POST', '/fn/invoke/hash')).body).toEqual({ latency_ms: expect.any(Number) });
      answer(() => '[1]');
      expect((await server.ask('POST', '/fn/invoke/hash')).body).toEqual({
        result: [1],
        latency_ms: expect.any(Number),
      });
    });

    it('is as deep as the function that made it says', async () => {
      const headers = { 'x-starling-depth': '3' };
      await server.ask('POST', '/fn/invoke/hash', {}, headers);
      await server.ask('POST', '/fn/burst/hash?count=1', {}, headers);
      await server.ask('POST', '/fn/chain', { chain: ['hash'] }, headers);
      expect(calls.map(({ depth }) => depth)).toEqual([3, 3, 3]);
      const { status, body } = await server.ask('POST', '/fn/invoke/hash', {}, { 'x-starling-depth': 'deep' });
      expect([status, Object.keys(body)]).toEqual([400, ['error']]);
      server.engine.onInvoke = () => Promise.reject(new PlatformError('depth-exceeded', 'too deep'));
      expect((await server.ask('POST', '/fn/invoke/hash')).body).toEqual({ error: 'too deep' });
    });

    it('ends when its caller goes away', async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.engine.onInvoke = (request) =>
        new Promise((_, reject) => {
          request.signal?.addEventListener('abort', () => {
            resolve();
            reject(request.signal?.reason);
          });
          controller.abort();
        });
      const controller = new AbortController();
      const gone = fetch(`${server.url}/fn/invoke/sleep`, { method: 'POST', signal: controller.signal });
      await expect(gone).rejects.toThrow();
      await promise;
    });
  });

  describe('bad input', () => {
    it.each([
      ['POST', '/fn/invoke/hash', '{', 400, /^the body is not JSON/],
      ['POST', '/fn/invoke/hash', '[1]', 400, 'body must be a JSON object of parameters'],
      ['POST', '/fn/invoke/hash', '7', 400, 'body must be a JSON object of parameters'],
      ['POST', '/fn/burst/hash', 'null', 400, 'body must be a JSON object of parameters'],
      ['POST', '/fn/burst/hash?count=0', undefined, 400, 'count must be a whole number from 1 to 100'],
      ['POST', '/fn/burst/hash?count=101', undefined, 400, 'count must be a whole number from 1 to 100'],
      ['POST', '/fn/burst/hash?count=1e2', undefined, 400, 'count must be a whole number from 1 to 100'],
      ['POST', '/fn/burst/hash?count=', undefined, 400, 'count must be a whole number from 1 to 100'],
      ['POST', '/fn/burst/nothing', undefined, 404, 'unknown function: nothing'],
      ['POST', '/fn/warmpool/hash?size=-1', undefined, 400, 'size must be a whole number from 1 to 64'],
      ['POST', '/fn/warmpool/hash?size=65', undefined, 400, 'size must be a whole number from 1 to 64'],
      ['POST', '/fn/warmpool/nothing?size=1', undefined, 404, 'unknown function: nothing'],
      ['POST', '/fn/chain', undefined, 400, "body must contain 'chain' array of function names"],
      ['POST', '/fn/chain', '[]', 400, "body must contain 'chain' array of function names"],
      ['POST', '/fn/chain', '{"chain":"hash"}', 400, "body must contain 'chain' array of function names"],
      ['POST', '/fn/chain', '{"chain":[1]}', 400, "'chain' must hold names of functions"],
      ['POST', '/fn/chain', '{"chain":["hash","nothing"]}', 404, 'unknown function in chain: nothing'],
      ['POST', '/fn/chain', '{"chain":["hash"],"params":[]}', 400, "'params' must be a JSON object"],
      ['POST', '/fn/chain', JSON.stringify({ chain: Array(101).fill('hash') }), 400, /100 functions at most/],
      ['GET', '/fn/chain', undefined, 405, 'only POST is understood here'],
      ['DELETE', '/fn/list', undefined, 405, 'only GET, HEAD is understood here'],
      ['PUT', '/fn/warmpool/hash', undefined, 405, 'only POST, DELETE is understood here'],
      ['GET', '/fn/nothing', undefined, 404, 'there is no such path'],
      ['POST', '/fn/invoke/', undefined, 404, 'there is no such path'],
      ['POST', '/fn/invoke/hash/more', undefined, 404, 'there is no such path'],
      ['POST', '/fn/invoke/%zz', undefined, 404, 'there is no such path'],
      ['POST', '/fn/invoke/:name', undefined, 404, 'unknown function: :name'],
      ['GET', '/', undefined, 404, 'there is no such path'],
    ] as const)('%s %s %s is %i', async (method, path, body, status, error) => {
      const reply = await raw(method, path, body);
      expect(reply.status).toBe(status);
      expect(reply.headers.get('content-type')).toBe('application/json');
      const told = JSON.parse(reply.text);
      expect(Object.keys(told)).toEqual(['error']);
      if (typeof error === 'string') expect(told.error).toBe(error);
      else expect(told.error).toMatch(error);
      expect(calls).toEqual([]);
    });

    it('a body of more than 1 MiB is refused, declared or not', async () => {
      const large = Buffer.alloc(1024 * 1024 + 1, 0x20);
      const declared = await raw('POST', '/fn/invoke/hash', large);
      expect([declared.status, declared.headers.get('connection')]).toEqual([413, 'close']);
      expect(JSON.parse(declared.text)).toEqual({ error: 'a body is 1048576 bytes at most' });
      const chunked = await fetch(`${server.url}/fn/invoke/hash`, {
        method: 'POST',
        body: new ReadableStream({
          start: (controller) => {
            controller.enqueue(large);
            controller.close();
          },
        }),
        duplex: 'half',
      } as RequestInit);
      expect(chunked.status).toBe(413);
      expect(calls).toEqual([]);
    });

    it('pages of other sites may read and not call', async () => {
      const from = (origin: string) => ({ origin });
      for (const [method, path] of [
        ['POST', '/fn/invoke/hash'],
        ['POST', '/fn/burst/hash?count=100'],
        ['POST', '/fn/chain'],
        ['POST', '/fn/warmpool/hash'],
        ['DELETE', '/fn/warmpool/hash'],
      ] as const) {
        const { status, body } = await server.ask(method, path, undefined, from('http://elsewhere.example'));
        expect([status, body]).toEqual([403, { error: 'pages of other sites may not do this' }]);
      }
      expect(calls).toEqual([]);
      expect((await server.ask('GET', '/fn/list', undefined, from('null'))).status).toBe(200);
      expect((await server.ask('POST', '/fn/invoke/hash', {}, from(server.url))).status).toBe(200);
    });

    it('what is no HTTP does not end the server', async () => {
      const { port } = new URL(server.url);
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), '127.0.0.1', () => socket.end('nonsense\r\n\r\n'));
        socket.resume().once('close', () => resolve());
      });
      expect((await raw('GET', '/health')).text).toBe('OK');
    });
  });

  describe('a burst', () => {
    it('calls the function so often at once, with the same parameters', async () => {
      const { promise: all, resolve } = Promise.withResolvers<void>();
      server.engine.onInvoke = async (request) => {
        if (calls.push(request) === 10) resolve();
        await all;
        return invocationOf(request, { body: Buffer.from(`{"of":${calls.length}}`) });
      };
      const { status, body } = await server.ask('POST', '/fn/burst/hash?count=10', { rounds: 7 });
      expect(status).toBe(200);
      expect(body).toEqual({
        function: 'hash',
        count: 10,
        total_ms: expect.any(Number),
        results: Array(10).fill({ of: 10 }),
      });
      expect(new Set(calls.map(({ payload }) => Buffer.from(payload).toString()))).toEqual(new Set(['{"rounds":7}']));
      expect(new Set(calls.map(({ source }) => source))).toEqual(new Set(['burst']));
    });

    it('is of five unless the request says otherwise', async () => {
      const { body } = await server.ask('POST', '/fn/burst/primes');
      expect([body.count, body.results.length, calls.length]).toEqual([5, 5, 5]);
    });

    it('passes integers of 64 bits on digit by digit', async () => {
      answer(() => '{"result":-7160730123352628112}');
      const { text } = await raw('POST', '/fn/burst/contention?count=2');
      expect(text).toContain('"results":[{"result":-7160730123352628112},{"result":-7160730123352628112}]}');
    });

    it('of which one fails is 200 with the error instead of results, and the others are ended', async () => {
      let ended = 0;
      server.engine.onInvoke = (request) => {
        if (calls.push(request) === 3) return Promise.reject(new PlatformError('handler-failed', 'the third fails'));
        return new Promise((_, reject) => {
          request.signal?.addEventListener('abort', () => {
            ended += 1;
            reject(request.signal?.reason);
          });
        });
      };
      const { status, body } = await server.ask('POST', '/fn/burst/hash?count=4');
      expect(status).toBe(200);
      expect(body).toEqual({ function: 'hash', count: 4, total_ms: expect.any(Number), error: 'the third fails' });
      expect(ended).toBe(3);
    });
  });

  describe('a chain', () => {
    it('runs one step after the other, and gives each what the one before answered', async () => {
      let running = 0;
      server.engine.onInvoke = async (request) => {
        calls.push(request);
        running += 1;
        expect(running).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return invocationOf(request, { body: Buffer.from(`{"step":${calls.length},"big":9007199254740993}`) });
      };
      const request = { chain: ['hash', 'sort', 'fibonacci'], params: { rounds: 3 } };
      const { status, body } = await server.ask('POST', '/fn/chain', request);
      expect(status).toBe(200);
      expect(body).toMatchObject({
        chain_length: 3,
        total_ms: expect.any(Number),
        steps: [
          { function: 'hash', latency_ms: expect.any(Number), result: { step: 1 } },
          { function: 'sort', result: { step: 2 } },
          { function: 'fibonacci', result: { step: 3 } },
        ],
      });
      expect(calls.map(({ versionId }) => server.nameOf(versionId))).toEqual(['hash', 'sort', 'fibonacci']);
      expect(calls.map(({ payload }) => Buffer.from(payload).toString())).toEqual([
        '{"rounds":3}',
        '{"step":1,"big":9007199254740993}',
        '{"step":2,"big":9007199254740993}',
      ]);
    });

    it('of which a step fails is 200 with the error and the steps that were done', async () => {
      server.engine.onInvoke = async (request) => {
        if (calls.push(request) === 2) throw new PlatformError('handler-failed', 'no');
        return invocationOf(request, { body: Buffer.from('{}') });
      };
      const { status, body } = await server.ask('POST', '/fn/chain', { chain: ['hash', 'sort', 'primes'] });
      expect(status).toBe(200);
      expect(body).toEqual({
        chain_length: 3,
        total_ms: expect.any(Number),
        error: 'no',
        steps: [{ function: 'hash', latency_ms: expect.any(Number), result: {} }],
      });
      expect(calls.length).toBe(2);
    });

    it('of nothing has no steps', async () => {
      const { status, body } = await server.ask('POST', '/fn/chain', { chain: [] });
      expect([status, body]).toEqual([200, { chain_length: 0, total_ms: expect.any(Number), steps: [] }]);
    });
  });

  it('stats count calls, failed ones too, and steps of chains, but not what bursts are made of', async () => {
    const nothing = Object.fromEntries(NAMES.map((name) => [name, { invocations: 0, avg_latency_ms: 0 }]));
    const first = await server.ask('GET', '/fn/stats');
    expect([first.status, Object.keys(first.body), first.body]).toEqual([200, NAMES, nothing]);
    await server.ask('POST', '/fn/invoke/hash');
    await server.ask('POST', '/fn/burst/hash?count=3');
    await server.ask('POST', '/fn/chain', { chain: ['hash', 'sort'] });
    await server.ask('POST', '/fn/invoke/nothing');
    server.engine.onInvoke = () => Promise.reject(new PlatformError('handler-failed', 'no'));
    await server.ask('POST', '/fn/invoke/hash');
    const { body } = await server.ask('GET', '/fn/stats');
    expect(body).toMatchObject({ ...nothing, hash: { invocations: 3 }, sort: { invocations: 1 } });
    expect(String(body.hash.avg_latency_ms)).toMatch(/^\d+(\.\d{1,2})?$/);
  });

  it('has profiles where they are switched on, and says how they are where they are not', async () => {
    const off = await raw('GET', '/debug/pprof/profile?seconds=1');
    expect([off.status, JSON.parse(off.text).error]).toEqual([404, expect.stringContaining('--profile')]);
    await server.stop();
    server = await aFaasServer({ profiling: { types: ['cpu'] } });
    const index = await raw('GET', '/debug/pprof/');
    expect([index.status, index.text]).toEqual([200, expect.stringContaining('/debug/pprof/profile')]);
    const { status, headers, text } = await raw('GET', '/debug/pprof/profile?seconds=1');
    expect([status, headers.get('content-type')]).toEqual([200, 'application/octet-stream']);
    expect(text.length).toBeGreaterThan(0);
    const metrics = await raw('GET', '/metrics');
    expect(metrics.text).toContain('{method="GET",route="/debug/pprof/*",code="200"} 2');
    expect((await raw('GET', '/debug/pprofile')).status).toBe(404);
  });

  describe('the metrics page', () => {
    const page = async () => (await raw('GET', '/metrics')).text;
    const value = (text: string, series: string) =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${series} `))
          ?.split(' ')[1] ?? Number.NaN,
      );

    it('is Prometheus text', async () => {
      const { status, headers, text } = await raw('GET', '/metrics');
      expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
      for (const line of text.trimEnd().split('\n')) {
        expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"\n]*",?)+\})? (\d+(\.\d+)?(e[+-]?\d+)?|\+Inf))$/);
      }
      for (const name of ['process_resident_memory_bytes', 'nodejs_heap_size_used_bytes', 'process_threads']) {
        expect(value(text, name)).toBeGreaterThan(0);
      }
    });

    it('counts requests by route and code, and never by what callers make up', async () => {
      await server.ask('POST', '/fn/invoke/hash');
      await server.ask('POST', '/fn/invoke/nothing');
      await server.ask('GET', '/no/such/path"');
      await server.ask('PROPFIND', '/fn/list');
      const text = await page();
      const requests = 'vertx_http_server_requests_total';
      expect(value(text, `${requests}{method="POST",route="/fn/invoke/:name",code="200"}`)).toBe(1);
      expect(value(text, `${requests}{method="POST",route="/fn/invoke/:name",code="404"}`)).toBe(1);
      expect(value(text, `${requests}{method="GET",route="unknown",code="404"}`)).toBe(1);
      expect(value(text, `${requests}{method="other",route="/fn/list",code="405"}`)).toBe(1);
      const time = 'vertx_http_server_response_time_seconds';
      const labels = '{method="POST",route="/fn/invoke/:name",code="200"}';
      expect(value(text, `${time}_count${labels}`)).toBe(1);
      expect(value(text, `${time}_sum${labels}`)).toBeGreaterThan(0);
      expect(value(text, `${time}_max${labels}`)).toBe(value(text, `${time}_sum${labels}`));
    });

    it('has every function before its first call', async () => {
      const text = await page();
      for (const name of NAMES) {
        expect(value(text, `faas_calls_total{function="${name}",start="cold"}`)).toBe(0);
        expect(value(text, `faas_warm_pool_instances{function="${name}"}`)).toBe(0);
      }
    });

    it('adds up processor time that never falls', async () => {
      const before = value(await page(), 'process_cpu_seconds_total');
      const after = value(await page(), 'process_cpu_seconds_total');
      expect(before).toBeGreaterThan(0);
      expect(after).toBeGreaterThanOrEqual(before);
    });
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PLATFORM_ERROR_CODES, PlatformError } from '../../../../src/platform/model/platform-error.ts';
import { instanceOf, invocationOf, poolOf } from '../native/scripted-engine.ts';
import { anOrchestrator, HELLO } from './an-orchestrator.ts';

let running: Awaited<ReturnType<typeof anOrchestrator>>;
beforeEach(async () => {
  running = await anOrchestrator();
});
afterEach(() => running.stop());

const ask = (...args: Parameters<typeof running.ask>) => running.ask(...args);
const register = (definition?: object) => running.register(definition);
const returned = (value: unknown) => {
  running.engine.onInvoke = async (request) =>
    invocationOf(request, {
      requestId: request.requestId ?? '',
      instanceId: 'inst-42',
      body: Buffer.from(JSON.stringify(value)),
      waitedMs: 100,
      ranMs: 56,
      memoryUsedMb: 127.6,
      logs: ['a line of the handler'],
    });
};
const failed = (error: unknown) => {
  running.engine.onInvoke = async () => {
    throw error;
  };
};

describe('the pages of the orchestrator', () => {
  it('say what it is, how many functions it has, and where things are', async () => {
    await register();
    expect(await ask('GET', '/')).toMatchObject({
      status: 200,
      body: {
        name: 'Serverless Orchestrator',
        version: '1.0.0',
        functions: 1,
        endpoints: {
          functions: '/functions',
          invoke: '/functions/{id}/invoke',
          warm: '/functions/{id}/warm',
          metrics: '/metrics',
          health: '/health',
        },
      },
    });
  });

  it('say that it is healthy', async () => {
    expect(await ask('GET', '/health')).toMatchObject({ status: 200, body: { status: 'healthy' } });
  });

  it('answer HEAD as GET, without the body', async () => {
    const { status, text, headers } = await ask('HEAD', '/health');
    expect([status, text, headers.get('content-length')]).toEqual([200, '', '20']);
  });

  it.each([
    ['GET', '/nowhere'],
    ['GET', '/functions/a/b/c'],
    ['POST', '/%'],
    ['GET', '//'],
    ['GET', '/healthy'],
  ])('answer %s %s with 404', async (method, path) => {
    expect(await ask(method, path)).toMatchObject({ status: 404, body: { error: 'Not Found' } });
  });

  it('say which methods a path has', async () => {
    const id = await register();
    for (const [method, path, allow] of [
      ['POST', '/health', 'GET'],
      ['DELETE', '/functions', 'GET, POST'],
      ['PUT', `/functions/${id}`, 'GET, PATCH, DELETE'],
      ['GET', `/functions/${id}/invoke`, 'POST'],
      ['GET', `/functions/${id}/warm`, 'POST'],
      ['POST', '/metrics', 'GET'],
      ['GET', '/queues/q', 'POST'],
    ] as const) {
      const { status, body, headers } = await ask(method, path);
      expect({ status, body, allow: headers.get('allow') }).toEqual({
        status: 405,
        body: { error: 'Method Not Allowed' },
        allow,
      });
    }
  });

  it('list functions in pages where there are many, and where their source is long', async () => {
    const small = [await register(), await register(), await register()];
    const idsOf = (body: { functions: { id: string }[] }) => body.functions.map(({ id }) => id);
    const first = (await ask('GET', '/functions?limit=2')).body;
    expect([idsOf(first), first.next]).toEqual([small.slice(0, 2), small[1]]);
    expect((await ask('GET', `/functions?limit=2&after=${first.next}`)).body).toEqual({
      functions: [expect.objectContaining({ id: small[2] })],
    });
    for (const query of ['limit=0', 'limit=1001', 'limit=x', 'after=nobody']) {
      expect((await ask('GET', `/functions?${query}`)).status).toBe(400);
    }
    const code = `// ${'x'.repeat(4_000_000)}`;
    const large: string[] = [];
    for (let made = 0; made < 6; made += 1) large.push(await register({ ...HELLO, code: `${code}${made}` }));
    const all = (await ask('GET', '/functions')).body;
    expect([idsOf(all), all.next]).toEqual([[...small, ...large.slice(0, 5)], large[4]]);
    expect(idsOf((await ask('GET', `/functions?after=${all.next}`)).body)).toEqual(large.slice(5));
  });

  it('are written for people where people read them', async () => {
    const id = await register();
    for (const path of ['/functions', `/functions/${id}`, '/metrics']) {
      const { text, body } = await ask('GET', path);
      expect(text).toBe(JSON.stringify(body, undefined, 2));
    }
    const made = await ask('POST', '/functions', HELLO);
    expect(made.text).toBe(JSON.stringify(made.body, undefined, 2));
    const invoked = await ask('POST', `/functions/${id}/invoke`);
    expect(invoked.text).toBe(JSON.stringify(invoked.body, undefined, 2));
  });
});

describe('registering', () => {
  it('answers with the definition, an id and two times', async () => {
    const { status, body, headers } = await ask('POST', '/functions', HELLO);
    expect(status).toBe(201);
    expect(body).toEqual({
      ...HELLO,
      id: expect.stringMatching(/^fn-\d{13}-[0-9a-z]{9}$/),
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: body.createdAt,
    });
    expect(headers.get('location')).toBe(`/functions/${body.id}`);
    expect(Math.abs(Number(body.id.split('-')[1]) - Date.now())).toBeLessThan(60_000);
  });

  it('lists them, and finds each by its id', async () => {
    const first = await register();
    const second = await register({ name: 'other', runtime: 'python', code: 'def handler(event, context): return 1' });
    const { body } = await ask('GET', '/functions');
    expect(body.functions.map(({ id, name }: { id: string; name: string }) => [id, name])).toEqual([
      [first, 'hello-world'],
      [second, 'other'],
    ]);
    expect((await ask('GET', `/functions/${second}`)).body).toEqual(body.functions[1]);
    expect(await ask('GET', '/functions/fn-0-none')).toMatchObject({
      status: 404,
      body: { error: 'Function not found' },
    });
  });

  it('lets several have one name', async () => {
    expect(await register()).not.toBe(await register());
    expect((await ask('GET', '/functions')).body.functions).toHaveLength(2);
  });

  it.each(['node', 'python', 'go', 'rust'])('takes %s', async (runtime) => {
    const id = await register({ runtime });
    expect((await ask('GET', `/functions/${id}`)).body.runtime).toBe(runtime);
  });

  it('needs no more than a name', async () => {
    const { status, body } = await ask('POST', '/functions', { name: 'bare' });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      runtime: 'node',
      handler: 'index.handler',
      code: '',
      timeout: 30_000,
      memory: 128,
      environment: {},
      triggers: [],
    });
  });

  it.each<[string, unknown, string]>([
    ['no JSON', '{"name":', 'Invalid request body'],
    ['nothing', undefined, 'Invalid request body'],
    ['a list', [], 'the function must be an object'],
    ['no name', { ...HELLO, name: undefined }, 'name must be text'],
    ['a name that climbs', { ...HELLO, name: '../x' }, 'name must be 1 to 140 letters'],
    ['a runtime that nobody has', { ...HELLO, runtime: 'cobol' }, 'runtime must be node, python, go, rust'],
    ['a runtime that is a path', { ...HELLO, runtime: '/bin/sh' }, 'runtime must be the name of a runtime'],
    ['a handler outside', { ...HELLO, handler: '../../etc/passwd' }, 'handler names a file by a path that'],
    ['no time', { ...HELLO, timeout: 0 }, 'timeout must be 1 or more'],
    ['memory as text', { ...HELLO, memory: '128' }, 'memory must be a whole number'],
    ['an environment of numbers', { ...HELLO, environment: { A: 1 } }, 'environment.A must be text'],
    ['a name of no variable', { ...HELLO, environment: { 'A=B': '1' } }, 'environment.A=B'],
    ['code as an object', { ...HELLO, code: {} }, 'code must be text'],
    ['code with a NUL', { ...HELLO, code: 'a\0b' }, 'NUL'],
    ['triggers as an object', { ...HELLO, triggers: {} }, 'triggers must be a list'],
    ['a field that nobody knows', { ...HELLO, timeuot: 5 }, 'the function has fields that nobody knows here: timeuot'],
  ])('refuses %s in its own words', async (_, body, error) => {
    const reply = await ask('POST', '/functions', body);
    expect(reply).toMatchObject({ status: 400, body: { error: expect.stringContaining(error) } });
    expect((await ask('GET', '/functions')).body.functions).toEqual([]);
  });

  it('refuses bodies that are too large', async () => {
    expect(await ask('POST', '/functions', { ...HELLO, code: ' '.repeat(11 * 2 ** 20) })).toMatchObject({
      status: 413,
      body: { error: expect.stringContaining('bytes at most') },
    });
    expect(await ask('POST', '/functions', { ...HELLO, code: ' '.repeat(5 * 2 ** 20) })).toMatchObject({
      status: 413,
      body: { error: expect.stringContaining('the source has') },
    });
  });

  it('takes nothing from pages of other sites', async () => {
    const from = (origin: string) => ask('POST', '/functions', HELLO, { origin });
    for (const origin of ['http://evil.example', 'null', 'http://localhost:1']) {
      expect(await from(origin)).toMatchObject({ status: 403, body: { error: expect.stringContaining('Forbidden') } });
    }
    // A page of its own, also where something in front of it speaks TLS.
    for (const origin of [running.url, running.url.replace('http', 'https')])
      expect((await from(origin)).status).toBe(201);
    expect((await ask('GET', '/health', undefined, { origin: 'http://evil.example' })).status).toBe(200);
  });

  it('warms ahead where that is asked for', async () => {
    const id = await register({ prewarm: 3 });
    expect(running.engine.commands).toContainEqual(['warm', running.versionOf(id), 3, 'prewarm']);
  });

  it('takes the settings of the pool, and shows those that were set', async () => {
    const pool = { keepWarm: 3, idleTtlMs: 5_000, queueDepth: 7, ageMaxMs: null };
    const id = await register({ pool, concurrency: 4 });
    expect((await ask('GET', `/functions/${id}`)).body).toMatchObject({ pool, concurrency: 4 });
    expect(running.platform.registry.version(running.versionOf(id))?.pool).toMatchObject({
      keepWarm: 3,
      idleTtlMs: 5_000,
      ageMaxMs: undefined,
      queueDepth: 7,
      freeBesideBusy: 2,
    });
  });

  it('keeps functions of other dialects to themselves', async () => {
    const { registry } = running.platform;
    const { launch, pool } = registry.version(running.versionOf(await register()))!;
    const { record } = registry.create({
      namespace: 'native',
      name: 'theirs',
      launch,
      pool,
      code: { kind: 'source', text: '' },
    });
    const path = `/functions/${record.functionId}`;
    expect((await ask('GET', '/functions')).body.functions).toHaveLength(1);
    expect((await ask('GET', '/metrics')).body.metrics).toHaveLength(1);
    for (const [method, at] of [
      ['GET', path],
      ['DELETE', path],
      ['POST', `${path}/invoke`],
      ['POST', `${path}/warm`],
    ] as const) {
      expect((await ask(method, at)).status).toBe(404);
    }
  });
});

describe('changing and deleting', () => {
  it('keeps the id and the beginning, and makes a version of new code', async () => {
    const id = await register();
    const before = (await ask('GET', `/functions/${id}`)).body;
    const { status, body } = await ask('PATCH', `/functions/${id}`, {
      code: 'exports.handler = () => 2',
      timeout: 5_000,
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      ...before,
      code: 'exports.handler = () => 2',
      timeout: 5_000,
      updatedAt: expect.any(String),
    });
    expect(Date.parse(body.updatedAt)).toBeGreaterThanOrEqual(Date.parse(before.updatedAt));
    const { versions } = (await ask('GET', `/functions/${id}/versions`)).body;
    expect(versions).toMatchObject([
      { version: 1, isActive: false },
      { version: 2, isActive: true },
    ]);
  });

  it('keeps the ten newest versions', async () => {
    const id = await register();
    const { registry } = running.platform;
    const [first] = registry.versionsOf(registry.find(id)?.functionId ?? '');
    for (let change = 2; change <= 13; change += 1) {
      expect((await ask('PATCH', `/functions/${id}`, { code: `exports.handler = () => ${change}` })).status).toBe(200);
    }
    const { versions } = (await ask('GET', `/functions/${id}/versions`)).body;
    expect(versions.map(({ version }: { version: number }) => version)).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    expect(running.engine.commands).toContainEqual(['retire', first?.versionId]);
    expect((await ask('GET', `/functions/${id}`)).body.code).toBe('exports.handler = () => 13');
  });

  it('makes no version of a name, or of the settings of its pool', async () => {
    const id = await register();
    const { body } = await ask('PATCH', `/functions/${id}`, { name: 'renamed', pool: { keepWarm: 1 } });
    expect(body).toMatchObject({ id, name: 'renamed', pool: { keepWarm: 1 } });
    expect((await ask('GET', `/functions/${id}/versions`)).body.versions).toHaveLength(1);
    expect((await ask('PATCH', `/functions/${id}`, { code: HELLO.code })).status).toBe(200);
    expect((await ask('GET', `/functions/${id}/versions`)).body.versions).toHaveLength(1);
  });

  it('leaves everything as it was when the change is refused', async () => {
    const id = await register();
    const before = (await ask('GET', `/functions/${id}`)).body;
    for (const change of [
      { timeout: -1 },
      { code: 'a\0' },
      { name: 'x', triggers: [{ type: 'schedule', config: {} }] },
      { code: 'a\0', triggers: [{ type: 'http', config: { path: '/a' } }] },
    ]) {
      expect((await ask('PATCH', `/functions/${id}`, change)).status).toBe(400);
    }
    expect((await ask('GET', `/functions/${id}`)).body).toEqual(before);
  });

  it('deletes once, with its instances', async () => {
    const id = await register();
    const versionId = running.versionOf(id);
    expect(await ask('DELETE', `/functions/${id}`)).toMatchObject({ status: 200, body: { status: 'deleted' } });
    expect(running.engine.commands).toContainEqual(['retire', versionId]);
    for (const method of ['DELETE', 'GET']) {
      expect(await ask(method, `/functions/${id}`)).toMatchObject({
        status: 404,
        body: { error: 'Function not found' },
      });
    }
  });

  it('loses nothing in a restart', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'starling-orchestrator-'));
    try {
      const first = await anOrchestrator({ dataDir });
      const definition = { ...HELLO, pool: { keepWarm: 1 } };
      const id = await first.register(definition);
      const before = (await first.ask('GET', '/functions')).body;
      await first.stop();
      const second = await anOrchestrator({ dataDir });
      expect((await second.ask('GET', '/functions')).body).toEqual(before);
      expect(before.functions[0]).toMatchObject({ ...definition, id });
      await second.stop();
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});

describe('invoking', () => {
  it('describes the call around what the handler returned', async () => {
    const id = await register();
    returned({ statusCode: 201, body: JSON.stringify({ message: 'Hello from serverless!' }) });
    const { status, body } = await ask('POST', `/functions/${id}/invoke`, { name: 'World' });
    expect(status).toBe(201);
    expect(body).toEqual({
      requestId: expect.stringMatching(/^req-\d{13}-[0-9a-z]{9}$/),
      statusCode: 201,
      body: { message: 'Hello from serverless!' },
      logs: [
        `[START] Request ${body.requestId}`,
        `[INFO] Function: hello-world (${id})`,
        '[INFO] Instance: inst-42',
        'a line of the handler',
        `[END] Request ${body.requestId}`,
      ],
      duration: 156,
      memoryUsed: 128,
      coldStart: true,
    });
    expect(Object.keys(body)).toEqual([
      'requestId',
      'statusCode',
      'body',
      'logs',
      'duration',
      'memoryUsed',
      'coldStart',
    ]);
  });

  it('hands the payload on as it came; none is an empty object', async () => {
    const id = await register();
    for (const [sent, expected] of [
      ['{"a": 1}', { a: 1 }],
      ['[1,2]', [1, 2]],
      ['"text"', 'text'],
      [undefined, {}],
      ['', {}],
    ] as const) {
      expect((await ask('POST', `/functions/${id}/invoke`, sent)).body.body).toEqual(expected);
    }
  });

  it('has no body where HTTP allows none', async () => {
    const id = await register();
    returned({ statusCode: 204, body: 'x' });
    expect(await ask('POST', `/functions/${id}/invoke`)).toMatchObject({ status: 204, text: '' });
  });

  it('knows no other functions, and takes only JSON', async () => {
    expect(await ask('POST', '/functions/fn-1-none/invoke', {})).toMatchObject({
      status: 404,
      body: { error: 'Error: Function not found: fn-1-none' },
    });
    const id = await register();
    expect(await ask('POST', `/functions/${id}/invoke`, 'no json')).toMatchObject({
      status: 400,
      body: { error: 'Invalid request body' },
    });
    expect(await ask('POST', `/functions/${id}/invoke`, `"${'x'.repeat(6 * 2 ** 20)}"`)).toMatchObject({ status: 413 });
  });

  it('describes a call that failed as it describes others', async () => {
    const id = await register();
    const { body: _, ...facts } = invocationOf(
      { versionId: 'v', payload: Buffer.alloc(0), source: 'http', depth: 0 },
      { requestId: 'req-7', instanceId: 'inst-7', logs: ['so far'] },
    );
    const thrown = { errorType: 'TypeError', message: 'no', stack: '/secret/path' };
    failed(new PlatformError('handler-failed', 'no', { facts, thrown }));
    const { status, body, text } = await ask('POST', `/functions/${id}/invoke`);
    expect(status).toBe(500);
    expect(body).toMatchObject({
      error: 'TypeError: no',
      requestId: 'req-7',
      coldStart: true,
      logs: [
        '[START] Request req-7',
        `[INFO] Function: hello-world (${id})`,
        '[INFO] Instance: inst-7',
        'so far',
        '[ERROR] TypeError: no',
        '[END] Request req-7',
      ],
    });
    expect(text).not.toContain('/secret/path');
  });

  it('has a status and its own shape for everything that can go wrong', async () => {
    const id = await register();
    for (const code of PLATFORM_ERROR_CODES) {
      failed(new PlatformError(code, `it was ${code}`));
      const { status, body } = await ask('POST', `/functions/${id}/invoke`);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(body).toEqual({ error: `it was ${code}` });
    }
    failed(new PlatformError('overloaded', 'full'));
    expect((await ask('POST', `/functions/${id}/invoke`)).headers.get('retry-after')).toBe('1');
  });

  it('says nothing of errors of its own', async () => {
    const id = await register();
    failed(new Error('/secret/path'));
    expect(await ask('POST', `/functions/${id}/invoke`)).toMatchObject({
      status: 500,
      body: { error: 'Internal Server Error' },
    });
  });

  it('passes on how deep functions call each other', async () => {
    const id = await register();
    let depth = -1;
    running.engine.onInvoke = async (request) => {
      depth = request.depth;
      return invocationOf(request);
    };
    await ask('POST', `/functions/${id}/invoke`, {}, { 'x-starling-depth': '3' });
    expect(depth).toBe(3);
    expect((await ask('POST', `/functions/${id}/invoke`, {}, { 'x-starling-depth': 'x' })).status).toBe(400);
  });
});

describe('warming and watching', () => {
  it('makes two instances and answers when they are warm', async () => {
    const id = await register();
    expect(await ask('POST', `/functions/${id}/warm`)).toMatchObject({ status: 200, body: { status: 'warmed' } });
    expect(running.engine.commands).toContainEqual(['warm', running.versionOf(id), 2, 'manual']);
    expect(await ask('POST', '/functions/fn-1-none/warm')).toMatchObject({
      status: 404,
      body: { error: 'Function not found' },
    });
  });

  it('says why a function cannot be warmed', async () => {
    const id = await register();
    running.engine.onWarm = async () => {
      throw new PlatformError('init-failed', 'SyntaxError: Unexpected identifier');
    };
    expect(await ask('POST', `/functions/${id}/warm`)).toMatchObject({
      status: 500,
      body: { error: 'SyntaxError: Unexpected identifier' },
    });
  });

  it('counts the instances of every function, used or not', async () => {
    const id = await register();
    const other = await register({ name: 'idle' });
    const versionId = running.versionOf(id);
    running.engine.snapshotOf.set(
      versionId,
      poolOf(versionId, {
        instances: (['warm', 'warm', 'busy', 'terminating'] as const).map((state) => instanceOf({ state })),
      }),
    );
    expect((await ask('GET', '/metrics')).body).toEqual({
      metrics: [
        { functionId: id, functionName: 'hello-world', total: 3, warm: 2, busy: 1 },
        { functionId: other, functionName: 'idle', total: 0, warm: 0, busy: 0 },
      ],
    });
  });

  it('counts calls, cold starts, errors, times, queue and memory', async () => {
    const id = await register();
    const versionId = running.versionOf(id);
    await ask('POST', `/functions/${id}/invoke`);
    failed(new PlatformError('queue-full', 'full'));
    await ask('POST', `/functions/${id}/invoke`);
    running.engine.snapshotOf.set(
      versionId,
      poolOf(versionId, {
        waiting: 4,
        coldCalls: 1,
        warmCalls: 3,
        // 19 below 1 ms, one between 5 and 10 ms.
        latencyCounts: [18, 0, 2],
        reservedBytes: 192 * 2 ** 20,
        spawned: { lazy: 2, manual: 1 },
        stopped: 1,
        instances: [instanceOf({ rssBytes: 40 * 2 ** 20 })],
      }),
    );
    const { body } = await ask('GET', `/functions/${id}/stats`);
    expect(body).toMatchObject({
      functionId: id,
      total: 1,
      queued: 4,
      invocations: 2,
      errors: 1,
      errorRate: 0.5,
      coldStarts: 1,
      coldStartRate: 0.25,
      p95ResponseMs: 7.5,
      memoryMb: 40,
      memoryReservedMb: 192,
      instancesStarted: 3,
      instancesStopped: 1,
    });
    expect(body.averageResponseMs).toBeGreaterThanOrEqual(0);
    expect((await ask('GET', '/stats')).body.stats).toEqual([body]);
  });

  it('has no figures where there were no calls', async () => {
    const id = await register();
    expect((await ask('GET', `/functions/${id}/stats`)).body).toMatchObject({
      invocations: 0,
      errorRate: 0,
      coldStartRate: 0,
      averageResponseMs: null,
      p95ResponseMs: null,
      executionMs: 0,
    });
  });

  it('keeps its lines, and bounds how many are asked for', async () => {
    const id = await register();
    const other = await register({ name: 'other' });
    await ask('POST', `/functions/${id}/invoke`);
    const lines = async (path: string) =>
      (await ask('GET', path)).body.logs.map((each: { message: string }) => each.message);
    expect(await lines(`/functions/${id}/logs`)).toEqual([
      `[REGISTRY] Registered function: hello-world (${id})`,
      expect.stringMatching(new RegExp(`^\\[ROUTER\\] Request \\S+ for ${id} \\(http\\) on inst-0: ok, cold, 13.8ms$`)),
    ]);
    await ask('PATCH', `/functions/${other}`, { name: 'another' });
    await ask('DELETE', `/functions/${other}`);
    expect(await lines('/logs?limit=2')).toEqual([
      `[REGISTRY] Updated function: ${other}`,
      `[REGISTRY] Deleted function: ${other}`,
    ]);
    for (const limit of ['0', '1001', '-1', 'x', '']) {
      expect((await ask('GET', `/logs?limit=${limit}`)).status).toBe(400);
    }
  });
});

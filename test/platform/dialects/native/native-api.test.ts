import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { InvocationRequest } from '../../../../src/platform/model/invocation.ts';
import { PLATFORM_ERROR_CODES, PlatformError } from '../../../../src/platform/model/platform-error.ts';
import { makeZip } from '../../registry/make-zip.ts';
import { aPlatform, type RunningPlatform } from './a-platform.ts';
import { instanceOf, invocationOf, poolOf } from './scripted-engine.ts';

const HELLO = { name: 'hello', runtime: 'node24', code: 'exports.handler = async (event) => event' };

let running: RunningPlatform;
beforeEach(async () => {
  running = await aPlatform();
});
afterEach(() => running.platform.stop({ graceMs: 0 }));

const ask = (...args: Parameters<RunningPlatform['ask']>) => running.ask(...args);
const register = async (more: object = {}) => (await ask('POST', '/v1/functions', { ...HELLO, ...more })).body;

describe('registering a function', () => {
  it('returns it whole, with its first version, and finds it by id and by name', async () => {
    const reply = await ask('POST', '/v1/functions', {
      ...HELLO,
      environment: { B: '2', A: '1' },
      pool: { keepWarm: 1 },
    });
    expect(reply.status).toBe(201);
    expect(reply.headers.get('location')).toBe(`/v1/functions/${reply.body.function.functionId}`);
    expect(reply.body).toMatchObject({
      function: { name: 'hello', namespace: 'native', account: 'local', status: 'ACTIVE' },
      version: {
        number: 1,
        status: 'ACTIVE',
        runtime: 'node24',
        handler: 'index.handler',
        timeoutMs: 30_000,
        memoryMb: 128,
        concurrency: 1,
        environmentNames: ['A', 'B'],
        pool: { keepWarm: 1, instancesMin: 0, reuse: 'warm' },
      },
    });
    expect(JSON.stringify(reply.body)).not.toContain('"2"');
    for (const id of [reply.body.function.functionId, 'hello']) {
      expect((await ask('GET', `/v1/functions/${id}`)).body.function).toEqual(reply.body.function);
    }
  });

  it('takes source, files and a zip', async () => {
    const zip = makeZip([{ name: 'index.js', content: 'exports.handler = 1' }]).toString('base64');
    const codes = [{ source: 'exports.handler = 1' }, { files: { 'index.js': 'exports.handler = 1' } }, { zip }];
    for (const [index, code] of codes.entries()) {
      expect((await ask('POST', '/v1/functions', { ...HELLO, name: `f${index}`, code })).status).toBe(201);
    }
    const { registry } = running.platform;
    const kinds = [...registry.versions()].map((version) => registry.codeOf(version).kind);
    expect(kinds).toEqual(['source', 'files', 'files']);
  });

  it('looks at base64 in one go, however long what is wrong with it is', async () => {
    const zip = `${' '.repeat(200_000)}!`;
    const beganMs = performance.now();
    const reply = await ask('POST', '/v1/functions', { ...HELLO, code: { zip } });
    expect(reply.status).toBe(400);
    expect(performance.now() - beganMs).toBeLessThan(5_000);
  });

  it.each<[string, object, string]>([
    ['a zip behind signs that are not of base64', { code: { zip: 'AA=A' } }, '/code'],
    ['a name with a slash', { name: '../x' }, '/name'],
    ['a name that a terminal obeys', { name: 'a\u001b[2J' }, '/name'],
    ['no name', { name: undefined }, '/name'],
    ['a long name', { name: 'x'.repeat(141) }, '/name'],
    ['a runtime that is a path', { runtime: '/bin/sh' }, '/runtime'],
    ['a handler that climbs out', { handler: '../../etc/passwd' }, '/handler'],
    ['an absolute handler', { handler: '/etc/passwd' }, '/handler'],
    ['no time', { timeoutMs: 0 }, '/timeoutMs'],
    ['memory as text', { memoryMb: '128' }, '/memoryMb'],
    ['an environment name with a sign', { environment: { 'A=B': 'x' } }, '/environment/A=B'],
    ['an environment value with a NUL', { environment: { A: 'a\0b' } }, '/environment/A'],
    ['a huge environment', { environment: { A: 'x'.repeat(70_000) } }, '/environment'],
    ['a misspelt setting', { pool: { keepwarm: 1 } }, '/pool'],
    ['a negative queue', { pool: { queueDepth: -1 } }, '/pool/queueDepth'],
    ['inverted bounds', { pool: { instancesMin: 9, instancesMax: 3 } }, '/pool/instancesMin'],
    ['code that is a number', { code: 7 }, '/code'],
    ['a zip that is none', { code: { zip: 'AAAA' } }, '/code'],
    ['a bundle that climbs out', { code: { files: { '../x': '' } } }, '/code'],
    ['a policy that cannot work', { policy: { kind: 'steps', up: { factor: 0.5 } } }, '/policy'],
  ])('refuses %s, with the field, and keeps nothing', async (_, more, pointer) => {
    const reply = await ask('POST', '/v1/functions', { ...HELLO, ...more });
    expect(reply.status).toBe(400);
    expect(reply.headers.get('content-type')).toBe('application/problem+json');
    expect(reply.body.errors[0].pointer.startsWith(pointer)).toBe(true);
    expect(running.platform.registry.functions()).toEqual([]);
  });

  it.each(['{', '[]', 'null', '"text"', ''])('refuses the body %j', async (text) => {
    expect((await ask('POST', '/v1/functions', Buffer.from(text))).status).toBe(400);
  });

  it('answers 409 for a name that is taken', async () => {
    await register();
    expect(await ask('POST', '/v1/functions', HELLO)).toMatchObject({ status: 409, body: { type: 'name-taken' } });
  });

  it('pollutes nothing', async () => {
    const text = JSON.stringify(HELLO).replace('{', '{"__proto__":{"polluted":1},');
    await ask('POST', '/v1/functions', Buffer.from(text));
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });
});

describe('a version', () => {
  it('takes what it does not say from the one before, and becomes the active one', async () => {
    const first = await register({ timeoutMs: 5_000, environment: { A: '1' } });
    const path = `/v1/functions/${first.function.functionId}/versions`;
    const { body } = await ask('POST', path, { memoryMb: 256 });
    expect(body.version).toMatchObject({ number: 2, memoryMb: 256, timeoutMs: 5_000, environmentNames: ['A'] });
    expect(body.version.codeHash).toBe(first.version.codeHash);
    expect(body.version.deployId).not.toBe(first.version.deployId);
    const { body: after } = await ask('GET', `/v1/functions/hello`);
    expect(after.function.activeVersionId).toBe(body.version.versionId);
    const back = await ask('PATCH', '/v1/functions/hello', { activeVersionId: first.version.versionId });
    expect(back.body.function.activeVersionId).toBe(first.version.versionId);
    expect((await ask('DELETE', `${path}/${body.version.versionId}`)).status).toBe(204);
    expect((await ask('DELETE', `${path}/${first.version.versionId}`)).status).toBe(409);
  });

  it('changes its pool, policy and status', async () => {
    const { function: made, version } = await register();
    const path = `/v1/functions/${made.functionId}/versions/${version.versionId}`;
    const policy = { kind: 'target', target: 0.6 };
    const { body } = await ask('PATCH', path, { pool: { instancesMax: 9 }, policy, status: 'INACTIVE' });
    expect(body.version).toMatchObject({ status: 'INACTIVE', policy, pool: { instancesMax: 9, queueDepth: 1_000 } });
    expect(running.engine.commands).toContainEqual(['retire', version.versionId]);
    expect((await ask('PATCH', path, {})).status).toBe(400);
    expect((await ask('PATCH', path, { policy: null })).body.version.policy).toBeNull();
  });

  it('is DEPLOYING until it was seen to start, and ERRORED when it does not', async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    running.engine.onWarm = () => promise;
    const made = await register({ prewarm: 2 });
    expect(made.version.status).toBe('DEPLOYING');
    expect(running.engine.commands).toContainEqual(['warm', made.version.versionId, 2, 'prewarm']);
    resolve(2);
    const status = async (name: string) => (await ask('GET', `/v1/functions/${name}`)).body.versions[0];
    await expect.poll(async () => (await status('hello')).status).toBe('ACTIVE');
    running.engine.onWarm = async () => {
      throw new PlatformError('init-failed', 'Cannot find module x');
    };
    await register({ name: 'broken', prewarm: 1 });
    await expect
      .poll(async () => await status('broken'))
      .toMatchObject({ status: 'ERRORED', statusDetail: 'Cannot find module x' });
  });

  it('of another function is not found', async () => {
    const one = await register({ name: 'one' });
    const two = await register({ name: 'two' });
    const reply = await ask('GET', `/v1/functions/${one.function.functionId}/versions/${two.version.versionId}`);
    expect(reply).toMatchObject({ status: 404, body: { type: 'version-unknown' } });
  });
});

describe('calling a function', () => {
  it('passes the bytes on and back as they are, and says what happened in headers', async () => {
    const { version } = await register();
    const seen: InvocationRequest[] = [];
    running.engine.onInvoke = async (request) => {
      seen.push(request);
      return invocationOf(request, { body: Buffer.from([0, 255, 10]) });
    };
    const payload = Buffer.from([1, 2, 0, 200]);
    const response = await fetch(`${running.url}/v1/functions/hello/invoke`, { method: 'POST', body: payload });
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from([0, 255, 10]));
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-starling-request-id': 'request-1',
      'x-starling-instance': 'inst-0',
      'x-starling-cold': 'true',
      'x-starling-waited-ms': '12.35',
      'x-starling-ran-ms': '1.50',
    });
    expect(seen).toMatchObject([{ versionId: version.versionId, source: 'http', depth: 0 }]);
    expect(Buffer.from(seen[0]?.payload ?? [])).toEqual(payload);
  });

  it('reaches an older version by its own path, and takes an empty body', async () => {
    const { version } = await register();
    await ask('POST', '/v1/functions/hello/versions', { memoryMb: 64 });
    const called: string[] = [];
    running.engine.onInvoke = async (request) => {
      called.push(request.versionId);
      return invocationOf(request);
    };
    await ask('POST', `/v1/functions/hello/versions/${version.versionId}/invoke`);
    expect(called).toEqual([version.versionId]);
  });

  it('passes on how deep the call is', async () => {
    await register();
    let depth = -1;
    running.engine.onInvoke = async (request) => {
      depth = request.depth;
      return invocationOf(request);
    };
    await ask('POST', '/v1/functions/hello/invoke', {}, { 'x-starling-depth': '3' });
    expect(depth).toBe(3);
    expect((await ask('POST', '/v1/functions/hello/invoke', {}, { 'x-starling-depth': '-1' })).status).toBe(400);
  });

  it.each(PLATFORM_ERROR_CODES)('answers %s with a problem of that name', async (code) => {
    await register();
    running.engine.onInvoke = async () => {
      throw new PlatformError(code, `because of ${code}`);
    };
    const reply = await ask('POST', '/v1/functions/hello/invoke', {});
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(reply.headers.get('content-type')).toBe('application/problem+json');
    expect(reply.body).toMatchObject({ type: code, status: reply.status, detail: `because of ${code}` });
    if ([429, 503].includes(reply.status)) expect(reply.headers.get('retry-after')).toMatch(/^[0-9]+$/);
  });

  it('returns what the handler threw, and what it wrote before', async () => {
    await register();
    running.engine.onInvoke = async (request) => {
      const { body: _, ...facts } = invocationOf(request, { logs: ['about to fail'] });
      const thrown = { errorType: 'RangeError', message: 'too far', stack: 'RangeError: too far\n  at x' };
      throw new PlatformError('handler-failed', 'RangeError: too far', { facts, thrown });
    };
    expect((await ask('POST', '/v1/functions/hello/invoke', {})).body).toMatchObject({
      type: 'handler-failed',
      thrown: { errorType: 'RangeError', message: 'too far' },
      logs: ['about to fail'],
      instanceId: 'inst-0',
    });
  });

  it('says nothing of faults that are its own', async () => {
    await register();
    running.engine.onInvoke = async () => {
      throw new TypeError('the secret inside');
    };
    const reply = await ask('POST', '/v1/functions/hello/invoke', {});
    expect([reply.status, JSON.stringify(reply.body)]).toEqual([500, expect.not.stringContaining('secret')]);
  });

  it.each([
    '/v1/functions/nobody/invoke',
    '/v1/functions/%zz/invoke',
    '/v1/functions//invoke',
    '/v1/functions/a/b/invoke',
  ])('answers 404 at %s', async (path) => {
    await register();
    expect((await ask('POST', path, {})).status).toBe(404);
  });

  it('refuses a payload that is too large, said beforehand or not, and lives on', async () => {
    await running.platform.stop({ graceMs: 0 });
    running = await aPlatform({ payloadMaxBytes: 1_000 });
    await register();
    expect(await ask('POST', '/v1/functions/hello/invoke', Buffer.alloc(1_001))).toMatchObject({
      status: 413,
      body: { type: 'payload-too-large' },
    });
    const unsaid = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest(`${running.url}/v1/functions/hello/invoke`, { method: 'POST' }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.on('error', reject);
      request.write(Buffer.alloc(800));
      request.write(Buffer.alloc(800));
      request.end();
    });
    expect(unsaid).toBe(413);
    expect((await ask('POST', '/v1/functions/hello/invoke', Buffer.alloc(1_000))).status).toBe(200);
  });

  it('ends the call when its caller has gone', async () => {
    await register();
    const { promise: aborted, resolve } = Promise.withResolvers<boolean>();
    running.engine.onInvoke = (request) =>
      new Promise((_, reject) => {
        request.signal?.addEventListener('abort', () => {
          resolve(true);
          reject(request.signal?.reason);
        });
      });
    const { port, hostname } = new URL(running.url);
    const socket = connect(Number(port), hostname);
    socket.write('POST /v1/functions/hello/invoke HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}');
    await expect.poll(() => running.platform.registry.functions().length).toBe(1);
    setTimeout(() => socket.destroy(), 50);
    expect(await aborted).toBe(true);
  });

  it('serves many calls on one connection', async () => {
    await register();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number | undefined>();
    for (let call = 0; call < 5; call += 1) {
      await new Promise<void>((resolve, reject) => {
        const request = httpRequest(
          `${running.url}/v1/functions/hello/invoke`,
          { method: 'POST', agent },
          (response) => {
            ports.add(response.socket.localPort);
            response.resume().on('end', resolve);
          },
        );
        request.on('error', reject).end(`{"call":${call}}`);
      });
    }
    agent.destroy();
    expect(ports.size).toBe(1);
  });
});

describe('looking at the platform', () => {
  it('lists functions in pages, by namespace', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await register({ name });
    const names: string[] = [];
    for (let after = ''; ; ) {
      const { body } = await ask('GET', `/v1/functions?limit=2&after=${after}`);
      names.push(...body.functions.map((each: { name: string }) => each.name));
      if (body.next === null) break;
      after = body.next;
    }
    expect(names.sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect((await ask('GET', '/v1/functions?namespace=builtin')).body.functions).toEqual([]);
    expect((await ask('GET', '/v1/functions?namespace=mine')).status).toBe(400);
    expect((await ask('GET', '/v1/functions?limit=0')).status).toBe(400);
  });

  it('shows instances, calls and numbers', async () => {
    const { version, function: made } = await register();
    const instances = [instanceOf({ state: 'busy', running: 1 })];
    running.engine.snapshotOf.set(version.versionId, poolOf(version.versionId, { instances, running: 1 }));
    await ask('POST', '/v1/functions/hello/invoke', { secret: 'payload' });
    running.engine.onInvoke = async () => {
      throw new PlatformError('timeout', 'took longer than 3 s');
    };
    await ask('POST', '/v1/functions/hello/invoke', {});
    expect((await ask('GET', '/v1/instances')).body.instances).toMatchObject([
      { instanceId: 'inst-0', state: 'busy', versionId: version.versionId },
    ]);
    expect((await ask('GET', `/v1/functions/${made.functionId}/instances`)).body.instances).toHaveLength(1);
    const { body: calls } = await ask('GET', '/v1/functions/hello/invocations');
    expect(calls.invocations).toMatchObject([
      { outcome: 'timeout', message: 'took longer than 3 s' },
      { outcome: 'ok', isCold: true, requestBytes: 20, responseBytes: 20 },
    ]);
    expect(JSON.stringify(calls)).not.toContain('secret');
    expect((await ask('GET', '/v1/stats')).body.versions).toMatchObject([
      { versionId: version.versionId, calls: 2, cold: 1, warm: 0, failed: { timeout: 1 }, instances: 1 },
    ]);
  });

  it('warms by hand', async () => {
    const { version } = await register();
    expect((await ask('POST', '/v1/functions/hello/warm', { count: 3 })).body).toEqual({
      versionId: version.versionId,
      warm: 3,
    });
    expect((await ask('POST', '/v1/functions/hello/warm')).body.warm).toBe(1);
    expect(running.engine.commands).toContainEqual(['warm', version.versionId, 3, 'manual']);
    expect((await ask('POST', '/v1/functions/hello/warm', { count: 65 })).status).toBe(400);
  });

  it('deletes', async () => {
    const { version } = await register();
    expect((await ask('DELETE', '/v1/functions/hello')).status).toBe(204);
    expect((await ask('GET', '/v1/functions/hello')).status).toBe(404);
    expect((await ask('DELETE', '/v1/functions/hello')).status).toBe(404);
    expect(running.engine.commands).toContainEqual(['retire', version.versionId]);
    expect((await register()).function.name).toBe('hello');
  });

  it('says who it is and how it is', async () => {
    expect((await ask('GET', '/')).body).toMatchObject({ name: 'Starling platform', version: '1.2.3' });
    expect((await ask('GET', '/health')).body).toEqual({ status: 'healthy' });
  });

  it.each<[string, string, number]>([
    ['GET', '/v1', 404],
    ['GET', '/v1/nothing', 404],
    ['GET', '/v1/functions/hello/nothing', 404],
    ['GET', '/v1/functions/hello/versions/x/y/z', 404],
    ['PUT', '/v1/functions', 405],
    ['PUT', '/v1/functions/hello', 405],
    ['GET', '/v1/functions/hello/warm', 405],
    ['POST', '/v1/stats', 405],
    ['POST', '/', 404],
    ['GET', '/v1/functions/%ff', 404],
    ['GET', '//', 404],
  ])('answers %s %s with %d, as a problem', async (method, path, status) => {
    await register();
    const reply = await ask(method, path);
    expect([reply.status, reply.headers.get('content-type')]).toEqual([status, 'application/problem+json']);
    expect(reply.body.status).toBe(status);
  });

  it('is not brought down by what is no HTTP', async () => {
    const { port, hostname } = new URL(running.url);
    for (const text of [
      '\0\0\0\0\r\n\r\n',
      'GET',
      'POST // HTTP/1.1\r\nhost: localhost\r\n\r\n',
      `GET /${'x'.repeat(40_000)} HTTP/1.1\r\n\r\n`,
    ]) {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => {}).resume();
      socket.end(text);
      await new Promise((resolve) => socket.once('close', resolve));
    }
    expect((await ask('GET', '/health')).status).toBe(200);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Code, LaunchSettings } from '../../../../src/platform/model/function-record.ts';
import { ABackend, answer, call } from '../../../support/platform/a-backend.ts';

/** A runtime of few lines in Node: what a compiled one does, and what it should not. */
const RUNTIME = `#!${process.execPath}
const http = require('node:http');
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new http.Agent({ keepAlive: true });
function ask(method, path, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, agent, method, path: '/2018-06-01/runtime/' + path, headers }, (response) => {
      const pieces = [];
      response.on('data', (piece) => pieces.push(piece));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces).toString() }));
    });
    request.on('error', reject);
    if (typeof body === 'function') body(request); else request.end(body);
  });
}
async function serve(handle) {
  setInterval(() => {}, 1_000);
  for (;;) {
    const { headers, body } = await ask('GET', 'invocation/next');
    const id = headers['lambda-runtime-aws-request-id'];
    await handle(id, JSON.parse(body), headers);
  }
}
`;

describe('an executable that speaks the Lambda Runtime API', () => {
  let rig: ABackend;
  beforeAll(() => {
    rig = new ABackend({ deafMs: 500 });
  });
  afterAll(() => rig.close());

  const executable = (body: string, launch: Partial<LaunchSettings> = {}) =>
    rig.start(rig.version(RUNTIME + body, { runtime: 'provided.al2023', handler: 'bootstrap', ...launch }));

  it.each(['go', 'rust', 'provided.al2'])('B44 serves calls one after another (%s)', async (runtime) => {
    const instance = await executable(
      `serve((id, event, headers) => { console.log('got', id); return ask('POST', 'invocation/' + id + '/response', JSON.stringify({ event, id, left: headers['lambda-runtime-deadline-ms'] - Date.now() })) })`,
      { runtime },
    );
    for (let n = 0; n < 5; n++) {
      const got = (await answer(instance, { n }, { requestId: `r-${n}` })) as { left: number };
      expect(got).toMatchObject({ event: { n }, id: `r-${n}` });
      expect(got.left).toBeGreaterThan(0);
      expect(got.left).toBeLessThanOrEqual(10_000);
      expect(instance.logTail()).toEqual([`got r-${n}`]);
    }
    await instance.stop({ graceMs: 0 });
  });

  it('takes a bundle, and runs the file that the handler names', async () => {
    const code: Code = {
      kind: 'files',
      files: new Map([
        [
          'main',
          Buffer.from(
            `${RUNTIME}serve((id) => ask('POST', 'invocation/' + id + '/response', JSON.stringify(require('./data.json'))))`,
          ),
        ],
        ['data.json', Buffer.from('{"a":1}')],
      ]),
    };
    const instance = await rig.start(rig.version(code, { runtime: 'go', handler: 'main' }));
    expect(await answer(instance)).toEqual({ a: 1 });
    await instance.stop({ graceMs: 0 });
  });

  it('reports the errors that the function posts, and serves on', async () => {
    const instance = await executable(
      `serve((id) => ask('POST', 'invocation/' + id + '/error', JSON.stringify({ errorType: 'Mine', errorMessage: 'no', stackTrace: ['a', 'b'] })))`,
    );
    for (let n = 0; n < 2; n++) {
      expect(await call(instance)).toEqual({ kind: 'handler-failed', errorType: 'Mine', message: 'no', stack: 'a\nb' });
    }
    await instance.stop({ graceMs: 0 });
  });

  it('reports an error that the function posts before its first call', async () => {
    await expect(
      executable(
        `ask('POST', 'init/error', JSON.stringify({ errorType: 'Mine', errorMessage: 'no config' })).then(() => process.exit(1))`,
      ),
    ).rejects.toMatchObject({ code: 'init-failed', message: expect.stringContaining('Mine: no config') });
  });

  it.each([['exits before it asks', 'console.error("no config"); process.exit(9)', /exited with code 9: no config/]])(
    'does not start when it %s',
    async (_, body, message) => {
      await expect(executable(body)).rejects.toMatchObject({
        code: 'init-failed',
        message: expect.stringMatching(message),
      });
    },
  );

  it('does not start when the system cannot run it', async () => {
    const code: Code = {
      kind: 'files',
      files: new Map([['bootstrap', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0])]]),
    };
    await expect(rig.start(rig.version(code, { runtime: 'provided' }))).rejects.toMatchObject({ code: 'init-failed' });
    const script = rig.version('#!/not/there\n', { runtime: 'provided' });
    await expect(rig.start(script)).rejects.toMatchObject({ code: 'init-failed' });
  });

  it('a result over the limit is counted and not kept', async () => {
    const instance = await executable(
      `serve(async (id) => { const { status } = await ask('POST', 'invocation/' + id + '/response', 'x'.repeat(7e6)); console.log(status) })`,
    );
    expect(await call(instance)).toEqual({ kind: 'result-too-large', bytes: 7_000_000 });
    await instance.stop({ graceMs: 0 });
  });

  it('B27 streams what is posted as a stream', async () => {
    const instance = await executable(
      `serve((id) => ask('POST', 'invocation/' + id + '/response', async (request) => {
        request.write('a'); await new Promise((r) => setTimeout(r, 50)); request.write('b'); await new Promise((r) => setTimeout(r, 50)); request.end();
      }, { 'Lambda-Runtime-Function-Response-Mode': 'streaming', 'Transfer-Encoding': 'chunked' }))`,
    );
    const chunks: string[] = [];
    const end = await call(instance, {}, { onChunk: (chunk) => void chunks.push(Buffer.from(chunk).toString()) });
    expect(chunks).toEqual(['a', 'b']);
    expect(end).toEqual({ kind: 'result', body: Buffer.alloc(0), streamedBytes: 2 });
    await instance.stop({ graceMs: 0 });
  });

  it('holds a stream up while the caller cannot take more', async () => {
    const instance = await executable(
      `serve((id) => ask('POST', 'invocation/' + id + '/response', async (request) => {
        for (let n = 0; n < 400; n++) if (!request.write('x'.repeat(100_000))) await new Promise((r) => request.once('drain', r));
        request.end();
      }, { 'Lambda-Runtime-Function-Response-Mode': 'streaming', 'Transfer-Encoding': 'chunked' }))`,
      { memoryMb: 256 },
    );
    const held = Promise.withResolvers<void>();
    const first = Promise.withResolvers<void>();
    let takenBytes = 0;
    const stream = call(
      instance,
      {},
      {
        onChunk: (chunk) => {
          const isFirst = takenBytes === 0;
          takenBytes += chunk.length;
          first.resolve();
          return isFirst ? held.promise : undefined;
        },
      },
    );
    await first.promise;
    // It goes on until what lies between is full and then waits: 40 MB do not fit into it.
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(takenBytes).toBeLessThan(5_000_000);
    held.resolve();
    expect(await stream).toMatchObject({ kind: 'result' });
    expect(takenBytes).toBe(40_000_000);
    await instance.stop({ graceMs: 0 });
  });

  it('refuses answers to calls that are not its own', async () => {
    const instance = await executable(
      `serve(async (id) => { const { status, body } = await ask('POST', 'invocation/other/response', '1'); await ask('POST', 'invocation/' + id + '/response', JSON.stringify([status, JSON.parse(body).errorType])) })`,
    );
    expect(await answer(instance)).toEqual([400, 'InvalidRequestID']);
    await instance.stop({ graceMs: 0 });
  });

  it('ends as a crash when it dies, or asks on without an answer; as a timeout when it takes too long', async () => {
    const dying = await executable('serve(() => process.exit(2))');
    expect(await call(dying)).toMatchObject({ kind: 'crashed', detail: 'the process exited with code 2' });
    const silent = await executable('serve(() => {})');
    expect(await call(silent)).toMatchObject({
      kind: 'crashed',
      detail: expect.stringContaining('without having answered'),
    });
    await silent.stop({ graceMs: 0 });
    const slow = await executable('serve(() => new Promise(() => {}))');
    expect(await call(slow, {}, { timeoutMs: 700 })).toEqual({ kind: 'timeout' });
    await slow.exited;
  });

  it('one that does not ask for the next call is deaf: it was not reached', async () => {
    const instance = await executable(
      `serve(async (id) => { await ask('POST', 'invocation/' + id + '/response', '1'); await new Promise(() => {}) })`,
    );
    expect(await answer(instance)).toBe(1);
    expect(await call(instance)).toEqual({ kind: 'not-reached', detail: 'the instance did not react' });
    await instance.exited;
  });
});

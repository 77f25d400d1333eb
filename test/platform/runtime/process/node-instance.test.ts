import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Code } from '../../../../src/platform/model/function-record.ts';
import type { ChildCall } from '../../../../src/platform/runtime/instance-backend.ts';
import { ABackend, answer, call } from '../../../support/platform/a-backend.ts';

describe('a Node instance', () => {
  let rig: ABackend;
  beforeAll(() => {
    rig = new ABackend();
  });
  afterAll(() => rig.close());

  it.each([
    ['exports.handler', 'exports.handler = (event) => ({ got: event })'],
    ['an async function', 'exports.handler = async (event) => ({ got: event })'],
    ['module.exports', 'module.exports = (event) => ({ got: event })'],
    ['an ES module', 'export const handler = async (event) => ({ got: event })'],
    ['a default export', 'export default (event) => ({ got: event })'],
    ['a default object', 'export default { handler: (event) => ({ got: event }) }'],
    ['a module that awaits', 'await null; import "node:fs"; export const handler = (event) => ({ got: event })'],
    ['a callback', 'exports.handler = (event, context, done) => { setTimeout(done, 1, null, { got: event }) }'],
    ['a thenable', 'exports.handler = (event) => ({ then: (resolve) => resolve({ got: event }) })'],
  ])('A93 serves %s', async (_, source) => {
    const instance = await rig.node(source);
    expect(await answer(instance, { a: [1, 'ä€😀'] })).toEqual({ got: { a: [1, 'ä€😀'] } });
    await instance.stop({ graceMs: 0 });
  });

  it('keeps its state between calls, one after another', async () => {
    const instance = await rig.node('let n = 0; exports.handler = () => ++n');
    for (let n = 1; n <= 50; n++) expect(await answer(instance)).toBe(n);
    await instance.stop({ graceMs: 0 });
  });

  it('takes {} for an empty payload, and answers null for nothing', async () => {
    const instance = await rig.node('exports.handler = (event) => Object.keys(event).length === 0 ? undefined : 1');
    expect(await answer(instance, '')).toBeNull();
    await instance.stop({ graceMs: 0 });
  });

  it('tells the handler who it is and how much time is left', async () => {
    const instance = await rig.node(
      'exports.handler = (_, c) => [c.awsRequestId, c.functionName, c.instanceId, c.getRemainingTimeInMillis()]',
    );
    const [requestId, name, instanceId, left] = (await answer(instance, {}, { timeoutMs: 5_000 })) as [
      string,
      string,
      string,
      number,
    ];
    expect([requestId, name, instanceId]).toEqual(['request-1', 'a-function', 'instance-1']);
    expect(left).toBeGreaterThan(1_000);
    expect(left).toBeLessThanOrEqual(5_000);
    await instance.stop({ graceMs: 0 });
  });

  it('C31 sees its own environment and nothing of ours', async () => {
    process.env['STARLING_TEST_SECRET'] = 'ours';
    const instance = await rig.node('exports.handler = () => process.env', {
      environment: { MINE: 'yes', HOME: '/root' },
    });
    const seen = (await answer(instance)) as Record<string, string>;
    delete process.env['STARLING_TEST_SECRET'];
    expect(seen).toMatchObject({ MINE: 'yes', AWS_LAMBDA_FUNCTION_NAME: 'a-function' });
    expect(seen['HOME']).toContain(rig.folder);
    expect(seen['TMPDIR']).toContain(rig.folder);
    expect(Object.values(seen)).not.toContain('ours');
    const known = /^(?:MINE|PATH|LANG|TZ|HOME|TMPDIR|LAMBDA_TASK_ROOT|_HANDLER|AWS_LAMBDA_.*)$/;
    expect(Object.keys(seen).filter((name) => !known.test(name))).toEqual([]);
    await instance.stop({ graceMs: 0 });
  });

  it('P5 runs a bundle of files in its own folder, by paths of its own', async () => {
    const files: Code = {
      kind: 'files',
      files: new Map(
        Object.entries({
          'package.json': '{"type":"module"}',
          'src/app.js':
            'import { twice } from "../lib/twice.js"; import { readFileSync } from "node:fs"; export const run = (e) => [twice(e.n), readFileSync("data.txt", "utf8")]',
          'lib/twice.js': 'export const twice = (n) => 2 * n',
          'data.txt': 'hello',
        }).map(([path, text]) => [path, Buffer.from(text)]),
      ),
    };
    const instance = await rig.start(rig.version(files, { handler: 'src/app.run' }));
    expect(await answer(instance, { n: 21 })).toEqual([42, 'hello']);
    await instance.stop({ graceMs: 0 });
  });

  it('P3 C41 answers for code that is no program', async () => {
    const instance = await rig.node('code', { runtime: 'python3' });
    expect(await answer(instance, { name: 'World' })).toEqual({
      message: 'Function executed successfully',
      functionName: 'a-function',
      instanceId: 'instance-1',
      payload: { name: 'World' },
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
    await instance.stop({ graceMs: 0 });
  });

  it('passes payloads and results of any size up to the limit, whole', async () => {
    const instance = await rig.node('exports.handler = (e) => e', { memoryMb: 512 });
    for (const size of [0, 1, 65_530, 65_536, 70_000, 1_000_000, 6_000_000]) {
      const text = 'x'.repeat(size);
      expect((await answer(instance, JSON.stringify(text))) === text, `${size}`).toBe(true);
    }
    await instance.stop({ graceMs: 0 });
  });

  it('gives the lines of the last call, and only those', async () => {
    const instance = await rig.node(
      'console.log("loading"); exports.handler = ({ n }) => { console.log("out", n); console.error("err", n); return n }',
    );
    for (const n of [1, 2, 3]) {
      await call(instance, { n });
      expect([...instance.logTail()].sort()).toEqual([`err ${n}`, `out ${n}`]);
    }
    await instance.stop({ graceMs: 0 });
  });

  it('is not held up by a flood of lines', async () => {
    const instance = await rig.node(
      'exports.handler = () => { for (let i = 0; i < 200_000; i++) console.log("line", i); return 1 }',
    );
    expect(await answer(instance)).toBe(1);
    expect(instance.logTail().length).toBeLessThanOrEqual(257);
    expect(instance.logTail().at(-1)).toBe('line 199999');
    await instance.stop({ graceMs: 0 });
  });

  it('B27 passes chunks on in the boundaries in which they were written, then an empty body', async () => {
    const instance = await rig.node(`exports.handler = async function* ({ n }) {
      for (let i = 0; i < n; i++) { yield 'chunk ' + i; await new Promise((r) => setTimeout(r, 2)) }
    }`);
    const chunks: string[] = [];
    const end = await call(instance, { n: 5 }, { onChunk: (chunk) => void chunks.push(Buffer.from(chunk).toString()) });
    expect(chunks).toEqual(['chunk 0', 'chunk 1', 'chunk 2', 'chunk 3', 'chunk 4']);
    expect(end).toEqual({ kind: 'result', body: Buffer.alloc(0), streamedBytes: 35 });
    const whole = await call(instance, { n: 3 });
    expect(whole.kind === 'result' && Buffer.from(whole.body).toString()).toBe('chunk 0chunk 1chunk 2');
    await instance.stop({ graceMs: 0 });
  });

  it('B27 a handler that does not stream gives its result at once, chunks or not', async () => {
    const instance = await rig.node('exports.handler = () => "all"');
    const chunks: Uint8Array[] = [];
    expect(await answer(instance, {}, { onChunk: (chunk) => void chunks.push(chunk) })).toBe('all');
    expect(chunks).toEqual([]);
    await instance.stop({ graceMs: 0 });
  });

  it('B53 serves handlers that are wrapped for streaming', async () => {
    const instance = await rig.node(`exports.handler = awslambda.streamifyResponse(async (event, stream) => {
      stream.write('a'); stream.write(Buffer.from('b')); stream.end('c');
    })`);
    const chunks: string[] = [];
    await call(instance, {}, { onChunk: (chunk) => void chunks.push(Buffer.from(chunk).toString()) });
    expect(chunks).toEqual(['a', 'b', 'c']);
    await instance.stop({ graceMs: 0 });
  });

  it('holds a streaming handler up while the caller cannot take more', async () => {
    const instance = await rig.node(
      `let sent = 0; exports.handler = async function* ({ ask }) {
      if (ask) { yield String(sent); return }
      for (; sent < 400; sent++) yield 'x'.repeat(100_000);
    }`,
      { memoryMb: 256, concurrency: 2 },
    );
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let taken = 0;
    let firstTaken = () => {};
    const first = new Promise<void>((resolve) => {
      firstTaken = resolve;
    });
    const stream = call(
      instance,
      {},
      {
        onChunk: () => {
          firstTaken();
          return ++taken === 1 ? held : undefined;
        },
      },
    );
    await first;
    // It goes on until the pipe is full and then waits: 40 MB do not fit into it.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(taken).toBeLessThan(50);
    release();
    expect(await stream).toMatchObject({ kind: 'result' });
    expect(taken).toBe(400);
    await instance.stop({ graceMs: 0 });
  });

  it('serves several calls at once where the version says that it can', async () => {
    const instance = await rig.node(
      'let open = []; exports.handler = ({ n }) => new Promise((r) => { open.push(() => r(n)); if (open.length === 8) open.reverse().forEach((f) => f()) })',
      { concurrency: 8 },
    );
    const all = await Promise.all(Array.from({ length: 8 }, (_, n) => answer(instance, { n })));
    expect(all).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    await instance.stop({ graceMs: 0 });
  });

  it('says what it runs on, and how much memory it has', async () => {
    const instance = await rig.node('exports.handler = () => 1');
    expect(instance.runtime).toBe(`node ${process.versions.node}`);
    expect(instance.rssBytes()).toBeGreaterThan(10_000_000);
    await instance.stop({ graceMs: 0 });
    expect(instance.rssBytes()).toBeUndefined();
  });

  it('lets the handler call other functions, by value and as text, and reports to it what went wrong', async () => {
    const instance = await rig.node(
      `exports.handler = async (event, context) => {
        const results = await Promise.all([context.invoke('one', { a: 1 }), context.invoke('two', undefined, { as: 'text' })]);
        const error = await context.invoke('none').catch(({ name, code, message }) => ({ name, code, message }));
        return { results, error };
      }`,
    );
    const asked: string[] = [];
    const onChild = async ({ functionName, payload }: ChildCall) => {
      if (functionName === 'none') throw Object.assign(new Error('nobody'), { code: 'function-unknown' });
      asked.push(`${functionName} ${Buffer.from(payload)}`);
      return Buffer.from('{"b":2}');
    };
    expect(await answer(instance, {}, { onChild })).toEqual({
      results: [{ b: 2 }, '{"b":2}'],
      error: { name: 'Runtime.ChildFailed', code: 'function-unknown', message: 'nobody' },
    });
    expect(asked).toEqual(['one {"a":1}', 'two {}']);
    expect(await answer(instance)).toMatchObject({
      kind: 'handler-failed',
      message: 'this call cannot call other functions',
    });
    await instance.stop({ graceMs: 0 });
  });
});

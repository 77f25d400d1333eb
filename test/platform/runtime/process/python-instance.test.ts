import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Code } from '../../../../src/platform/model/function-record.ts';
import { ABackend, answer, call } from '../../../support/platform/a-backend.ts';

describe('a Python instance', () => {
  let rig: ABackend;
  beforeAll(() => {
    rig = new ABackend();
  });
  afterAll(() => rig.close());

  it.each([
    ['handler(event)', 'def handler(event): return {"got": event}'],
    ['handler(event, context)', 'def handler(event, context): return {"got": event}'],
    ['any arguments', 'def handler(*given): return {"got": given[0]}'],
    ['an async function', 'async def handler(event, context): return {"got": event}'],
    ['a method', 'class A:\n  def run(self, event): return {"got": event}\nhandler = A().run'],
    ['a callable object', 'class A:\n  def __call__(self, event, context): return {"got": event}\nhandler = A()'],
  ])('A93 serves %s', async (_, source) => {
    const instance = await rig.python(source);
    expect(await answer(instance, { a: [1, 'ä€😀'] })).toEqual({ got: { a: [1, 'ä€😀'] } });
    expect(instance.runtime).toMatch(/^python 3\.\d+\.\d+$/);
    await instance.stop({ graceMs: 0 });
  });

  it('takes a module out of a package, with its own files beside it', async () => {
    const code: Code = {
      kind: 'files',
      files: new Map(
        Object.entries({
          'app/__init__.py': '',
          'app/main.py':
            'from app.double import double\nimport os\ndef run(e, c): return [double(e["n"]), open("data.txt").read(), c.aws_request_id]',
          'app/double.py': 'def double(n): return 2 * n',
          'data.txt': 'hello',
        }).map(([path, text]) => [path, Buffer.from(text)]),
      ),
    };
    const instance = await rig.start(rig.version(code, { runtime: 'python3', handler: 'app.main.run' }));
    expect(await answer(instance, { n: 21 })).toEqual([42, 'hello', 'request-1']);
    await instance.stop({ graceMs: 0 });
  });

  it('reports what was raised, without our own frames', async () => {
    const instance = await rig.python('def handler(event):\n  raise ValueError("no " + event["a"])');
    const end = await call(instance, { a: 'x' });
    expect(end).toMatchObject({ kind: 'handler-failed', errorType: 'ValueError', message: 'no x' });
    expect(end.kind === 'handler-failed' && end.stack).toMatch(/main\.py", line 2/);
    expect(end.kind === 'handler-failed' && end.stack).not.toContain('python_worker');
    expect(await call(instance, '{"a"')).toMatchObject({ errorType: 'Runtime.UnmarshalError' });
    await instance.stop({ graceMs: 0 });
  });

  it.each(['{1, 2}', 'object()', 'float("nan")'])('says so when %s is no JSON', async (value) => {
    const instance = await rig.python(`def handler(event): return ${value}`);
    expect(await call(instance)).toMatchObject({ kind: 'handler-failed', errorType: 'Runtime.MarshalError' });
    await instance.stop({ graceMs: 0 });
  });

  it('gives the lines of the last call', async () => {
    const instance = await rig.python(
      'import sys\ndef handler(e):\n  print("out", e["n"])\n  print("err", e["n"], file=sys.stderr)',
    );
    for (const n of [1, 2]) {
      await call(instance, { n });
      expect([...instance.logTail()].sort()).toEqual([`err ${n}`, `out ${n}`]);
    }
    await instance.stop({ graceMs: 0 });
  });

  it('streams what a generator yields', async () => {
    for (const source of [
      'def handler(e):\n  yield "a"\n  yield b"b"\n  yield {"c": 1}',
      'async def handler(e):\n  yield "a"\n  yield b"b"\n  yield {"c": 1}',
    ]) {
      const instance = await rig.python(source);
      const chunks: string[] = [];
      await call(instance, {}, { onChunk: (chunk) => void chunks.push(Buffer.from(chunk).toString()) });
      expect(chunks).toEqual(['a', 'b', '{"c":1}']);
      await instance.stop({ graceMs: 0 });
    }
  });

  it('passes payloads and results of any size up to the limit, whole', async () => {
    const instance = await rig.python('def handler(e): return e', { memoryMb: 512 });
    for (const size of [0, 65_530, 65_536, 1_000_000, 6_000_000]) {
      const text = 'x'.repeat(size);
      expect((await answer(instance, JSON.stringify(text))) === text, `${size}`).toBe(true);
    }
    expect(await call(instance, JSON.stringify('x'.repeat(6_400_000)))).toMatchObject({ kind: 'result-too-large' });
    expect(await answer(instance, '1')).toBe(1);
    await instance.stop({ graceMs: 0 });
  });

  it.each([
    ['a syntax error', 'def handler(e:\n  return 1', /SyntaxError: .*\(main\.py:1\)/],
    [
      'an import that fails',
      'import not_there\ndef handler(e): pass',
      /ModuleNotFoundError: No module named 'not_there' \(main\.py:1\)/,
    ],
    ['a missing function', 'def other(e): pass', /main\.py has no function 'handler'/],
    ['an exit', 'raise SystemExit(5)', /exited with code 5/],
  ])('does not start with %s, and says why', async (_, source, message) => {
    await expect(rig.python(source)).rejects.toMatchObject({
      code: 'init-failed',
      message: expect.stringMatching(message),
    });
  });
});

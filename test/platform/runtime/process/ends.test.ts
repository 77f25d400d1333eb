import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallEnd } from '../../../../src/platform/runtime/instance-backend.ts';
import { ABackend, answer, call, isRunning, until } from '../../../support/platform/a-backend.ts';

/** Each way in which a call or an instance can end, by what the caller gets to know of it. */
describe.each(['auto', 'watchdog'] as const)('ends, memory limited by %s', (memoryLimit) => {
  let rig: ABackend;
  beforeAll(() => {
    rig = new ABackend({ memoryLimit });
  });
  afterAll(() => rig.close());

  it('A92 a throw is the handler’s, and the instance lives on', async () => {
    const instance = await rig.node(
      'exports.handler = async ({ how }) => { if (how === "error") throw new TypeError("no"); if (how === "text") throw "no"; if (how === "reject") return Promise.reject(Object.assign(new Error("no"), { name: "Mine" })); return 1 }',
    );
    const ends: [string, Partial<CallEnd>][] = [
      ['error', { kind: 'handler-failed', errorType: 'TypeError', message: 'no' }],
      ['text', { kind: 'handler-failed', errorType: 'string', message: 'no' }],
      ['reject', { kind: 'handler-failed', errorType: 'Mine', message: 'no' }],
    ];
    for (const [how, end] of ends) expect(await call(instance, { how })).toMatchObject(end);
    const failed = await call(instance, { how: 'error' });
    expect(failed.kind === 'handler-failed' && failed.stack).toMatch(/index\.js:1:/);
    expect(failed.kind === 'handler-failed' && failed.stack).not.toContain('node-worker');
    expect(await answer(instance, { how: 'not' })).toBe(1);
    expect(instance.isAlive).toBe(true);
    await instance.stop({ graceMs: 0 });
  });

  it('bad JSON in, and what is no JSON out, is reported as such', async () => {
    const instance = await rig.node('exports.handler = (e) => (e.big ? 1n : e)');
    expect(await call(instance, '{"a":')).toMatchObject({
      kind: 'handler-failed',
      errorType: 'Runtime.UnmarshalError',
    });
    expect(await call(instance, { big: true })).toMatchObject({
      kind: 'handler-failed',
      errorType: 'Runtime.MarshalError',
    });
    await instance.stop({ graceMs: 0 });
  });

  it.each([
    ['an exit', 'console.error("bye"); process.exit(3)', /^the process exited with code 3: bye$/],
    [
      'a throw from a timer',
      'setTimeout(() => { throw new Error("later") }, 1); return new Promise(() => {})',
      /code 1: [\s\S]*Error: later/,
    ],
    [
      'a rejection that nobody handles',
      'Promise.reject(new Error("lost")); return new Promise(() => {})',
      /code 1: [\s\S]*Error: lost/,
    ],
    [
      'a signal',
      'process.kill(process.pid, "SIGSEGV"); return new Promise(() => {})',
      /^the process was killed by SIGSEGV$/,
    ],
    [
      'a closed channel',
      'require("fs").closeSync(3); return new Promise(() => {})',
      /ended because it closed its channel|exited/,
    ],
  ])('A95 %s is a crash', async (_, body, detail) => {
    const instance = await rig.node(`exports.handler = () => { ${body} }`);
    const end = await call(instance);
    expect(end).toMatchObject({ kind: 'crashed', detail: expect.stringMatching(detail) });
    expect(instance.isAlive).toBe(false);
    await instance.exited;
    expect(await call(instance)).toMatchObject({ kind: 'not-reached' });
  });

  it.each([
    ['an endless loop', 'for (;;);'],
    ['a handler that never answers', 'return new Promise(() => {})'],
    ['one that does not want to end', 'process.on("SIGTERM", () => {}); return new Promise(() => {})'],
  ])('A95 %s is a timeout, and the process is killed', async (_, body) => {
    const instance = await rig.node(`exports.handler = () => { ${body} }`);
    expect(await call(instance, {}, { timeoutMs: 200 })).toEqual({ kind: 'timeout' });
    expect(instance.isAlive).toBe(false);
    await instance.exited;
    expect(isRunning(instance.pid)).toBe(false);
  });

  it('C31 an endless loop in Python as well', async () => {
    const instance = await rig.python('def handler(event):\n  while True: pass');
    expect(await call(instance, {}, { timeoutMs: 200 })).toEqual({ kind: 'timeout' });
    await instance.exited;
    expect(isRunning(instance.pid)).toBe(false);
  });

  it('a 100 MB result is too large, and is not read', async () => {
    const instance = await rig.node('exports.handler = () => "x".repeat(100e6)', { memoryMb: 512 });
    const before = process.memoryUsage.rss();
    expect(await call(instance)).toEqual({ kind: 'result-too-large', bytes: 100_000_002 });
    expect(process.memoryUsage.rss() - before).toBeLessThan(50e6);
    await instance.stop({ graceMs: 0 });
  });

  it('a 100 MB result that goes around our code is too large as well', async () => {
    const instance = await rig.node(`exports.handler = () => {
      const head = Buffer.alloc(9); head.writeUInt32BE(100e6 + 5, 0); head[4] = 3; head.writeUInt32BE(1, 5);
      require('fs').writeSync(3, head);
      return new Promise(() => {});
    }`);
    expect(await call(instance)).toEqual({ kind: 'result-too-large', bytes: 100_000_009 });
    expect(instance.isAlive).toBe(false);
    await instance.exited;
  });

  it('an unknown frame ends the instance', async () => {
    const instance = await rig.node(
      'exports.handler = () => { require("fs").writeSync(3, Buffer.from([0, 0, 0, 5, 99, 0, 0, 0, 1])); return new Promise(() => {}) }',
    );
    expect(await call(instance)).toMatchObject({ kind: 'crashed', detail: expect.stringContaining('unknown kind 99') });
  });

  it('a stream without a taker may not be larger than a result', async () => {
    const instance = await rig.node('exports.handler = function* () { for (;;) yield "x".repeat(1e6) }');
    const end = await call(instance);
    expect(end.kind).toBe('result-too-large');
    await instance.exited;
  });

  it('too much heap is out of memory', async () => {
    const instance = await rig.node(
      'exports.handler = () => { const all = []; for (;;) all.push(new Array(1000).fill(Math.random())) }',
      { memoryMb: 64 },
    );
    expect(await call(instance, {}, { timeoutMs: 30_000 })).toMatchObject({ kind: 'out-of-memory' });
    await instance.exited;
  });

  it('A27 too much memory outside the heap is out of memory', async () => {
    const instance = await rig.node(
      'exports.handler = async () => { const all = []; for (;;) { all.push(Buffer.alloc(4e6, 1)); await new Promise((r) => setTimeout(r, 5)) } }',
      { memoryMb: 128 },
    );
    expect(await call(instance, {}, { timeoutMs: 30_000 })).toMatchObject({ kind: 'out-of-memory' });
    await instance.exited;
    expect(isRunning(instance.pid)).toBe(false);
  });

  it('A27 too much memory in Python is out of memory', async () => {
    const instance = await rig.python('def handler(event): return len(bytearray(900_000_000))');
    expect(await call(instance, {}, { timeoutMs: 30_000 })).toMatchObject({ kind: 'out-of-memory' });
    await instance.exited;
  });

  it('a call whose caller has gone ends the instance', async () => {
    const instance = await rig.node('exports.handler = () => new Promise(() => {})');
    const caller = new AbortController();
    const end = call(instance, {}, { signal: caller.signal });
    caller.abort();
    expect(await end).toMatchObject({ kind: 'crashed', detail: expect.stringContaining('caller went away') });
    await instance.exited;
    const gone = await rig.node('exports.handler = () => 1');
    expect(await call(gone, {}, { signal: AbortSignal.abort() })).toMatchObject({ kind: 'not-reached' });
    expect(await answer(gone)).toBe(1);
    await gone.stop({ graceMs: 0 });
  });

  it('one of several calls whose caller has gone leaves the others alone', async () => {
    const instance = await rig.node(
      'let go; exports.handler = ({ n }) => n === 0 ? new Promise((r) => { go = r }) : n === 1 ? new Promise(() => {}) : go("late")',
      { concurrency: 3 },
    );
    const caller = new AbortController();
    const first = answer(instance, { n: 0 });
    const second = call(instance, { n: 1 }, { signal: caller.signal });
    caller.abort();
    expect(await second).toMatchObject({ kind: 'crashed' });
    void call(instance, { n: 2 });
    expect(await first).toBe('late');
    await instance.stop({ graceMs: 0 });
  });

  it('stops gracefully: the function gets its moment, the call in flight fails as stopped', async () => {
    const instance = await rig.node(
      'process.on("SIGTERM", () => { console.log("closing"); process.exit(0) }); exports.handler = () => { console.log("begun"); return new Promise(() => {}) }',
    );
    const end = call(instance);
    await until('the handler began', () => instance.logTail().includes('begun'));
    await instance.stop({ graceMs: 5_000 });
    expect(await instance.exited).toEqual({ code: 0, signal: null });
    expect(await end).toEqual({ kind: 'crashed', detail: 'the instance was stopped' });
    expect(instance.logTail()).toContain('closing');
  });

  it('is killed at the earliest of the times that it was given', async () => {
    const instance = await rig.node('process.on("SIGTERM", () => {}); exports.handler = () => 1');
    const startedMs = performance.now();
    await Promise.all([instance.stop({ graceMs: 60_000 }), instance.stop({ graceMs: 50 })]);
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect(await instance.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('an answer that lies ready when we were late ourselves is no timeout', async () => {
    const instance = await rig.node('exports.handler = () => 1');
    const answered = answer(instance, {}, { timeoutMs: 300 });
    // Nothing is read here and no timer runs until well after the time.
    for (const endMs = performance.now() + 600; performance.now() < endMs; );
    expect(await answered).toBe(1);
    await instance.stop({ graceMs: 0 });
  });

  it('what the function started ends with it, and an open pipe holds nothing up', async () => {
    const instance = await rig.node(`exports.handler = () => {
      const { spawn } = require('node:child_process');
      const pids = [];
      for (let i = 0; i < 5; i++) pids.push(spawn('sleep', ['600'], { stdio: 'inherit' }).pid);
      return pids;
    }`);
    const pids = (await answer(instance)) as number[];
    expect(pids.every(isRunning)).toBe(true);
    await instance.stop({ graceMs: 200 });
    await until('its children are gone', () => !pids.some(isRunning));
  });

  it('a fork bomb ends with its instance', async () => {
    const instance = await rig.node(
      `exports.handler = () => { require('node:child_process').spawn('/bin/sh', ['-c', 'bomb() { sleep 600 & [ $1 -gt 4 ] || { bomb $(($1+1)) & bomb $(($1+1)) & }; wait; }; bomb 0'], { stdio: 'ignore' }); return new Promise(() => {}) }`,
      { memoryMb: 512 },
    );
    expect(await call(instance, {}, { timeoutMs: 500 })).toEqual({ kind: 'timeout' });
    await instance.exited;
    await until('the group is empty', () => !hasGroup(instance.pid));
  });

  it('a child that left the group and holds the output open does not hold the end up', async () => {
    const instance = await rig.node(`exports.handler = () => {
      const child = require('node:child_process').spawn('sleep', ['600'], { stdio: 'inherit', detached: true });
      return child.pid;
    }`);
    const pid = (await answer(instance)) as number;
    await instance.stop({ graceMs: 0 });
    if (rig.backend.memoryLimit === 'cgroup') await until('it was found in the memory group', () => !isRunning(pid));
    else process.kill(pid, 'SIGKILL');
  });
});

function hasGroup(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a call that was not reached', () => {
  let rig: ABackend;
  let folder: string;
  beforeAll(() => {
    rig = new ABackend({ deafMs: 300 });
    folder = mkdtempSync(path.join(os.tmpdir(), 'starling-test-begun-'));
  });
  afterAll(async () => {
    await rig.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const NOTING =
    'exports.handler = ({ file, work }) => { require("fs").writeFileSync(file, "begun"); return work ? new Promise(() => {}) : 1 }';

  it('B21, B25 a deaf instance is found within the time for it, and killed', async () => {
    const instance = await rig.node(NOTING);
    process.kill(instance.pid, 'SIGSTOP');
    const startedMs = performance.now();
    const file = path.join(folder, 'deaf');
    expect(await call(instance, { file })).toEqual({ kind: 'not-reached', detail: 'the instance did not react' });
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    await instance.exited;
    expect(existsSync(file)).toBe(false);
  });

  it('a deaf instance does not take a payload that is too large for the pipe either', async () => {
    const instance = await rig.node(NOTING);
    process.kill(instance.pid, 'SIGSTOP');
    expect(await call(instance, { file: path.join(folder, 'large'), more: 'x'.repeat(3e6) })).toMatchObject({
      kind: 'not-reached',
    });
  });

  it('B22 a handler that began and then stopped reacting is a timeout, not to be tried elsewhere', async () => {
    const instance = await rig.node(NOTING);
    const file = path.join(folder, 'begun');
    const end = call(instance, { file, work: true }, { timeoutMs: 1_500 });
    await until('the handler began', () => existsSync(file));
    process.kill(instance.pid, 'SIGSTOP');
    expect(await end).toEqual({ kind: 'timeout' });
    await instance.exited;
  });

  it('B23 a call on an instance that is killed at any moment is not reached only when the handler never began', async () => {
    const kinds = new Set<string>();
    for (let round = 0; round < 30; round++) {
      const instance = await rig.node(NOTING);
      const file = path.join(folder, `round-${round}`);
      const end = round % 3 === 0 ? undefined : call(instance, { file, work: true });
      // From before the call is sent to well after the handler began.
      for (let spin = performance.now() + (round % 10) * 0.2; performance.now() < spin; );
      if (round % 2 === 0) await new Promise(setImmediate);
      process.kill(instance.pid, 'SIGKILL');
      const { kind } = await (end ?? call(instance, { file, work: true }));
      kinds.add(kind);
      expect(['not-reached', 'crashed']).toContain(kind);
      const hasBegun = existsSync(file) && readFileSync(file, 'utf8') === 'begun';
      if (hasBegun) expect(kind).toBe('crashed');
      await instance.exited;
    }
    expect([...kinds].sort()).toEqual(['crashed', 'not-reached']);
  });

  it('the same for Python', async () => {
    const instance = await rig.python(
      'import time\ndef handler(e):\n  open(e["file"], "w").write("begun")\n  time.sleep(600)',
    );
    process.kill(instance.pid, 'SIGSTOP');
    expect(await call(instance, { file: path.join(folder, 'py') })).toMatchObject({ kind: 'not-reached' });
    const second = await rig.python(
      'import time\ndef handler(e):\n  open(e["file"], "w").write("begun")\n  time.sleep(600)',
    );
    const file = path.join(folder, 'py-begun');
    const end = call(second, { file });
    await until('the handler began', () => existsSync(file));
    process.kill(second.pid, 'SIGKILL');
    expect(await end).toEqual({ kind: 'crashed', detail: 'the process was killed by SIGKILL' });
  });
});

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PlatformError } from '../../../../src/platform/model/platform-error.ts';
import { ABackend, answer, call, isRunning, until } from '../../../support/platform/a-backend.ts';

const descriptors = () => readdirSync('/proc/self/fd').length;

function children(): number[] {
  return readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
}

describe('starting an instance', () => {
  let rig: ABackend;
  beforeEach(() => {
    rig = new ABackend();
  });
  afterEach(() => rig.close());

  it.each([
    ['a syntax error', 'exports.handler = (\n}', /SyntaxError: .*\(index\.js:2\)$/],
    ['a throw while loading', 'const a = 1;\nthrow new RangeError("no")', /RangeError: no \(index\.js:2\)$/],
    [
      'a throw in a module',
      'export const a = 1;\nawait null;\nthrow new Error("late")',
      /Error: late \(index\.js:3\)$/,
    ],
    ['no handler', 'exports.other = () => 1', /index\.js exports no function "handler"; it exports other$/],
    ['a missing package', 'require("not-there")', /Cannot find module 'not-there'/],
    ['an exit', 'console.error("why"); process.exit(7)', /exited with code 7: why$/],
  ])('fails with %s, and says where', async (_, source, message) => {
    const started = rig.node(source);
    await expect(started).rejects.toBeInstanceOf(PlatformError);
    await expect(started).rejects.toMatchObject({ code: 'init-failed', message: expect.stringMatching(message) });
    expect(rig.backend.live).toBe(0);
    expect(rig.instanceFolders()).toEqual([]);
  });

  it('fails when the function takes too long to load, and leaves nothing', async () => {
    await rig.close();
    rig = new ABackend({ initTimeoutMs: 300 });
    await expect(rig.node('for (;;);')).rejects.toMatchObject({
      code: 'init-failed',
      message: 'the function was not ready within 300 ms',
    });
    expect(rig.backend.live).toBe(0);
    expect(rig.instanceFolders()).toEqual([]);
  });

  it('is called off by its signal', async () => {
    const version = rig.version('for (;;);');
    const caller = new AbortController();
    const started = rig.start(version, { signal: caller.signal });
    await until('the process is there', () => rig.backend.live === 1);
    caller.abort(new Error('not wanted any more'));
    await expect(started).rejects.toMatchObject({ code: 'init-failed', message: 'the start was called off' });
    expect(rig.backend.live).toBe(0);
  });

  it('says when there is no memory for it, without a crash of its own', async () => {
    await expect(
      rig.node('const all = []; for (;;) all.push(new Array(1000).fill(Math.random()))', { memoryMb: 32 }),
    ).rejects.toMatchObject({ code: 'init-failed', message: expect.stringMatching(/out of memory|more memory/) });
  });

  it.each([
    ['node18', /^node18 is not installed on this machine\. Node \d+ is: /],
    ['python3.99', /^python3\.99 is not installed on this machine\. Python 3\.\d+ is: /],
    ['java21', /^java21 is no runtime of this platform/],
    ['go', /^go source is not compiled here/],
  ])('P2 refuses %s, and says what is here', async (runtime, message) => {
    await expect(rig.node('exports.handler = () => 1', { runtime })).rejects.toMatchObject({
      code: 'runtime-unavailable',
      message: expect.stringMatching(message),
    });
    expect(rig.instanceFolders()).toEqual([]);
  });

  it('P2 takes the nearest runtime where that is allowed, and says what it runs on', async () => {
    await rig.close();
    rig = new ABackend({ mayTakeNearestRuntime: true });
    const node = await rig.node('exports.handler = () => process.version', { runtime: 'nodejs18.x' });
    expect(node.runtime).toBe(`node ${await answer(node).then((version) => String(version).slice(1))}`);
    const python = await rig.python('import sys\ndef handler(e): return sys.version.split()[0]', {
      runtime: 'python3.99',
    });
    expect(python.runtime).toBe(`python ${await answer(python)}`);
  });

  it('refuses several calls at once where the runtime takes them one by one', async () => {
    await expect(rig.python('def handler(e): return 1', { concurrency: 2 })).rejects.toMatchObject({
      code: 'init-failed',
      field: 'concurrency',
      message: 'python takes one call at a time: set the concurrency to 1',
    });
  });

  it('passes on that there is no code', async () => {
    const version = rig.version({ kind: 'builtin', name: 'not-there' });
    await expect(rig.start(version)).rejects.toMatchObject({ code: 'no-code' });
  });

  it('says which limit holds, and the kernel agrees', async () => {
    const instance = await rig.node('exports.handler = () => require("fs").readFileSync("/proc/self/cgroup", "utf8")');
    const groups = String(await answer(instance));
    expect(groups.includes(path.basename(readdirSync(rig.folder)[0]!))).toBe(rig.backend.memoryLimit === 'cgroup');
  });
});

describe('the end of a backend', () => {
  it('ends every instance, also those that are starting and those that compute, and takes every folder away', async () => {
    const rig = new ABackend();
    const busy = await rig.node('exports.handler = () => { for (;;); }');
    const idle = await rig.python('def handler(e): return 1');
    void call(busy);
    const starting = rig.node('for (;;);');
    await until('it starts', () => rig.backend.live === 3);
    const closed = rig.backend.close({ graceMs: 100 });
    await expect(starting).rejects.toMatchObject({ code: 'init-failed' });
    await closed;
    expect([busy.pid, idle.pid].some(isRunning)).toBe(false);
    expect(readdirSync(rig.folder)).toEqual([]);
    await expect(rig.node('exports.handler = () => 1')).rejects.toMatchObject({ code: 'stopping' });
    await rig.close();
  });
});

describe('churn', () => {
  it('A22 B28 some hundreds of starts and ends leave no process, descriptor, folder or group', async () => {
    const rig = new ABackend();
    const sources = [
      rig.version('exports.handler = () => 1'),
      rig.version('exports.handler = () => process.exit(1)'),
      rig.version('exports.handler = (\n'),
      rig.version('def handler(e): return 1', { runtime: 'python', handler: 'main.handler' }),
    ];
    const round = async (n: number) => {
      try {
        const instance = await rig.start(sources[n % sources.length]!);
        if (n % 3 !== 0) await call(instance);
        await instance.stop({ graceMs: n % 2 === 0 ? 0 : 100 });
        await instance.exited;
      } catch (error) {
        expect(error).toMatchObject({ code: 'init-failed' });
      }
    };
    // The first ones open what stays open: the guard's pipe, and the like.
    for (let n = 0; n < sources.length; n++) await round(n);
    const before = descriptors();
    let next = sources.length;
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        while (next < 200) await round(next++);
      }),
    );
    expect(rig.backend.live).toBe(0);
    expect(rig.instanceFolders()).toEqual([]);
    await until('the descriptors are closed', () => descriptors() <= before);
    await rig.backend.close();
    await until('nobody is left', () => children().length === 0);
    expect(readdirSync(rig.folder)).toEqual([]);
    await rig.close();
  }, 120_000);

  it('a backend that idles has no process at all', async () => {
    const rig = new ABackend();
    const instance = await rig.node('exports.handler = () => 1');
    expect(children().length).toBe(2);
    await instance.stop({ graceMs: 0 });
    await until('the guard has left', () => children().length === 0);
    const again = await rig.node('exports.handler = () => 2');
    expect(await answer(again)).toBe(2);
    await rig.close();
  });

  it('a folder that the function filled, or took its own rights from, is taken away', async () => {
    const rig = new ABackend();
    const others = mkdtempSync(path.join(os.tmpdir(), 'starling-test-others-'));
    writeFileSync(path.join(others, 'kept'), '');
    const instance = await rig.node(`exports.handler = ({ others }) => {
      const fs = require('node:fs');
      fs.mkdirSync('deep/er', { recursive: true });
      fs.writeFileSync(process.env.TMPDIR + '/big', Buffer.alloc(1e6));
      fs.symlinkSync(others, 'link');
      fs.chmodSync('deep', 0o500);
      return 1;
    }`);
    expect(await answer(instance, { others })).toBe(1);
    await instance.stop({ graceMs: 0 });
    expect(rig.instanceFolders()).toEqual([]);
    expect(readdirSync(others)).toEqual(['kept']);
    rmSync(others, { recursive: true });
    await rig.close();
  });
});

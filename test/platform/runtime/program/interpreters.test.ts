import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Interpreters, parseRuntime } from '../../../../src/platform/runtime/program/interpreters.ts';

const PYTHON = { family: 'python', major: 3, minor: undefined } as const;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'starling-interpreters-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A python3 that notes that it was asked, and answers with the given text. */
function aPython(answer: string): void {
  const file = path.join(folder, 'python3');
  writeFileSync(file, `#!/bin/sh\necho asked >> ${folder}/asked\n${answer}\n`);
  chmodSync(file, 0o755);
}

const timesAsked = () =>
  existsSync(path.join(folder, 'asked'))
    ? readFileSync(path.join(folder, 'asked'), 'utf8').trim().split('\n').length
    : 0;

describe('the interpreters of a machine', () => {
  it('are asked once', async () => {
    aPython('echo /opt/python3; echo 3.13.1');
    const interpreters = new Interpreters({ path: folder, mayTakeNearest: false });
    for (let time = 0; time < 3; time += 1) {
      expect(await interpreters.python(PYTHON, 'python')).toMatchObject({
        command: '/opt/python3',
        title: 'python 3.13.1',
      });
    }
    expect(timesAsked()).toBe(1);
  });

  it('are asked again when they did not answer, for the machine may have been too busy', async () => {
    aPython('exit 1');
    const interpreters = new Interpreters({ path: folder, mayTakeNearest: false });
    await expect(interpreters.python(PYTHON, 'python')).rejects.toMatchObject({ code: 'runtime-unavailable' });
    aPython('echo /opt/python3; echo 3.13.1');
    expect(await interpreters.python(PYTHON, 'python')).toMatchObject({ title: 'python 3.13.1' });
  });

  it('are reported as missing where they are', async () => {
    const interpreters = new Interpreters({ path: folder, mayTakeNearest: false });
    await expect(interpreters.python(PYTHON, 'python3')).rejects.toMatchObject({
      code: 'runtime-unavailable',
      message: expect.stringContaining('python3 is not installed on this machine'),
    });
  });
});

describe('the name of a runtime', () => {
  it.each([
    ['node', 'node', undefined, undefined],
    ['node22', 'node', 22, undefined],
    ['nodejs24.x', 'node', 24, undefined],
    ['python', 'python', undefined, undefined],
    ['python3', 'python', 3, undefined],
    ['python3.13', 'python', 3, 13],
    ['python314', 'python', 3, 14],
    ['go', 'executable', undefined, undefined],
    ['rust', 'executable', undefined, undefined],
    ['provided', 'executable', undefined, undefined],
    ['provided.al2023', 'executable', undefined, undefined],
  ])('P2 %s asks for %s', (runtime, family, major, minor) => {
    expect(parseRuntime(runtime)).toEqual({ family, major, minor });
  });

  it.each(['java21', 'ruby3.3', 'dotnet8', 'nodeish', 'python3.13.1', 'Node22', ''])(
    'P2 %s runs nowhere here',
    (runtime) => {
      expect(parseRuntime(runtime)).toBeUndefined();
    },
  );
});

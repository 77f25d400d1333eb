import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { COMMANDS } from '../../../src/commands/commands.ts';
import { starling } from '../../support/run-starling.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const INSTALLED = await installed('zsh', 'fish');
const scripts = new Map<string, string>();
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'starling-completion-'));
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout, stderr } = await starling(['completion', shell]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    scripts.set(shell, stdout);
    writeFileSync(join(folder, shell), stdout);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What bash offers behind these words, the last of which is being typed. */
async function offered(...words: string[]): Promise<string[]> {
  const ask = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _starling; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', ask, 'bash', join(folder, 'bash'), ...words], {
    cwd: folder,
  });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
}

describe('bash', () => {
  it('is offered the commands, their flags and what those take', async () => {
    expect(await offered('starling', '')).toEqual(expect.arrayContaining(COMMANDS.map(({ name }) => name)));
    expect(await offered('starling', 'ev')).toEqual(['evaluate']);
    expect(await offered('starling', 'pause', '--w')).toEqual(['--why']);
    expect(await offered('starling', 'top', '-o', '')).toEqual(['table', 'json', 'yaml']);
    expect(await offered('starling', 'autoscale', '--scaling-inter')).toEqual(['--scaling-interval']);
    expect(await offered('starling', 'completion', 'f')).toEqual(['fish']);
    expect(await offered('starling', 'pause', 'some-version', '--token-file', 'ba')).toEqual(['bash']);
    // A version id is nobody's business to guess, and neither is a duration.
    expect(await offered('starling', 'pause', '')).toEqual([]);
    expect(await offered('starling', 'pause', '--for', '')).toEqual([]);
    expect(await offered('starling', 'nonsense', '--')).toEqual([]);
  });
});

describe('every shell', () => {
  it.each(['bash', 'zsh', 'fish'])('%s knows every command, and nothing that is only between ours', (shell) => {
    const script = scripts.get(shell) ?? '';
    for (const { name } of COMMANDS) expect(script).toContain(name);
    expect(script).toContain(shell === 'fish' ? '-l replicas' : '--replicas');
    expect(script).not.toMatch(/--child|-l child/);
  });

  it.each(INSTALLED)('%s reads it without complaint', async (shell) => {
    const read = promisify(execFile)(shell, ['-n', join(folder, shell)]);
    await expect(read).resolves.toMatchObject({ stderr: '' });
  });

  it('quotes what descriptions hold', () => {
    // One odd quote anywhere would swallow the rest of the script.
    for (const line of (scripts.get('fish') ?? '').split('\n')) {
      expect((line.replaceAll(/\\./g, '').match(/'/g) ?? []).length % 2, line).toBe(0);
    }
    const zsh = (scripts.get('zsh') ?? '').replaceAll(`'\\''`, '');
    expect((zsh.match(/'/g) ?? []).length % 2).toBe(0);
  });
});

/** Those of these shells that this machine has. */
async function installed(...shells: string[]): Promise<string[]> {
  const found = await Promise.all(
    shells.map((shell) =>
      promisify(execFile)(shell, ['--version']).then(
        () => [shell],
        () => [],
      ),
    ),
  );
  return found.flat();
}

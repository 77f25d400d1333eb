import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'starling-install-'));
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) cpSync(join(ROOT, name), join(directory, name));
  // npm on this very Node, which says that it is an older one.
  writeFileSync(join(directory, 'older.cjs'), `Object.defineProperty(process, 'version', { value: 'v20.11.0' });`);
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Everything that `npm ci` does but the download. Nothing of the npm that runs the tests reaches this one. */
function dryInstall(...flags: string[]): { status: number | null; stderr: string } {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
  return spawnSync('npm', ['ci', '--dry-run', '--offline', ...flags], {
    cwd: directory,
    env: { ...env, NODE_OPTIONS: `--require ${join(directory, 'older.cjs')}` },
    encoding: 'utf8',
  });
}

describe('npm ci on Node 20', () => {
  it('shows no warnings about the version of Node', () => {
    expect(dryInstall()).toMatchObject({ status: 0, stderr: '' });
    // What it would show otherwise: without this the test would pass for want of warnings.
    expect(dryInstall('--loglevel=warn').stderr.match(/EBADENGINE/g)?.length).toBeGreaterThan(100);
  });

  it('still shows what is wrong', () => {
    rmSync(join(directory, 'package-lock.json'));
    const { status, stderr } = dryInstall();
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/^npm error .*package-lock\.json/m);
  });
});

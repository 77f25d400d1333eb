import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { WorkFolders } from '../../../../src/platform/runtime/program/work-folder.ts';

it('makes the folders above its own, for this user alone, and takes away what is its own', () => {
  const home = mkdtempSync(path.join(tmpdir(), 'starling-work-'));
  try {
    const folders = new WorkFolders(path.join(home, 'a', 'b'));
    expect(path.dirname(folders.root)).toBe(path.join(home, 'a', 'b'));
    expect(statSync(path.join(home, 'a')).mode & 0o777).toBe(0o700);
    const { code } = folders.make();
    expect(existsSync(code)).toBe(true);
    folders.close();
    expect(existsSync(folders.root)).toBe(false);
  } finally {
    rmSync(home, { recursive: true });
  }
});

it('says so where no folder can be made, and does not look for one without end', () => {
  expect(() => new WorkFolders('/proc/nowhere/at/all')).toThrow(/ENOENT/);
});

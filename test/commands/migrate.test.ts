import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { starling } from '../support/run-starling.ts';

// Each of these is a process of its own, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'starling-migrate-'));
  file = join(directory, 'store.sqlite');
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function migrate(...args: string[]) {
  return starling(['migrate', '--store', `sqlite:${file}`, ...args]);
}

describe('starling migrate', () => {
  it('makes the tables of a file, again and again, three times at once', async () => {
    const all = await Promise.all([migrate(), migrate(), migrate('-o', 'json')]);
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(all[0]?.stdout).toContain(`${file} has its tables`);
    expect(JSON.parse(all[2]?.stdout ?? '')).toMatchObject({ steps: [{ state: 'done' }], warnings: [] });
    expect((await migrate()).code).toBe(0);
    const db = new DatabaseSync(file, { readOnly: true });
    expect(db.prepare("SELECT count(*) AS tables FROM sqlite_schema WHERE type = 'table'").get()).toEqual({
      tables: 7,
    });
    db.close();
  });

  it('prints the statements and runs none, on request', async () => {
    const { code, stdout, stderr } = await migrate('--print-only');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(existsSync(file)).toBe(false);
    const db = new DatabaseSync(':memory:');
    db.exec(stdout);
    db.close();
  });

  it('has nothing to do in memory', async () => {
    expect(await starling(['migrate', '--store', 'memory:'])).toMatchObject({
      code: 0,
      stdout: 'memory: there are no tables; nothing to do\n',
      stderr: '',
    });
  });

  it('ends with 4 where the system does not let it make the file', async () => {
    const path = join(import.meta.filename, 'in-a-file', 'store.sqlite');
    expect(await starling(['migrate', '--store', `sqlite:${path}`])).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/^store: .*name a file in a folder where this user may write/),
    });
  });

  it('ends with 2 for a file that is none, and with 4 when the store does not answer', async () => {
    expect(await starling(['migrate', '--store', `sqlite:${import.meta.filename}`])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^store: .*not an SQLite file/),
    });
    expect(await starling(['migrate', '--store', 'cassandra://127.0.0.1:1/k?dc=dc1'])).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/^store: .*ECONNREFUSED/),
    });
  });
});

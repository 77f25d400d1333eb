import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRegistryDatabase } from '../../../src/platform/registry/database.ts';
import { REGISTRY_STEPS } from '../../../src/platform/registry/schema.ts';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'starling-upgrade-'));
  path = join(folder, 'platform.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const tablesOf = (db: DatabaseSync) =>
  db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .all()
    .map((row) => row['name']);

const versionOf = (db: DatabaseSync) => db.prepare('PRAGMA user_version').get()?.['user_version'];

describe('a registry of an older program', () => {
  it.each(REGISTRY_STEPS.map((_, at) => at + 1))(
    'of version %i is brought up to date, with what is in it',
    (version) => {
      const fresh = openRegistryDatabase(':memory:');
      const before = new DatabaseSync(path);
      for (const step of REGISTRY_STEPS.slice(0, version)) before.exec(step);
      before.exec(`
      INSERT INTO functions VALUES ('f', 'native', 'hello', 'local', NULL, '[]', 1, 1);
      PRAGMA user_version = ${version};
    `);
      before.close();
      const db = openRegistryDatabase(path);
      expect(versionOf(db)).toBe(REGISTRY_STEPS.length);
      expect(tablesOf(db)).toEqual(tablesOf(fresh));
      expect(db.prepare('SELECT name FROM functions').all()).toEqual([expect.objectContaining({ name: 'hello' })]);
      db.close();
      fresh.close();
    },
  );

  it('of a newer program is refused, and left as it is', () => {
    openRegistryDatabase(path).close();
    const newer = new DatabaseSync(path);
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    expect(() => openRegistryDatabase(path)).toThrow('is of version 99, this program knows');
    const after = new DatabaseSync(path);
    expect(versionOf(after)).toBe(99);
    after.close();
  });
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PredictionAnswer } from '../../../src/contract/prediction.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import type { Code, LaunchSettings } from '../../../src/platform/model/function-record.ts';
import { RegistryFileError } from '../../../src/platform/registry/database.ts';
import { REMEMBERED_MS } from '../../../src/platform/registry/gone-versions.ts';
import type { NewFunction } from '../../../src/platform/registry/new-version.ts';
import { Registry, type RegistryChange } from '../../../src/platform/registry/registry.ts';
import { changePool, DEFAULT_POOL } from '../../../src/platform/registry/version-settings.ts';
import { HandWoundClock } from '../../support/hand-wound-clock.ts';

const LAUNCH: LaunchSettings = {
  runtime: 'node24',
  handler: 'index.handler',
  timeoutMs: 3_000,
  memoryMb: 128,
  environment: { GREETING: 'hello "you"' },
  concurrency: 1,
};
const SOURCE: Code = { kind: 'source', text: 'exports.handler = async () => 1' };
const FILES: Code = {
  kind: 'files',
  files: new Map([
    ['index.js', Buffer.from('exports.handler = 1')],
    ['lib/größe.bin', Buffer.from([0, 1, 255])],
  ]),
};
const ANSWER: PredictionAnswer = {
  activeInstances: 0,
  pendingInstances: 0,
  allocatingInstances: 3,
  terminatingInstances: 0,
  functionStatus: 'ACTIVE',
  scalingStatus: 'SCALING_UP',
};

let folder: string;
let clock: HandWoundClock;
let open: Registry[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'starling-registry-'));
  clock = new HandWoundClock();
});
afterEach(() => {
  for (const registry of open) registry.close();
  open = [];
  rmSync(folder, { recursive: true, force: true });
});

function openRegistry(path = join(folder, 'platform.sqlite')): Registry {
  const registry = new Registry({ path, clock, random: systemRandom });
  open.push(registry);
  return registry;
}

function newFunction(name: string, more: Partial<NewFunction> = {}): NewFunction {
  return { namespace: 'native', name, launch: LAUNCH, pool: DEFAULT_POOL, code: SOURCE, ...more };
}

/** All that the registry tells, code included. */
function everything(registry: Registry): unknown {
  return registry.functions().map((record) => ({
    record,
    versions: registry.versionsOf(record.functionId).map((version) => ({
      version,
      code: codeText(registry.codeOf(version)),
      wish: registry.wishes.of(version.versionId),
    })),
  }));
}

function codeText(code: Code): unknown {
  return code.kind === 'files'
    ? [...code.files].map(([path, bytes]) => [path, Buffer.from(bytes).toString('hex')])
    : code;
}

const codeOfError = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

describe('the registry', () => {
  it('loses nothing in a restart: functions, versions, code, aliases, settings, policies, wishes', () => {
    const registry = openRegistry();
    const { record, version } = registry.create(
      newFunction('one', { aliases: ['fn-1-abc'], account: 'account "1"', policy: { kind: 'target', target: 0.5 } }),
    );
    registry.create(newFunction('two', { namespace: 'orchestrator', code: FILES, status: 'DEPLOYING' }));
    registry.create(newFunction('three', { namespace: 'builtin', code: { kind: 'builtin', name: 'hash' } }));
    registry.addVersion(record.functionId, { launch: { ...LAUNCH, timeoutMs: 9 }, pool: DEFAULT_POOL, code: FILES });
    registry.updateVersion(version.versionId, {
      pool: changePool(DEFAULT_POOL, { instancesMax: 7, ageMaxMs: 1_000 }),
      configuration: { scaleUpDetails: { factor: 2, threshold: 80 } },
      status: 'INACTIVE',
    });
    registry.updateFunction(record.functionId, { name: 'renamed', activeVersionId: version.versionId });
    const token = 9_007_199_254_740_993n;
    registry.wishes.write(version.versionId, {
      token,
      body: { requiredNumberOfInstances: 3 },
      answer: () => ANSWER,
    });
    const before = everything(registry);
    registry.close();

    const again = openRegistry();
    expect(everything(again)).toEqual(before);
    expect(again.find('fn-1-abc')?.functionId).toBe(record.functionId);
    expect(again.findByName('native', 'renamed')?.functionId).toBe(record.functionId);
    expect(again.findByDeployment(version.deploymentId)?.versionId).toBe(version.versionId);
    expect(again.wishes.of(version.versionId)?.token).toBe(token);
  });

  it('is the same after any changes and a restart as it was before', () => {
    const change = fc.record({
      kind: fc.constantFrom('create', 'version', 'update', 'remove', 'remove-version', 'rename', 'wish'),
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      namespace: fc.constantFrom('native' as const, 'orchestrator' as const),
      pick: fc.nat(50),
      token: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 25 }), (changes) => {
        const path = join(folder, `${systemRandom.uuid()}.sqlite`);
        const registry = openRegistry(path);
        for (const { kind, name, namespace, pick, token } of changes) {
          const records = registry.functions();
          const record = records[pick % Math.max(1, records.length)];
          const versions = record ? registry.versionsOf(record.functionId) : [];
          const version = versions[pick % Math.max(1, versions.length)];
          try {
            if (kind === 'create')
              registry.create(newFunction(name, { namespace, aliases: [`alias-${name}-${pick}`] }));
            if (!record || !version) continue;
            if (kind === 'version') {
              registry.addVersion(record.functionId, { launch: LAUNCH, pool: DEFAULT_POOL, code: FILES });
            }
            if (kind === 'update') registry.updateVersion(version.versionId, { launch: { ...LAUNCH, memoryMb: 64 } });
            if (kind === 'remove') registry.removeFunction(record.functionId);
            if (kind === 'remove-version') registry.removeVersion(version.versionId);
            if (kind === 'rename') registry.updateFunction(record.functionId, { name });
            if (kind === 'wish') {
              const body = { requiredNumberOfInstances: pick };
              registry.wishes.write(version.versionId, { token, body, answer: () => ANSWER });
            }
          } catch (error) {
            expect(['name-taken', 'not-active']).toContain((error as { code?: string }).code);
          }
        }
        const before = everything(registry);
        const order = registry.sortedVersionIds();
        registry.close();
        const again = openRegistry(path);
        expect(everything(again)).toEqual(before);
        expect(again.sortedVersionIds()).toEqual(order);
        again.close();
      }),
      { numRuns: 25 },
    );
  });

  it('belongs to one platform at a time, and says so to the second', () => {
    openRegistry();
    expect(() => openRegistry()).toThrow(RegistryFileError);
    expect(() => openRegistry()).toThrow(/another platform runs on this data folder/);
  });

  it('says when its folder cannot be made', () => {
    expect(() => openRegistry('/proc/nowhere/at/all/platform.sqlite')).toThrow(RegistryFileError);
    writeFileSync(join(folder, 'file'), '');
    expect(() => openRegistry(join(folder, 'file', 'platform.sqlite'))).toThrow(/writable for this user/);
  });

  it('refuses a file that is not its own, or of another version', () => {
    const other = join(folder, 'other.sqlite');
    writeFileSync(other, 'this is a letter and no database, however long it may be. '.repeat(20));
    expect(() => openRegistry(other)).toThrow(/not an SQLite file/);
    const newer = join(folder, 'newer.sqlite');
    openRegistry(newer).close();
    const db = new DatabaseSync(newer);
    db.exec('PRAGMA user_version = 99');
    db.close();
    expect(() => openRegistry(newer)).toThrow(/version 99/);
  });

  it('says that a file is damaged, also where only what lies further in is', () => {
    const path = join(folder, 'platform.sqlite');
    const registry = openRegistry(path);
    for (let made = 0; made < 40; made += 1) registry.create(newFunction(`f${made}`));
    registry.close();
    open = [];
    const bytes = readFileSync(path);
    // The pages of the schema at the beginning stay whole.
    writeFileSync(path, bytes.fill(0xff, 16_384));
    expect(() => openRegistry(path)).toThrow(RegistryFileError);
    expect(() => openRegistry(path)).toThrow(/the file is damaged; restore it from a backup/);
  });

  it('A68 takes a name once in a namespace, C5 but any number of times in that of the orchestrator', () => {
    const registry = openRegistry();
    registry.create(newFunction('twice'));
    expect(codeOfError(() => registry.create(newFunction('twice')))).toBe('name-taken');
    registry.create(newFunction('twice', { namespace: 'builtin' }));
    const first = registry.create(newFunction('twice', { namespace: 'orchestrator' }));
    registry.create(newFunction('twice', { namespace: 'orchestrator' }));
    expect(registry.functions('orchestrator')).toHaveLength(2);
    expect(registry.findByName('orchestrator', 'twice')).toEqual(first.record);
    const other = registry.create(newFunction('other'));
    expect(codeOfError(() => registry.updateFunction(other.record.functionId, { name: 'twice' }))).toBe('name-taken');
  });

  it('refuses ids that are taken or are none, before anything is kept', () => {
    const registry = openRegistry();
    const { record, version } = registry.create(newFunction('one', { aliases: ['fn-1'] }));
    expect(codeOfError(() => registry.create(newFunction('x', { functionId: record.functionId })))).toBe('name-taken');
    expect(codeOfError(() => registry.create(newFunction('x', { aliases: ['fn-1'] })))).toBe('name-taken');
    expect(codeOfError(() => registry.create(newFunction('x', { versionId: version.versionId })))).toBe('name-taken');
    expect(codeOfError(() => registry.create(newFunction('x', { functionId: '\ud800' })))).toBe('input-invalid');
    expect(registry.functions()).toHaveLength(1);
  });

  it('refuses code that could not be laid out, before anything is kept', () => {
    const registry = openRegistry();
    const bad = (files: Record<string, string>): Code => ({
      kind: 'files',
      files: new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)])),
    });
    for (const code of [bad({ '../x': '' }), bad({ '/x': '' }), bad({}), bad({ a: '', 'a/b': '' })]) {
      expect(codeOfError(() => registry.create(newFunction('x', { code })))).toBe('code-invalid');
    }
    const huge: Code = { kind: 'source', text: 'x'.repeat(5 * 2 ** 20) };
    expect(codeOfError(() => registry.create(newFunction('x', { code: huge })))).toBe('code-too-large');
    expect(registry.functions()).toEqual([]);
  });

  it('B11 gives another deploy id to other code and other settings, and the same to the same', () => {
    const registry = openRegistry();
    const { record, version } = registry.create(newFunction('one'));
    const same = registry.addVersion(record.functionId, { launch: LAUNCH, pool: DEFAULT_POOL, code: SOURCE });
    const other = registry.addVersion(record.functionId, { launch: LAUNCH, pool: DEFAULT_POOL, code: FILES });
    expect(same.deployId).toBe(version.deployId);
    expect(other.deployId).not.toBe(version.deployId);
    const changed = registry.updateVersion(version.versionId, { launch: { ...LAUNCH, timeoutMs: 1 } });
    expect(changed.deployId).not.toBe(version.deployId);
    expect(registry.updateVersion(version.versionId, { pool: DEFAULT_POOL }).deployId).toBe(changed.deployId);
  });

  it('A6 keeps the older versions, and goes back to one of them', () => {
    const registry = openRegistry();
    const { record, version } = registry.create(newFunction('one'));
    const second = registry.addVersion(record.functionId, { launch: LAUNCH, pool: DEFAULT_POOL, code: FILES });
    expect(registry.find(record.functionId)?.activeVersionId).toBe(second.versionId);
    registry.updateFunction(record.functionId, { activeVersionId: version.versionId });
    expect(registry.find(record.functionId)?.activeVersionId).toBe(version.versionId);
    registry.removeVersion(second.versionId);
    expect(codeOfError(() => registry.removeVersion(version.versionId))).toBe('not-active');
    const third = registry.addVersion(record.functionId, { launch: LAUNCH, pool: DEFAULT_POOL, code: FILES });
    expect(third.number).toBe(2);
  });

  describe('what was deleted long ago', () => {
    const body = { requiredNumberOfInstances: 1 };
    const write = (registry: Registry, versionId: string, token: bigint) =>
      registry.wishes.write(versionId, { token, body, answer: () => ANSWER });
    const rows = () => {
      const db = new DatabaseSync(join(folder, 'platform.sqlite'));
      const of = (table: string) =>
        db
          .prepare(`SELECT version_id FROM ${table} ORDER BY 1`)
          .all()
          .map((row) => String(row['version_id']));
      const found = { gone: of('gone_versions'), fences: of('fences') };
      db.close();
      return found;
    };
    const removed = (registry: Registry, id: string) => {
      registry.create(newFunction(id, { functionId: `f-${id}`, versionId: id }));
      write(registry, id, 50n);
      registry.removeFunction(`f-${id}`);
    };

    it('is remembered with its token for 30 days, and forgotten at the next deletion', async () => {
      const registry = openRegistry();
      removed(registry, 'old');
      await clock.wind(REMEMBERED_MS);
      removed(registry, 'newer');
      expect([registry.isGone('old'), registry.isGone('newer')]).toEqual([true, true]);
      await clock.wind(1);
      removed(registry, 'newest');
      expect([registry.isGone('old'), registry.isGone('newer')]).toEqual([false, true]);
      expect(registry.wishes.of('old')).toBeUndefined();
      registry.close();
      expect(rows()).toEqual({ gone: ['newer', 'newest'], fences: ['newer', 'newest'] });
    });

    it('is forgotten at a start too', async () => {
      const registry = openRegistry();
      removed(registry, 'old');
      registry.close();
      await clock.wind(REMEMBERED_MS + 1);
      const again = openRegistry();
      expect(again.isGone('old')).toBe(false);
      again.close();
      expect(rows()).toEqual({ gone: [], fences: [] });
    });

    it('keeps the token of an id that has come back', async () => {
      const registry = openRegistry();
      removed(registry, 'v');
      registry.create(newFunction('again', { functionId: 'f-v', versionId: 'v' }));
      await clock.wind(REMEMBERED_MS + 1);
      removed(registry, 'other');
      expect(write(registry, 'v', 49n)).toMatchObject({ kind: 'stale', storedToken: 50n });
      registry.close();
      expect(rows()).toEqual({ gone: ['other'], fences: ['other', 'v'] });
      // And once it goes again, it is remembered from then on.
      const later = openRegistry();
      later.removeFunction('f-v');
      expect(later.isGone('v')).toBe(true);
    });
  });

  it('B30 forgets what is deleted, remembers that it was there, and takes it again', () => {
    const registry = openRegistry();
    const told: RegistryChange[] = [];
    registry.onChange((change) => told.push(change));
    const ids = { functionId: 'f', versionId: 'v', aliases: ['fn-9'] };
    registry.create(newFunction('one', { ...ids, code: FILES }));
    const body = { requiredNumberOfInstances: 1 };
    registry.wishes.write('v', { token: 50n, body, answer: () => ANSWER });
    registry.removeFunction('f');
    expect([registry.find('f'), registry.find('fn-9'), registry.version('v')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(registry.isGone('v')).toBe(true);
    expect(told.map(({ kind }) => kind)).toEqual(['version-changed', 'version-removed', 'function-removed']);
    registry.close();
    const again = openRegistry();
    expect(again.isGone('v')).toBe(true);
    again.create(newFunction('one', ids));
    expect(again.isGone('v')).toBe(false);
    // Who wrote before the deletion must not write after it.
    expect(again.wishes.write('v', { token: 49n, body, answer: () => ANSWER })).toMatchObject({ kind: 'stale' });
    again.close();
    const db = new DatabaseSync(join(folder, 'platform.sqlite'));
    expect(db.prepare('SELECT count(*) AS n FROM code_files').get()?.['n']).toBe(0);
    expect(db.prepare('SELECT count(*) AS n FROM code').get()?.['n']).toBe(1);
    db.close();
  });

  it('follows the status of the active version', () => {
    const registry = openRegistry();
    const { record, version } = registry.create(newFunction('one', { status: 'DEPLOYING' }));
    expect(record.status).toBe('DEPLOYING');
    registry.updateVersion(version.versionId, { status: 'ERRORED', statusDetail: 'no such module' });
    expect(registry.find(record.functionId)?.status).toBe('ERRORED');
    registry.updateVersion(version.versionId, { status: 'ACTIVE' });
    expect(registry.find(record.functionId)?.status).toBe('ACTIVE');
  });

  it('answers with the same object until something has changed', () => {
    const registry = openRegistry();
    const { version } = registry.create(newFunction('one'));
    expect(registry.version(version.versionId)).toBe(registry.version(version.versionId));
    const before = registry.version(version.versionId);
    registry.updateVersion(version.versionId, { pool: changePool(DEFAULT_POOL, { keepWarm: 1 }) });
    expect(registry.version(version.versionId)).not.toBe(before);
  });
});

describe('the wishes', () => {
  const write = (registry: Registry, token: bigint, wanted: number) =>
    registry.wishes.write('v', { token, body: { requiredNumberOfInstances: wanted }, answer: () => ANSWER }).kind;

  it('are accepted upwards only, over a restart too, and a refused one changes nothing', () => {
    const registry = openRegistry();
    expect([write(registry, 5n, 1), write(registry, 5n, 1), write(registry, 5n, 2), write(registry, 4n, 1)]).toEqual([
      'accepted',
      'repeated',
      'stale',
      'stale',
    ]);
    registry.close();
    const again = openRegistry();
    expect([write(again, 4n, 9), write(again, 5n, 1), write(again, 6n, 9)]).toEqual(['stale', 'repeated', 'accepted']);
    expect(again.wishes.of('v')?.body.requiredNumberOfInstances).toBe(9);
  });
});

describe('settings of a pool', () => {
  it('change one by one; null takes a limit away; inverted bounds are refused', () => {
    const limited = changePool(DEFAULT_POOL, { ageMaxMs: 5_000, usesMax: 3, instancesMax: 4 });
    expect(changePool(limited, { instancesMin: 2 })).toEqual({ ...limited, instancesMin: 2 });
    expect(changePool(limited, { ageMaxMs: null })).toEqual({ ...limited, ageMaxMs: undefined });
    expect(codeOfError(() => changePool(limited, { instancesMin: 5 }))).toBe('input-invalid');
  });
});

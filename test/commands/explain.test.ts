import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { SqliteStore } from '../../src/adapters/sqlite/store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { LedgerEntry } from '../../src/domain/ledger-entry.ts';
import { placeVersion } from '../../src/sharding/place.ts';
import { activeOf } from '../contract/store/rows.ts';
import { starling } from '../support/run-starling.ts';

// Each of these is a process of its own, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const NASTY = 'a"b\'c\n\u001b[31m{}=~.*\u202e';

let directory: string;
let store: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'starling-explain-'));
  store = join(directory, 'store.sqlite');
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function record(...entries: Partial<LedgerEntry>[]): Promise<void> {
  const sqlite = await SqliteStore.open({ path: store, clock: systemClock });
  await sqlite.ledger.record(
    entries.map((entry, index) => ({
      versionId: 'v-1',
      functionId: 'f-1',
      atMs: Date.now() - 60_000 + index * 1000,
      verdict: 'raise',
      previous: 2,
      wanted: 3,
      actual: 2,
      policy: 'target',
      reasons: [
        { code: 'load-above-target', facts: { demand: 9, aim: 5, perInstance: 2 } },
        { code: 'ceiling', facts: { max: 3, aim: 5 } },
      ],
      utilisation: [{ atMs: Date.now() - 70_000, value: Number.POSITIVE_INFINITY }],
      demand: [],
      holder: 'm-1',
      token: 17n,
      outcome: 'applied',
      detail: '',
      ...entry,
    })),
  );
  await sqlite.close();
}

function explain(...args: string[]) {
  return starling(['explain', '--store', `sqlite:${store}`, ...args]);
}

describe('starling explain', () => {
  it('shows the decisions of a version, newest first, with why and why not', async () => {
    await record({}, { verdict: 'keep', wanted: 3, previous: 3, outcome: undefined, token: undefined });
    const { code, stdout, stderr } = await explain('v-1');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [newest = '', older = ''] = stdout.split('\n\n');
    expect(newest).toMatch(/^\d{4}-.*Z {2}keep 3 \(running: 2\)\n/);
    expect(older).toMatch(/ {2}raise 2 -> 3 \(running: 2\), applied under token 17\nby target, because\n/);
    expect(older).toContain('  - Demand of 9 calls needs 5 instances at 2 calls each.\n');
    expect(older).toContain('why not otherwise\n  - A maximum above 3 would be needed to go higher.');
    expect((await explain('v-1', '--limit', '1')).stdout).not.toContain('raise');
  });

  it('gives the same as JSON and as YAML, alone on standard output', async () => {
    await record({});
    const [json, yaml] = await Promise.all([explain('v-1', '-o', 'json'), explain('v-1', '-o', 'yaml')]);
    const document = JSON.parse(json.stdout) as { versionId: string; decisions: Record<string, unknown>[] };
    expect(parse(yaml.stdout)).toEqual(document);
    expect(document.decisions[0]).toMatchObject({
      verdict: 'raise',
      token: '17',
      reasons: [{ code: 'load-above-target' }, { code: 'ceiling' }],
      whyNot: ['A maximum above 3 would be needed to go higher.'],
      utilisation: [{ value: '+Inf' }],
    });
  });

  it('carries any id, and shows it without obeying it', async () => {
    await record({ versionId: NASTY, functionId: NASTY, detail: 'it said \u001b[2J no\nand more', policy: 'x\u0007' });
    const [told, json, unknown] = await Promise.all([
      explain(NASTY),
      explain(NASTY, '-o', 'json'),
      explain(`${NASTY}?`),
    ]);
    expect((JSON.parse(json.stdout) as { versionId: string }).versionId).toBe(NASTY);
    expect(told.stdout).toContain('control plane: it said \\u001b[2J no\\u000aand more');
    for (const { stdout } of [told, json, unknown]) expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(unknown.stdout).toContain('nothing is recorded for a"b\'c\\u000a\\u001b[31m');
  });

  it('knows an active version by how its id begins, and says which one it is', async () => {
    await record({ versionId: 'd1d6d5a1-0000' });
    const sqlite = await SqliteStore.open({ path: store, clock: systemClock });
    const bucket = placeVersion('d1d6d5a1-0000');
    await sqlite.catalogue.enrol(bucket, [activeOf('d1d6d5a1-0000', { bucket })], { ttlSeconds: 600 });
    await sqlite.close();
    const { code, stdout, stderr } = await explain('d1d6');
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'd1d6d5a1-0000\n' });
    expect(stdout).toContain('raise 2 -> 3');
    expect(JSON.parse((await explain('d1d6', '-o', 'json')).stdout)).toMatchObject({ versionId: 'd1d6d5a1-0000' });
  });

  it('ends with 3 and says what to try when nothing is recorded', async () => {
    await record({});
    const { code, stdout, stderr } = await explain('v-2');
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
    expect(stdout).toMatch(/starling evaluate.*starling doctor/s);
    const json = await explain('v-2', '-o', 'json');
    expect(json.code).toBe(3);
    expect(JSON.parse(json.stdout)).toEqual({ versionId: 'v-2', decisions: [] });
  });

  it('ends with 4 when there is no such file, says which one it looked for, and makes none', async () => {
    const { code, stdout, stderr } = await explain('v');
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toContain(`there is no file ${store}`);
    expect(stderr).toMatch(/--store or --config/);
    expect(existsSync(store)).toBe(false);
  });

  it('looks into no memory', async () => {
    const { code, stderr } = await starling(['explain', 'v', '--store', 'memory:']);
    expect(code).toBe(4);
    expect(stderr).toMatch(/seen by its own process alone; --store/);
  });

  it('leaves the file of another program alone', async () => {
    const db = new DatabaseSync(store);
    db.exec('CREATE TABLE theirs (id INTEGER)');
    db.close();
    const { code, stderr } = await explain('v');
    expect(code).toBe(2);
    expect(stderr).toMatch(/of another program/);
  });

  it('ends with 4 when the store is not there', async () => {
    const { code, stdout, stderr } = await starling(['explain', 'v', '--store', 'cassandra://127.0.0.1:1/k?dc=dc1']);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toMatch(/^store: connecting to Cassandra: .*ECONNREFUSED.*\n$/);
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SqliteStore } from '../../../src/adapters/sqlite/store.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import { placeVersion } from '../../../src/sharding/place.ts';
import { activeOf } from '../../contract/store/rows.ts';
import { ControlPlaneDouble } from '../../support/control-plane/control-plane-double.ts';
import { starling } from '../../support/run-starling.ts';
import { emptyPrometheus, ScriptedStore } from '../../support/timeseries/scripted-store.ts';

// Each of these is a process of its own, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const NASTY = 'a"b\\\n\u001b[31m{}=~.*';

let directory: string;
let file: string;
let timeseries: ScriptedStore;
let controlPlane: ControlPlaneDouble;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'starling-evaluate-'));
  file = join(directory, 'store.sqlite');
  timeseries = new ScriptedStore();
  await timeseries.start();
  timeseries.answer = emptyPrometheus();
  controlPlane = new ControlPlaneDouble({ versions: [{ versionId: NASTY, functionId: 'f-1' }] });
  await controlPlane.start();
  const store = await SqliteStore.open({ path: file, clock: systemClock });
  const bucket = placeVersion(NASTY);
  await store.catalogue.enrol(bucket, [activeOf(NASTY, { bucket, functionId: 'f-1' })], { ttlSeconds: 600 });
  await store.close();
});

afterEach(async () => {
  await timeseries.stop();
  await controlPlane.stop();
  rmSync(directory, { recursive: true, force: true });
});

function evaluate(...args: string[]) {
  const places = ['--store', `sqlite:${file}`, '--timeseries', timeseries.url, '--control-plane', controlPlane.url];
  return starling(['evaluate', ...places, ...args]);
}

function rowsOf(table: string): unknown {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return db.prepare(`SELECT * FROM ${table}`).all();
  } finally {
    db.close();
  }
}

describe('starling evaluate', () => {
  it('abstains without samples, says why in words, and writes nothing', async () => {
    const { code, stdout, stderr } = await evaluate(NASTY);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^a"b\\\\u000a\\u001b\[31m\{\}=~\.\*: abstain /);
    expect(stdout).toMatch(/because\n {2}- /);
    expect(stdout).toMatch(/why not otherwise\n {2}- /);
    expect(stdout).toMatch(/nothing was written\n$/);
    for (const table of ['members', 'duties', 'function_state', 'ledger', 'settings'])
      expect(rowsOf(table)).toEqual([]);
    expect(controlPlane.seen.map(({ method }) => method)).toEqual(controlPlane.seen.map(() => 'GET'));
  });

  it('gives it as JSON, the id unchanged', async () => {
    const { stdout } = await evaluate(NASTY, '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({
      versionId: NASTY,
      verdict: 'abstain',
      reasons: [{ code: expect.any(String), text: expect.any(String) }],
      whyNot: [expect.any(String)],
      complaints: [],
      signals: { utilisation: { quality: 'absent', samples: [] } },
    });
  });

  it('knows a version by how its id begins, when only one begins so', async () => {
    const store = await SqliteStore.open({ path: file, clock: systemClock });
    for (const id of ['d1d6d5a1-0001', 'd1d6d5a1-0002', 'e77c']) {
      const bucket = placeVersion(id);
      await store.catalogue.enrol(bucket, [activeOf(id, { bucket })], { ttlSeconds: 600 });
    }
    await store.close();
    const [one, several, short] = await Promise.all([
      evaluate('d1d6d5a1-0002', '-o', 'json'),
      evaluate('d1d6'),
      evaluate('e77'),
    ]);
    expect(JSON.parse(one.stdout)).toMatchObject({ versionId: 'd1d6d5a1-0002' });
    expect(several).toMatchObject({ code: 2, stdout: '' });
    expect(several.stderr).toBe(
      'd1d6 begins several version ids; give more of it:\n  d1d6d5a1-0001\n  d1d6d5a1-0002\n',
    );
    expect(short.code).toBe(3);
    expect(JSON.parse((await evaluate(NASTY.slice(0, 5), '-o', 'json')).stdout)).toMatchObject({ versionId: NASTY });
  });

  it('holds back for a clock that is an hour off, as a replica would', async () => {
    timeseries.answer = emptyPrometheus({ aheadMs: 3_600_000 });
    const { stdout } = await evaluate(NASTY, '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'abstain', reasons: [{ code: 'clock-skew' }] });
  });

  it('ends with 3 for what is no active version', async () => {
    const { code, stdout, stderr } = await evaluate('who\u001b[2J');
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toMatch(/^who\\u001b\[2J is no active function version\..*starling doctor looks\.\n$/);
  });

  it('ends with 4 when the time-series store or the coordination store is down, with 5 when it refuses the credentials', async () => {
    const [metrics, store] = await Promise.all([
      evaluate(NASTY, '--timeseries', 'http://127.0.0.1:1'),
      evaluate(NASTY, '--store', 'cassandra://127.0.0.1:1/k?dc=dc1'),
    ]);
    expect(metrics).toMatchObject({
      code: 4,
      stdout: '',
      stderr: expect.stringMatching(/^timeseries: .*ECONNREFUSED/),
    });
    expect(store).toMatchObject({ code: 4, stdout: '', stderr: expect.stringMatching(/^store: /) });
    timeseries.answer = () => ({ status: 401, body: 'no' });
    expect(await evaluate(NASTY)).toMatchObject({ code: 5, stderr: expect.stringContaining('timeseries.auth') });
  });

  it('gives a control plane that is down as a reason', async () => {
    await controlPlane.stop();
    const { code, stdout } = await evaluate(NASTY, '-o', 'json', '--control-plane', 'http://127.0.0.1:1');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'abstain',
      reasons: [{ code: 'policy-unknown', text: expect.stringContaining('ECONNREFUSED') }],
    });
  });
});

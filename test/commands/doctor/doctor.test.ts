import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SqliteStore } from '../../../src/adapters/sqlite/store.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { placeVersion } from '../../../src/sharding/place.ts';
import { layoutOf } from '../../../src/wiring/open-store.ts';
import { activeOf } from '../../contract/store/rows.ts';
import { ControlPlaneDouble } from '../../support/control-plane/control-plane-double.ts';
import { type Ended, type RunOptions, StarlingProcess, starling } from '../../support/run-starling.ts';
import {
  emptyPrometheus,
  type ScriptedAnswer,
  ScriptedStore,
  vector,
} from '../../support/timeseries/scripted-store.ts';

// Each of these is a process of its own, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

interface Finding {
  readonly area: string;
  readonly what: string;
  readonly state: 'good' | 'doubtful' | 'bad';
  readonly detail: string;
  readonly mend: string;
}
interface Examined {
  readonly ended: Ended;
  readonly findings: readonly Finding[];
  about(area: string, what: string): Finding | undefined;
}

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const LAYOUT = layoutOf(loadConfig().config);

let directory: string;
let timeseries: ScriptedStore;
let controlPlane: ControlPlaneDouble;
let file: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'starling-doctor-'));
  chmodSync(directory, 0o755);
  file = join(directory, 'store.sqlite');
  timeseries = new ScriptedStore();
  await timeseries.start();
  timeseries.answer = emptyPrometheus();
  controlPlane = new ControlPlaneDouble();
  await controlPlane.start();
});

afterEach(async () => {
  await timeseries.stop();
  await controlPlane.stop();
  rmSync(directory, { recursive: true, force: true });
});

function flags(more: readonly string[]): string[] {
  const places = ['--store', `sqlite:${file}`, '--timeseries', timeseries.url, '--control-plane', controlPlane.url];
  return ['doctor', ...places, ...more];
}

async function examine(more: readonly string[], options: RunOptions = {}): Promise<Examined> {
  const ended = await starling([...flags(more), '-o', 'json'], options);
  expect(ended.stderr).toBe('');
  const { findings, isWell } = JSON.parse(ended.stdout) as { findings: Finding[]; isWell: boolean };
  expect(isWell).toBe(ended.code === 0);
  for (const { state, mend, what } of findings) expect(mend === '', what).toBe(state === 'good');
  return { ended, findings, about: (area, what) => findings.find((each) => each.area === area && each.what === what) };
}

/** A file as a fleet leaves it: with one member, and one active version. */
async function fillStore({ versionId = 'v-1' } = {}): Promise<void> {
  const store = await SqliteStore.open({ path: file, clock: systemClock });
  await store.agree(LAYOUT);
  await store.roster.beat({ memberId: 'm-1', beat: 7, state: 'active', version: '1', address: '', weight: 1 });
  const bucket = placeVersion(versionId);
  await store.catalogue.enrol(bucket, [activeOf(versionId, { bucket })], { ttlSeconds: 600 });
  await store.close();
}

describe('starling doctor on the store', () => {
  it('makes no file, and says that there is none yet', async () => {
    const { about } = await examine(['--only', 'store']);
    expect(about('store', 'file')).toMatchObject({
      state: 'good',
      detail: expect.stringContaining('not there so far'),
    });
    expect(about('store', 'may write')).toMatchObject({ state: 'good' });
    expect(readdirSync(directory)).toEqual([]);
  });

  it('finds a fleet that is well, and adds nothing but a member that has left', async () => {
    await fillStore();
    const { ended, about } = await examine(['--only', 'store']);
    expect(ended.code).toBe(0);
    expect(about('store', 'tables')).toMatchObject({ state: 'good', detail: 'as this version needs them' });
    expect(about('store', 'members')?.detail).toMatch(/^1 /);
    expect(about('store', 'active versions')?.detail).toBe('1');
    const db = new DatabaseSync(file, { readOnly: true });
    const members = db.prepare("SELECT member_id, state FROM members WHERE member_id <> 'm-1'").all();
    expect(members).toEqual([{ member_id: expect.stringMatching(/^doctor\//), state: 'left' }]);
    for (const table of ['function_state', 'ledger', 'controls'])
      expect(db.prepare(`SELECT count(*) AS rows FROM ${table}`).get()).toEqual({ rows: 0 });
    db.close();
  });

  it('does not agree on a layout for others', async () => {
    const store = await SqliteStore.open({ path: file, clock: systemClock });
    await store.close();
    const { about } = await examine(['--only', 'store']);
    expect(about('store', 'tables')).toMatchObject({ state: 'good', detail: 'no member has started so far' });
    const again = await SqliteStore.open({ path: file, clock: systemClock });
    expect(await again.readLayout()).toBeUndefined();
    await again.close();
  });

  it('says that the fleet agreed on something else', async () => {
    await fillStore();
    const { ended, about } = await examine(['--only', 'store', '--timeseries-bucket-label', 'bucket']);
    expect(ended.code).toBe(3);
    expect(about('store', 'tables')).toMatchObject({ state: 'bad', detail: expect.stringContaining('placement') });
  });

  it('keeps out of the file of another program', async () => {
    const db = new DatabaseSync(file);
    db.exec('CREATE TABLE theirs (id INTEGER)');
    db.close();
    const { ended, about } = await examine(['--only', 'store']);
    expect(ended.code).toBe(3);
    expect(about('store', 'file')).toMatchObject({ state: 'bad', detail: expect.stringContaining('another program') });
    const again = new DatabaseSync(file);
    expect(again.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()).toEqual([{ name: 'theirs' }]);
    again.close();
  });

  it('says that a file is none of SQLite', async () => {
    writeFileSync(file, 'just text, and long enough for a header'.repeat(10));
    const { ended, about } = await examine(['--only', 'store']);
    expect(ended.code).toBe(3);
    expect(about('store', 'connects')).toMatchObject({
      state: 'bad',
      detail: expect.stringContaining('not an SQLite'),
    });
  });

  it.skipIf(!isRoot)('says that a file, or its folder, is read-only for this user', async () => {
    await fillStore();
    const readOnly = await examine(['--only', 'store'], { uid: NOBODY });
    expect(readOnly.ended.code).toBe(3);
    const complaints = readOnly.findings.filter(({ state }) => state === 'bad');
    expect(complaints.map(({ detail }) => detail).join()).toMatch(/read-?only|unable to open/i);

    const locked = join(directory, 'locked');
    mkdirSync(locked, { mode: 0o755 });
    const { ended, about } = await examine(['--only', 'store', '--store', `sqlite:${locked}/deep/new.sqlite`], {
      uid: NOBODY,
    });
    expect(ended.code).toBe(3);
    expect(about('store', 'may write')).toMatchObject({ state: 'bad', detail: expect.stringContaining('EACCES') });
    expect(readdirSync(locked)).toEqual([]);
    chownSync(locked, NOBODY, NOBODY);
    expect(
      (await examine(['--only', 'store', '--store', `sqlite:${locked}/new.sqlite`], { uid: NOBODY })).ended.code,
    ).toBe(0);
  });

  it('says what memory is good for', async () => {
    const { ended, about } = await examine(['--only', 'store', '--store', 'memory:']);
    expect(ended.code).toBe(0);
    expect(about('store', 'lasts')?.state).toBe('doubtful');
    expect((await examine(['--only', 'store', '--store', 'memory:', '--strict'])).ended.code).toBe(3);
  });

  it('says that the store does not answer', async () => {
    const { ended, about } = await examine(['--only', 'store', '--store', 'cassandra://127.0.0.1:1/starling?dc=dc1']);
    expect(ended.code).toBe(3);
    expect(about('store', 'connects')).toMatchObject({
      state: 'bad',
      detail: expect.stringContaining('ECONNREFUSED'),
      mend: expect.stringContaining('store.url'),
    });
  });
});

describe('starling doctor on the time-series store', () => {
  const only = ['--only', 'timeseries'];

  it('finds nothing in an empty one, and says where to look', async () => {
    const { ended, about } = await examine(only);
    expect(ended.code).toBe(0);
    expect(about('timeseries', 'answers')?.detail).toMatch(/^prometheus at /);
    expect(about('timeseries', 'load')).toMatchObject({
      state: 'doubtful',
      mend: expect.stringContaining('docs/signals.md'),
    });
    expect(about('timeseries', 'discovery')?.state).toBe('doubtful');
  });

  it.each([
    [1, 'behind'],
    [-1, 'ahead'],
  ])('sees a clock that is an hour off (%i h)', async (hours, which) => {
    timeseries.answer = emptyPrometheus({ aheadMs: hours * 3_600_000 });
    const { ended, about } = await examine(only);
    expect(ended.code).toBe(3);
    const finding = about('timeseries', 'clocks agree');
    expect(finding?.state).toBe('bad');
    expect(finding?.detail).toMatch(new RegExp(`(3600|3599)\\d{3} ms ${which}`));
  });

  it.each<[string, () => ScriptedAnswer, RegExp, RegExp]>([
    [
      'a web page',
      () => ({ headers: { 'content-type': 'text/html' }, body: '<html><title>It works!</title></html>' }),
      /It works!|not.*Prometheus|HTML/i,
      /before \/api\/v1/,
    ],
    ['a redirect', () => ({ status: 302, headers: { location: '/login' } }), /redirect/, /before \/api\/v1/],
    ['401', () => ({ status: 401, body: 'who are you' }), /401/, /timeseries\.auth/],
    ['500', () => ({ status: 500, body: '{"status":"error","error":"boom"}' }), /500.*boom/, /look at the store/],
    ['broken connections', () => ({ isCut: true }), /cannot be reached/, /is it running/],
  ])('says what is wrong with %s', async (_, answer, detail, mend) => {
    timeseries.answer = answer;
    const { ended, about } = await examine(only);
    expect(ended.code).toBe(3);
    expect(about('timeseries', 'answers')).toMatchObject({
      state: 'bad',
      detail: expect.stringMatching(detail),
      mend: expect.stringMatching(mend),
    });
  });

  it('says that nothing listens there', async () => {
    const { about } = await examine([...only, '--timeseries', 'http://127.0.0.1:1']);
    expect(about('timeseries', 'answers')).toMatchObject({
      state: 'bad',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('names the file and line of a profile that cannot be used, and of a query that the store refuses', async () => {
    const profiles = join(directory, 'profiles');
    mkdirSync(profiles);
    writeFileSync(join(profiles, 'broken.yaml'), 'name: broken\nidentity: 3\n');
    const broken = await examine([...only, '--timeseries-profiles-dir', profiles, '--timeseries-profiles', 'broken']);
    expect(broken.ended.code).toBe(3);
    expect(broken.about('timeseries', 'profiles')?.detail).not.toContain('u000a');
    expect(broken.about('timeseries', 'profiles')).toMatchObject({
      state: 'bad',
      detail: expect.stringMatching(/broken\.yaml:2:\d+: identity/),
    });

    writeFileSync(join(profiles, 'mine.yaml'), MINE);
    timeseries.answer = (request) =>
      request.form.get('query')?.includes('summ by')
        ? {
            status: 400,
            body: '{"status":"error","errorType":"bad_data","error":"unknown function with name \\"summ\\""}',
          }
        : request.form.get('query')?.startsWith('label_replace(')
          ? vector([[{ metric: 'busy' }, '1']], { atSeconds: Number(request.form.get('start')) })
          : emptyPrometheus()(request);
    const mine = await examine([...only, '--timeseries-profiles-dir', profiles, '--timeseries-profiles', 'mine']);
    expect(mine.ended.code, mine.ended.stdout).toBe(3);
    expect(mine.about('timeseries', 'mine: utilisation')).toMatchObject({
      state: 'bad',
      detail: expect.stringMatching(/mine\.yaml:9.*unknown function with name "summ"/),
      mend: expect.stringContaining('mend the query'),
    });
  });
});

/** The query stands in line 9. */
const MINE = `name: mine
description: A profile with a slip in its query.
identity: { versionId: version, functionId: function, account: account }
scrapeIntervalSeconds: 15
rateScrapes: 5
freshSeconds: 60
queries:
  busy:
    promql: summ by ({{by}}) (last_over_time(busy{{{match}}}[{{fresh}}]))
    metrics: [busy]
signals:
  utilisation: busy
discovery: {}
`;

describe('starling doctor on the control plane', () => {
  const only = ['--only', 'store', 'control-plane'];

  it('finds one that is well', async () => {
    await fillStore();
    controlPlane.fleet.put({ versionId: 'v-1', functionId: 'f-1' });
    const { ended, about } = await examine(only);
    expect(ended.code).toBe(0);
    expect(about('control-plane', 'tells bounds and policies')?.detail).toContain('in pages');
    expect(controlPlane.seen.every(({ method }) => method === 'GET')).toBe(true);
  });

  it('says which versions it does not know', async () => {
    await fillStore({ versionId: 'quote"and\nnewline' });
    const { ended, about } = await examine(only);
    expect(ended.code).toBe(0);
    expect(about('control-plane', 'quote"and\nnewline')).toMatchObject({
      state: 'doubtful',
      detail: 'the control plane does not know it',
    });
    const { stdout } = await starling(flags(only));
    expect(stdout).toContain('quote"and\\u000anewline: the control plane does not know it');
  });

  it.each<[string, () => void, RegExp]>([
    ['a web page', () => void controlPlane.faults.inject({ fault: { kind: 'html', status: 200 } }), /not with JSON/],
    [
      'a web page for what is not there',
      () => void controlPlane.faults.inject({ fault: { kind: 'html', status: 404 } }),
      /JSON|404/,
    ],
    ['401', () => void controlPlane.faults.inject({ fault: { kind: 'status', status: 401 } }), /401/],
    ['403', () => void controlPlane.faults.inject({ fault: { kind: 'status', status: 403 } }), /403/],
    ['500', () => void controlPlane.faults.inject({ fault: { kind: 'status', status: 500 } }), /500/],
  ])('says what is wrong with %s', async (_, break_, detail) => {
    await fillStore();
    break_();
    const { ended, about } = await examine(only);
    expect(ended.code).toBe(3);
    expect(about('control-plane', 'tells bounds and policies')).toMatchObject({
      state: 'bad',
      detail: expect.stringMatching(detail),
      mend: expect.stringContaining('controlPlane.url'),
    });
  });

  it('does not call good what it could not ask', async () => {
    controlPlane.faults.inject({ fault: { kind: 'html', status: 404 } });
    const { about } = await examine(['--only', 'control-plane']);
    expect(about('control-plane', 'tells bounds and policies')?.state).toBe('doubtful');
  });

  it('says that nothing listens, that tokens are ignored, and that nothing is sent', async () => {
    await controlPlane.stop();
    const { ended, about } = await examine([
      ...['--only', 'control-plane', '--control-plane', 'http://127.0.0.1:1'],
      ...['--control-plane-fencing', 'plain', '--dry-run'],
    ]);
    expect(ended.code).toBe(3);
    expect(about('control-plane', 'tells bounds and policies')?.detail).toContain('ECONNREFUSED');
    expect(about('control-plane', 'fencing')?.state).toBe('doubtful');
    expect(about('control-plane', 'dry run')?.state).toBe('doubtful');
  });
});

describe('starling doctor', () => {
  it('prints each finding on one line, with the mend below, and colours only where it may', async () => {
    const plain = await starling(flags(['--timeseries', 'http://127.0.0.1:1']));
    expect(plain).toMatchObject({ code: 3, stderr: '' });
    expect(plain.stdout).toMatch(/^✓ configuration: valid/);
    expect(plain.stdout).toMatch(/\n✗ timeseries: answers: .*\n {4}is it running/);
    expect(plain.stdout).toMatch(/\n\d+ good, \d+ doubtful, 1 bad\n$/);
    expect(plain.stdout).not.toContain('\u001b');
    const forced = await starling(flags(['--only', 'store']), { env: { FORCE_COLOR: '1' } });
    expect(forced.stdout).toContain('\u001b[32m✓');
    const both = await starling(flags(['--only', 'store']), { env: { NO_COLOR: '1' } });
    expect(both.stdout).not.toContain('\u001b');
  });

  it('shows no secret, even when others repeat it', async () => {
    const token = join(directory, 'token');
    writeFileSync(token, 'canary-value\n', { mode: 0o600 });
    timeseries.answer = ({ headers }) => ({ status: 500, body: `refused: authorization: ${headers.authorization}` });
    const ended = await starling(flags(['--timeseries-auth-kind', 'bearer', '--timeseries-auth-token-file', token]));
    expect(ended.stdout).toContain('500');
    expect(ended.stdout + ended.stderr).not.toContain('canary');
  });

  it('ends with 3 and a mend when a secret cannot be read', async () => {
    const { ended, about } = await examine([
      ...['--only', 'timeseries', '--timeseries-auth-kind', 'bearer'],
      ...['--timeseries-auth-token-file', join(directory, 'absent')],
    ]);
    expect(ended.code).toBe(3);
    expect(about('timeseries', 'profiles')).toMatchObject({ state: 'bad', detail: expect.stringContaining('absent') });
  });

  it('gives up on Ctrl-C at once, with 130', async () => {
    timeseries.answer = () => undefined; // never
    const process = new StarlingProcess(flags([]));
    await process.says(/profiles/);
    const sentMs = performance.now();
    process.child.kill('SIGINT');
    const { code, stderr, stdout } = await process.ended;
    expect({ code, stderr }).toEqual({ code: 130, stderr: 'interrupted\n' });
    expect(stdout).not.toMatch(/^. control-plane:/m);
    expect(performance.now() - sentMs).toBeLessThan(5_000);
  });

  it('leaves nothing behind in the folder of a file that it only looked at', async () => {
    await examine([]);
    expect(existsSync(file)).toBe(false);
  });
});

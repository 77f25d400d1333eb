import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { EXIT } from '../../src/wiring/exit-codes.ts';
import { starling } from '../support/run-starling.ts';
import { ScriptedAdmin, type ScriptedAnswer, type SeenRequest } from '../support/scripted-admin.ts';

// Each of these is a process of its own, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const CANARY = 'canary-token-1234';
const UNTIL = '2026-01-01T01:00:00.000Z';

const member = { memberId: 'm1', address: '', isAlive: true, bucketsOwned: 1024 };
const aFunction = (versionId: string) => ({
  ...{ versionId, functionId: 'f', account: 'acme', owner: 'm1', isMine: true, seenAt: null, applied: 1 },
  ...{ phase: 'settled', outcome: 'applied', changedAt: null, min: 0, max: 9, utilisation: '+Inf', demand: 1 },
  latest: { at: null, verdict: 'keep', wanted: 1, actual: 1, policy: 'target', reasons: ['idle'] },
});
const status = {
  ...{ memberId: 'm1', version: '1', dependencies: [] },
  freeze: { isFrozen: false, isReleased: false, since: null, cause: null },
};
const paused = { kind: 'pause', versionId: 'v/1', until: UNTIL, by: 'ada', why: 'rollout' };

interface Listed {
  readonly versionId: string;
  readonly name: string | null;
  readonly control: unknown;
}

let admin: ScriptedAdmin | undefined;
let folder: string;
let tokenFile: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'starling-verbs-'));
  tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, `${CANARY}\n`);
});
afterEach(async () => {
  await admin?.stop();
  admin = undefined;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fleet({ method, path, body }: SeenRequest): ScriptedAnswer {
  if (method === 'PUT')
    return { body: { ...paused, ...(body as object), until: UNTIL, dryRun: path.includes('dryRun') } };
  if (method === 'DELETE') return { status: 204 };
  if (path === '/v1/status') return { body: status };
  if (path === '/v1/members') return { body: { items: [member] } };
  if (path === '/v1/controls') return { body: { items: [paused] } };
  if (path.startsWith('/v1/functions?limit=1000&cursor=next'))
    return { body: { items: [{ ...aFunction('v2'), name: 'of two' }], next: null } };
  if (path.startsWith('/v1/functions?')) return { body: { items: [aFunction('v/1')], next: 'next' } };
  return { status: 404, body: problem(404, 'path-unknown') };
}

function changes(): SeenRequest[] | undefined {
  return admin?.seen.filter(({ method }) => method !== 'GET');
}

function problem(status: number, code: string) {
  return { type: `urn:starling:problem:${code}`, title: 'No', status, detail: 'Because.', code };
}

async function on(answer: (request: SeenRequest) => ScriptedAnswer, ...args: string[]) {
  admin = await ScriptedAdmin.start(answer);
  return starling([...args, '--url', admin.url]);
}

describe('starling functions', () => {
  it('lists all pages, as a table, JSON and YAML of one document', async () => {
    admin = await ScriptedAdmin.start(fleet);
    const [table, json, yaml] = await Promise.all(
      ['table', 'json', 'yaml'].map((format) => starling(['functions', '--url', admin?.url ?? '', '-o', format])),
    );
    expect(table?.stdout).toMatch(/^NAME +VERSION .*\nof two +v2 .*idle\n- +v\/1 .*paused until .* by ada: rollout\n$/);
    const document = JSON.parse(json?.stdout ?? '') as { items: Listed[] };
    expect(document.items.map(({ versionId, name }) => [versionId, name])).toEqual([
      ['v2', 'of two'],
      ['v/1', null],
    ]);
    expect(document.items[1]?.control).toEqual(paused);
    expect(parse(yaml?.stdout ?? '')).toEqual(document);
    for (const ended of [table, json, yaml]) expect(ended).toMatchObject({ code: 0, stderr: '' });
  });

  it('asks the owners of what is live elsewhere, but never with the token', async () => {
    const other = await ScriptedAdmin.start(() => ({
      body: { items: [{ ...aFunction('v9'), owner: 'm2', utilisation: 77 }], next: null },
    }));
    try {
      const here = ({ path }: SeenRequest): ScriptedAnswer => {
        if (path === '/v1/members')
          return { body: { items: [member, { ...member, memberId: 'm2', address: other.url }] } };
        if (path === '/v1/controls') return { body: { items: [] } };
        const elsewhere = { ...aFunction('v9'), owner: 'm2', isMine: false, latest: null, utilisation: null };
        return { body: { items: [elsewhere], next: null } };
      };
      const open = await on(here, 'functions', '-o', 'json');
      expect(JSON.parse(open.stdout)).toMatchObject({ items: [{ utilisation: 77, isMine: true }] });
      expect(other.seen).toHaveLength(1);
      const guarded = await starling(['functions', '-o', 'json', '--url', admin?.url ?? '', '--token-file', tokenFile]);
      expect(JSON.parse(guarded.stdout)).toMatchObject({ items: [{ utilisation: null, isMine: false }] });
      expect(other.seen).toHaveLength(1);
    } finally {
      await other.stop();
    }
  });
});

describe('starling top', () => {
  it('prints once without a terminal, without colour', async () => {
    const { code, stdout, stderr } = await on(fleet, 'top');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^starling http:\S+ {2}1 replica, 2 function versions, 2 instances wanted, 2 running\n/);
    expect(stdout).not.toContain('\u001b');
  });

  it('has a document', async () => {
    const { stdout } = await on(fleet, 'top', '-o', 'json');
    expect(Object.keys(JSON.parse(stdout) as object)).toEqual(['status', 'members', 'functions']);
  });
});

describe('pause, override, resume and unfreeze', () => {
  it('say what the API is to take, with everything escaped', async () => {
    const { code, stdout } = await on(
      fleet,
      'pause',
      'v/1',
      '--for',
      '90m',
      '--why',
      'rollout',
      '--by',
      'ada',
      '--yes',
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: `stands: the pause of v/1 until ${UNTIL}, by ada: rollout\n` });
    expect(changes()).toEqual([
      {
        method: 'PUT',
        path: '/v1/functions/v%2F1/pause',
        authorization: undefined,
        body: { forSeconds: 5400, by: 'ada', why: 'rollout' },
      },
    ]);
  });

  it.each([
    [
      ['override', 'v1', '7', '--why', 'sale'],
      '/v1/functions/v1/override',
      { wanted: 7, forSeconds: 3600, why: 'sale' },
    ],
    [['unfreeze', '--why', 'looked', '--for', '10m'], '/v1/freeze/release', { forSeconds: 600, why: 'looked' }],
  ])('%j', async (args, path, body) => {
    const ended = await on(fleet, ...args, '--yes', '-o', 'json');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(ended.stdout)).toMatchObject({ until: UNTIL });
    expect(changes()).toMatchObject([{ method: 'PUT', path, body }]);
    expect(admin?.seen[0]?.body).toMatchObject({ by: expect.stringMatching(/.+/) });
  });

  it('warn of an id that no version has, and apply to a version that gets it later', async () => {
    const strangers = (request: SeenRequest) =>
      request.method === 'GET' ? { status: 404, body: problem(404, 'version-unknown') } : fleet(request);
    const { code, stdout, stderr } = await on(strangers, 'pause', 'checkout', '--why', 'x', '--yes');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'no active function version has the id checkout now; starling functions lists them\n',
    });
    expect(stdout).toMatch(/^stands: the pause of/);
    expect(admin?.seen.at(-1)?.path).toBe('/v1/functions/checkout');
  });

  it('ends what stands, and nothing where nothing stands', async () => {
    const ended = await on(fleet, 'resume', 'v/1', '--yes');
    expect(ended).toMatchObject({ code: 0, stdout: `ended: the pause of v/1 until ${UNTIL}, by ada: rollout\n` });
    expect(admin?.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /v1/controls',
      'DELETE /v1/functions/v%2F1/pause',
    ]);
    const nothing = await starling(['resume', 'v2', '--url', admin?.url ?? '']);
    expect(nothing).toMatchObject({ code: 0, stdout: 'v2 was neither paused nor overridden\n' });
  });

  it('change nothing without a yes, nor in a dry run', async () => {
    for (const args of [
      ['pause', 'v1', '--why', 'x'],
      ['override', 'v1', '3', '--why', 'x'],
      ['unfreeze', '--why', 'x'],
      ['resume', 'v/1'],
    ]) {
      const { code, stdout, stderr } = await on(fleet, ...args);
      expect({ args, code, stdout }).toEqual({ args, code: EXIT.usage, stdout: '' });
      expect(stderr).toContain('say --yes');
      expect(admin?.seen.filter(({ method }) => method !== 'GET')).toEqual([]);
      await admin?.stop();
    }
    const dry = await on(fleet, 'pause', 'v/1', '--why', 'x', '--dry-run');
    expect(dry).toMatchObject({ code: 0, stdout: expect.stringMatching(/^would stand: the pause/) });
    expect(admin?.seen[0]?.path).toBe('/v1/functions/v%2F1/pause?dryRun=true');
  });

  it.each([
    [['pause', 'v1'], /required option '--why <text>'/],
    [['pause', 'v1', '--why', 'x', '--for', '31d'], /a duration from 1s to 30d/],
    [['override', 'v1', '-1', '--why', 'x'], /unknown option|whole number/],
    [['override', 'v1', 'many', '--why', 'x'], /whole number from 0 to 1000000/],
    [['top', '--interval', '1ms'], /500ms or more/],
    [['functions', '--url', 'ftp://x'], /http:\/\/ or https:\/\/ URL/],
    [['functions', '--url', 'http://user:pw@x'], /without user/],
    [['completion', 'tcsh'], /Allowed choices are bash, zsh, fish/],
  ])('refuse %j with 2', async (args, says) => {
    const { code, stdout, stderr } = await starling(args);
    expect({ code, stdout }).toEqual({ code: EXIT.usage, stdout: '' });
    expect(stderr).toMatch(says);
  });
});

describe('exit codes', () => {
  it.each([
    [401, 'token-missing', EXIT.notAuthorised],
    [404, 'version-unknown', EXIT.checkFalse],
    [400, 'input-invalid', EXIT.usage],
    [429, 'too-many-changes', EXIT.failed],
    [500, 'fault', EXIT.failed],
    [503, 'store-unavailable', EXIT.cannotConnect],
  ])('%i %s', async (httpStatus, code, expected) => {
    const ended = await on(() => ({ status: httpStatus, body: problem(httpStatus, code) }), 'functions');
    expect([ended.code, ended.stdout]).toEqual([expected, '']);
    expect(ended.stderr).toMatch(/^No: Because\./);
  });

  it('when nothing listens, or another program does', async () => {
    const nobody = await starling(['functions'], { env: { STARLING_URL: 'http://127.0.0.1:1' } });
    expect(nobody).toMatchObject({ code: EXIT.cannotConnect, stdout: '' });
    expect(nobody.stderr).toMatch(/cannot reach the admin API at http:\/\/127\.0\.0\.1:1.*\n.*--url or STARLING_URL/);
    expect(await on(() => ({ body: '<html>' }), 'functions')).toMatchObject({
      code: EXIT.failed,
      stderr: expect.stringMatching(/not as Starling's admin API does/),
    });
    // The platform, say: it tells of problems in the same form.
    for (const body of [problem(404, 'not-found'), 'Not Found']) {
      expect(await on(() => ({ status: 404, body }), 'functions')).toMatchObject({
        code: EXIT.failed,
        stderr: expect.stringMatching(/knows nothing of \/v1\/.*not as Starling's admin API does; is the port right\?/),
      });
    }
  });
});

describe('the token', () => {
  it('is sent, from a file or the environment, and never shown', async () => {
    const refuse = (): ScriptedAnswer => ({ status: 401, body: problem(401, 'token-wrong') });
    const byFile = await on(refuse, 'functions', '--token-file', tokenFile);
    const byEnv = await starling(['functions', '--url', admin?.url ?? ''], {
      env: { STARLING_HTTP_ADMIN_TOKEN: CANARY, STARLING_DEBUG: '1' },
    });
    expect(new Set(admin?.seen.map(({ authorization }) => authorization))).toEqual(new Set([`Bearer ${CANARY}`]));
    expect(admin?.seen.length).toBeGreaterThan(1);
    for (const { code, stdout, stderr } of [byFile, byEnv]) {
      expect(code).toBe(EXIT.notAuthorised);
      expect(stdout + stderr).not.toContain(CANARY);
    }
  });

  it('goes nowhere else: not over plain HTTP to another machine, not after a redirect', async () => {
    const plain = await starling(['functions', '--url', 'http://10.0.0.1:1', '--token-file', tokenFile]);
    expect(plain).toMatchObject({ code: EXIT.usage, stderr: expect.stringContaining('over plain HTTP to 10.0.0.1:1') });
    const elsewhere = await ScriptedAdmin.start(fleet);
    try {
      const moved = await on(
        () => ({ status: 307, headers: { Location: elsewhere.url } }),
        ...['functions', '--token-file', tokenFile],
      );
      expect(moved.code).toBe(EXIT.cannotConnect);
      expect(elsewhere.seen).toEqual([]);
    } finally {
      await elsewhere.stop();
    }
  });

  it('must be one', async () => {
    const broken = join(folder, 'broken');
    writeFileSync(broken, `${CANARY}\nsecond line`);
    for (const file of [broken, join(folder, 'absent')]) {
      const { code, stderr } = await starling(['functions', '--token-file', file]);
      expect(code).toBe(EXIT.usage);
      expect(stderr).not.toContain(CANARY);
    }
  });
});

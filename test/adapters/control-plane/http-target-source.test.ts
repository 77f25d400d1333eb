import { describe, expect, it } from 'vitest';
import { ControlPlaneConnection } from '../../../src/adapters/control-plane/connection.ts';
import {
  HttpTargetSource,
  type HttpTargetSourceOptions,
} from '../../../src/adapters/control-plane/http-target-source.ts';
import type { FunctionVersion } from '../../../src/domain/function-version.ts';
import { defaultPolicy } from '../../../src/domain/policy.ts';
import {
  ControlPlaneDouble,
  type ControlPlaneDoubleOptions,
} from '../../support/control-plane/control-plane-double.ts';
import type { VersionSeed } from '../../support/control-plane/double-fleet.ts';
import { HandWoundClock } from '../../support/hand-wound-clock.ts';
import { middling, until } from './client-harness.ts';

const versionOf = (versionId: string): FunctionVersion => ({
  versionId,
  functionId: 'function-1',
  account: 'account-1',
});
const seedOf = (versionId: string, more: Partial<VersionSeed> = {}): VersionSeed => ({
  ...versionOf(versionId),
  maxInstances: 9,
  ...more,
});
const numbered = (count: number) => Array.from({ length: count }, (_, index) => `v${String(index).padStart(5, '0')}`);

async function setUp(
  ids: readonly string[],
  options: { double?: ControlPlaneDoubleOptions; source?: Partial<HttpTargetSourceOptions> } = {},
) {
  const clock = new HandWoundClock();
  const double = new ControlPlaneDouble({ versions: ids.map((id) => seedOf(id)), ...options.double });
  await double.start();
  const connection = new ControlPlaneConnection({ url: double.url, clock, random: middling });
  const source = new HttpTargetSource({
    connection,
    clock,
    random: middling,
    lookBackSeconds: 3_600,
    ...options.source,
  });
  const statuses = () => double.seen.map(({ status }) => status());
  return {
    clock,
    double,
    source,
    statuses,
    refresh: (wanted: readonly string[] = ids) => source.refresh(wanted.map(versionOf)),
    stateOf: (versionId: string) => source.get(versionId).state,
    targetOf: (versionId: string) => {
      const answer = source.get(versionId);
      if (answer.state !== 'known') throw new Error(`${versionId} is ${JSON.stringify(answer)}`);
      return answer;
    },
    [Symbol.asyncDispose]: async () => {
      connection.close();
      await double.stop();
    },
  };
}

describe('pages of scaling targets', () => {
  it.each(['bulk', 'single'] as const)(
    'tell what people call a version, and take another name for news (%s)',
    async (mode) => {
      await using it = await setUp(['named', 'nameless'], { source: { mode } });
      it.double.fleet.put(seedOf('named', { name: 'checkout' }));
      await it.refresh();
      expect(['named', 'nameless'].map((id) => it.targetOf(id).target.name)).toEqual(['checkout', undefined]);
      const before = it.targetOf('nameless').target;
      it.double.fleet.put(seedOf('named', { name: 'checkout of Europe' }));
      await it.clock.wind(60_000);
      await it.refresh();
      expect(it.targetOf('named').target.name).toBe('checkout of Europe');
      expect(it.targetOf('nameless').target).toBe(before);
    },
  );

  it('tell all that was asked for, from the first refresh on', async () => {
    const ids = numbered(25);
    await using it = await setUp(ids, { source: { pageSize: 10 } });
    expect(it.source.get('v00000')).toEqual({ state: 'unknown', detail: 'the control plane has not been asked yet' });
    expect(await it.refresh()).toEqual({ ok: true, detail: '' });
    expect(it.targetOf('v00024')).toEqual({
      state: 'known',
      ageMs: 0,
      target: {
        versionId: 'v00024',
        functionId: 'function-1',
        account: 'account-1',
        status: 'ACTIVE',
        instancesMin: 0,
        instancesMax: 9,
        concurrency: 1,
        policy: undefined,
        instancesActive: 0,
        instancesPending: 0,
      },
    });
    expect(it.source.status()).toMatchObject({ mode: 'bulk', known: 25, gone: 0, unknown: 0, pages: 3 });
    expect(it.double.count('scaling-targets')).toBe(3);
    expect(it.double.count('deployment')).toBe(0);
  });

  it('are not read again before they are due, and by ETag when they are', async () => {
    await using it = await setUp(numbered(25), { source: { pageSize: 10 } });
    await it.refresh();
    await it.refresh();
    expect(it.double.count('scaling-targets')).toBe(3);
    await it.clock.wind(60_000);
    expect(it.targetOf('v00003').ageMs).toBe(60_000);
    await it.refresh();
    expect(it.statuses()).toEqual([200, 200, 200, 304, 304, 304]);
    expect(it.targetOf('v00003').ageMs).toBe(0);
  });

  it('read anew only what changed', async () => {
    await using it = await setUp(numbered(25), { source: { pageSize: 10 } });
    await it.refresh();
    const before = it.targetOf('v00002').target;
    it.double.fleet.put({ versionId: 'v00012', maxInstances: 77 });
    await it.clock.wind(60_000);
    await it.refresh();
    expect(it.statuses().slice(3).sort()).toEqual([200, 304, 304]);
    expect(it.targetOf('v00012').target.instancesMax).toBe(77);
    expect(it.targetOf('v00002').target).toBe(before);
  });

  it('fall due apart, so that no cycle reads all of them', async () => {
    let state = 7;
    const next = () => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    await using it = await setUp(numbered(400), { source: { pageSize: 10, random: { next, uuid: () => '' } } });
    await it.refresh();
    expect(it.double.count('scaling-targets')).toBe(40);
    const perCycle: number[] = [];
    for (let cycle = 0; cycle < 16; cycle += 1) {
      const before = it.double.count('scaling-targets');
      await it.clock.wind(15_000);
      await it.refresh();
      perCycle.push(it.double.count('scaling-targets') - before);
    }
    expect(Math.max(...perCycle)).toBeLessThan(25);
    expect(perCycle.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(130);
    expect(it.source.status().oldestMs).toBeLessThanOrEqual(75_000);
  });

  it('keep their ETags when versions come and go elsewhere', async () => {
    await using it = await setUp(numbered(50), { source: { pageSize: 10 } });
    await it.refresh();
    for (const versionId of ['v00003a', 'v00003b']) it.double.fleet.put(seedOf(versionId));
    await it.clock.wind(60_000);
    await it.refresh();
    const after = it.statuses().slice(5);
    expect(after.filter((status) => status === 304)).toHaveLength(4);
    expect(after.filter((status) => status === 200)).toHaveLength(2);
    expect(it.source.status()).toMatchObject({ known: 50, pages: 6 });
    await it.refresh([...numbered(50), 'v00003a', 'v00003b']);
    expect(it.source.status()).toMatchObject({ known: 52 });
  });

  it('swallow pages that have emptied', async () => {
    const ids = numbered(50);
    await using it = await setUp(ids, { source: { pageSize: 10 } });
    await it.refresh();
    for (const id of ids.slice(5, 45)) it.double.fleet.remove(id);
    for (let round = 0; round < 3; round += 1) {
      await it.clock.wind(60_000);
      await it.refresh();
    }
    expect(it.source.status()).toMatchObject({ known: 10, gone: 40, pages: 1 });
  });

  it('stay right through any coming and going', async () => {
    let state = 1;
    const random = (below: number) => {
      state = (state * 48_271) % 2_147_483_647;
      return state % below;
    };
    const ids = numbered(120);
    await using it = await setUp(ids.slice(0, 60), { source: { pageSize: 7 } });
    const there = new Set(ids.slice(0, 60));
    for (let round = 0; round < 25; round += 1) {
      for (let change = 0; change < 12; change += 1) {
        const id = ids[random(ids.length)] ?? '';
        if (there.delete(id)) it.double.fleet.remove(id);
        else {
          there.add(id);
          it.double.fleet.put(seedOf(id, { maxInstances: 1 + random(50) }));
        }
      }
      // Twice: what was there once is believed gone only the second time.
      for (let pass = 0; pass < 2; pass += 1) {
        await it.clock.wind(60_000);
        expect(await it.refresh(ids)).toMatchObject({ ok: true });
      }
      for (const id of ids) {
        const answer = it.source.get(id);
        expect([id, answer.state]).toEqual([id, there.has(id) ? 'known' : 'gone']);
        if (answer.state === 'known') {
          expect(answer.target.instancesMax).toBe(it.double.fleet.find(id)?.maxInstances);
          expect(answer.ageMs).toBeLessThanOrEqual(60_000);
        }
      }
    }
    expect(it.source.status().pages).toBeLessThanOrEqual(2 * Math.ceil(there.size / 7) + 1);
  });

  it('tell a version that was taken over at once, though its page has not changed', async () => {
    await using it = await setUp(numbered(30), { source: { pageSize: 10 } });
    await it.refresh(['v00000']);
    expect(it.source.status()).toMatchObject({ known: 1 });
    await it.refresh(['v00000', 'v00015']);
    expect(it.targetOf('v00015').ageMs).toBe(0);
    expect(it.double.count('scaling-targets')).toBe(4);
  });

  it('keep only what was asked for, and drop it when nobody asks any more', async () => {
    await using it = await setUp(numbered(30), { source: { forgetAfterMs: 300_000 } });
    await it.refresh(['v00000', 'v00001']);
    for (let round = 0; round < 10; round += 1) {
      await it.clock.wind(60_000);
      await it.refresh(['v00001']);
    }
    expect(it.source.status()).toMatchObject({ known: 1, gone: 0, unknown: 0 });
    await it.refresh(['v00000', 'v00001']);
    expect(it.stateOf('v00000')).toBe('known');
  });
});

describe('a version that is gone', () => {
  it('was never there: at once; was there: not before the second time', async () => {
    await using it = await setUp(['a', 'b']);
    await it.refresh(['a', 'b', 'never']);
    expect(it.stateOf('never')).toBe('gone');
    it.double.fleet.remove('b');
    await it.clock.wind(60_000);
    await it.refresh(['a', 'b']);
    expect(it.targetOf('b').ageMs).toBe(60_000);
    await it.clock.wind(60_000);
    await it.refresh(['a', 'b']);
    expect([it.stateOf('a'), it.stateOf('b')]).toEqual(['known', 'gone']);
    it.double.fleet.put(seedOf('b', { maxInstances: 4 }));
    await it.clock.wind(60_000);
    await it.refresh(['a', 'b']);
    expect(it.targetOf('b').target.instancesMax).toBe(4);
  });

  it('is not believed gone when one answer is empty', async () => {
    await using it = await setUp(numbered(5));
    await it.refresh();
    it.double.faults.inject({ fault: { kind: 'status', status: 200, body: { items: [], next: null } }, times: 1 });
    await it.clock.wind(60_000);
    await it.refresh();
    expect(it.source.status()).toMatchObject({ known: 5, gone: 0 });
    await it.clock.wind(60_000);
    await it.refresh();
    expect(it.targetOf('v00000').ageMs).toBe(0);
  });
});

describe('a source that is down', () => {
  it('leaves what was known, growing old, and is asked again after growing pauses', async () => {
    await using it = await setUp(numbered(5));
    await it.refresh();
    const stop = it.double.faults.inject({ fault: { kind: 'status', status: 500, body: { detail: 'broken' } } });
    await it.clock.wind(60_000);
    expect(await it.refresh()).toEqual({ ok: false, detail: 'scaling targets: it answered 500: broken' });
    expect(it.targetOf('v00001')).toMatchObject({ ageMs: 60_000, target: { instancesMax: 9 } });
    const asked = it.double.count('scaling-targets');
    expect(await it.refresh()).toMatchObject({ ok: false });
    expect(it.double.count('scaling-targets')).toBe(asked);
    stop();
    await it.clock.wind(1_000);
    expect(await it.refresh()).toMatchObject({ ok: true });
    expect(it.targetOf('v00001').ageMs).toBe(0);
    expect(it.source.status()).toMatchObject({ lastError: '' });
  });

  it('never makes anything of nothing', async () => {
    await using it = await setUp(numbered(3));
    await it.double.stop();
    const result = await it.refresh();
    expect(result.ok).toBe(false);
    const answer = it.source.get('v00000');
    expect(answer).toMatchObject({ state: 'unknown' });
    expect(answer.state === 'unknown' && answer.detail).toContain('no connection');
  });

  it('that hangs ends at its deadline', async () => {
    await using it = await setUp(numbered(3), { source: { timeoutMs: 4_000 } });
    it.double.faults.inject({ fault: { kind: 'hang' } });
    const refreshing = it.refresh();
    await until(() => it.double.count('scaling-targets') === 1);
    await it.clock.wind(4_000);
    expect(await refreshing).toEqual({
      ok: false,
      detail: 'scaling targets: a page of scaling targets took longer than 4000 ms',
    });
  });

  it('half way through keeps what it told, and goes on from there', async () => {
    await using it = await setUp(numbered(30), { source: { pageSize: 10 } });
    it.double.faults.inject({ fault: { kind: 'delay', delayMs: 0 }, times: 2 });
    it.double.faults.inject({ fault: { kind: 'reset' }, times: 1 });
    expect(await it.refresh()).toMatchObject({ ok: false });
    expect(it.source.status()).toMatchObject({ known: 20, unknown: 10, gone: 0 });
    await it.clock.wind(1_000);
    expect(await it.refresh()).toMatchObject({ ok: true });
    expect(it.source.status()).toMatchObject({ known: 30 });
  });

  it('that complains is left alone for as long as it says', async () => {
    await using it = await setUp(numbered(3));
    it.double.faults.inject({ fault: { kind: 'status', status: 429, headers: { 'retry-after': '90' } }, times: 1 });
    await it.refresh();
    await it.clock.wind(89_000);
    expect(await it.refresh()).toMatchObject({ ok: false });
    expect(it.double.count('scaling-targets')).toBe(1);
    await it.clock.wind(1_000);
    expect(await it.refresh()).toMatchObject({ ok: true });
  });

  it('is not blamed when we stop', async () => {
    await using it = await setUp(numbered(3));
    it.double.faults.inject({ fault: { kind: 'hang' }, times: 1 });
    const leaving = new AbortController();
    const refreshing = it.source.refresh([versionOf('v00000')], leaving.signal);
    await until(() => it.double.count('scaling-targets') === 1);
    leaving.abort(new Error('stopping'));
    expect(await refreshing).toMatchObject({ ok: false });
    expect(it.source.status().lastErrorWallMs).toBeUndefined();
    expect(await it.refresh()).toMatchObject({ ok: true });
  });

  it.each<[string, object, string]>([
    [
      'out of order',
      { items: [{ functionVersionId: 'b' }, { functionVersionId: 'a' }], next: null },
      'pages must go up',
    ],
    ['without an end', { items: [], next: '' }, 'next'],
    ['a list', [], 'make no sense'],
  ])('answering %s is not believed', async (_, body, message) => {
    await using it = await setUp(numbered(3));
    await it.refresh();
    it.double.faults.inject({ fault: { kind: 'status', status: 200, body }, times: 1 });
    await it.clock.wind(60_000);
    const result = await it.refresh();
    expect(result.ok).toBe(false);
    expect(result.detail).toContain(message);
    expect(it.source.status()).toMatchObject({ known: 3, gone: 0 });
  });

  it('that answers with a web page says so', async () => {
    await using it = await setUp(numbered(3), { source: { mode: 'bulk' } });
    it.double.faults.inject({ fault: { kind: 'html', status: 200 } });
    expect((await it.refresh()).detail).toBe('scaling targets: it answered 200: not with JSON; is its URL right?');
  });
});

describe('policies', () => {
  const steps = { kind: 'steps', up: { threshold: 80, factor: 2 }, down: { threshold: 10, factor: 0.5 } };

  it('are shared by the versions that have the same', async () => {
    await using it = await setUp(['a', 'b', 'c'], {
      double: { versions: [seedOf('a', { policy: steps }), seedOf('b', { policy: steps }), seedOf('c')] },
      source: { basePolicy: { ...defaultPolicy('steps'), idleTimeoutSeconds: 42 } },
    });
    await it.refresh();
    const { policy } = it.targetOf('a').target;
    expect(policy).toMatchObject({ ...steps, idleTimeoutSeconds: 42 });
    expect(it.targetOf('b').target.policy).toBe(policy);
    expect(it.targetOf('c').target.policy).toBeUndefined();
  });

  it('of the control plane are ignored, also those that cannot work, where the default is for all', async () => {
    await using it = await setUp(['a', 'b'], {
      double: { versions: [seedOf('a', { policy: steps }), seedOf('b', { policy: { kind: 'magic' } })] },
      source: { policySource: 'default' },
    });
    await it.refresh();
    expect(it.targetOf('a').target.policy).toBeUndefined();
    expect(it.targetOf('b').target.policy).toBeUndefined();
  });

  it('that cannot work leave the last that could, growing old, and say what is wrong', async () => {
    await using it = await setUp(['a', 'b'], { double: { versions: [seedOf('a', { policy: steps }), seedOf('b')] } });
    await it.refresh();
    const inverted = { ...steps, up: { threshold: 5, factor: 2 } };
    it.double.fleet.put({ versionId: 'a', policy: inverted });
    for (const ageMs of [60_000, 120_000, 180_000]) {
      await it.clock.wind(60_000);
      await it.refresh();
      expect(it.targetOf('a')).toMatchObject({ ageMs, target: { policy: { up: { threshold: 80 } } } });
    }
    expect(it.targetOf('b').ageMs).toBe(0);
  });

  it('that never could are unknown, not the default', async () => {
    await using it = await setUp(['a'], { double: { versions: [seedOf('a', { policy: { kind: 'magic' } })] } });
    expect(await it.refresh()).toMatchObject({ ok: true });
    const answer = it.source.get('a');
    expect(answer.state === 'unknown' && answer.detail).toContain('there is no policy of kind "magic"');
  });

  it('beside nonsense bounds are unknown, and spoil no other', async () => {
    await using it = await setUp(['a', 'b'], {
      double: { versions: [seedOf('a', { maxInstances: -3 }), seedOf('b')] },
    });
    await it.refresh();
    expect(it.source.get('a')).toMatchObject({ state: 'unknown', detail: 'maxInstances: must be 0 or more' });
    expect(it.stateOf('b')).toBe('known');
  });
});

describe('a control plane without pages', () => {
  const single = { double: { hasScalingTargets: false } };

  it('is asked for each deployment, with its policy', async () => {
    const ids = numbered(20);
    await using it = await setUp(ids, {
      double: { hasScalingTargets: false, versions: ids.map((id) => seedOf(id, { minInstances: 1 })) },
    });
    it.double.fleet.change('v00003', {
      minInstances: 1,
      maxInstances: 9,
      configuration: { scaleUpDetails: { factor: 2, threshold: 85 } },
    });
    expect(await it.refresh([...ids, 'never'])).toMatchObject({ ok: true });
    expect(it.source.status()).toMatchObject({ mode: 'single', known: 20, gone: 1, unknown: 0 });
    expect(it.targetOf('v00003').target).toMatchObject({
      account: 'account-1',
      instancesMin: 1,
      instancesMax: 9,
      instancesActive: undefined,
      policy: { kind: 'steps', up: { factor: 2, threshold: 85 } },
    });
    expect(it.targetOf('v00004').target.policy).toBeUndefined();
    expect([it.double.count('scaling-targets'), it.double.count('deployment')]).toEqual([1, 21]);
  });

  it('is asked a few at a time, and for each only when due', async () => {
    await using it = await setUp(numbered(60), { ...single, source: { readsAtOnce: 3 } });
    it.double.faults.inject({ call: 'deployment', fault: { kind: 'delay', delayMs: 1 } });
    await it.refresh();
    expect(new Set(it.double.seen.map(({ port }) => port)).size).toBeLessThanOrEqual(3);
    await it.refresh();
    expect(it.double.count('deployment')).toBe(60);
    await it.clock.wind(60_000);
    await it.refresh();
    expect(it.double.count('deployment')).toBe(120);
  });

  it('is asked for no more than fits into one refresh, and the next goes on', async () => {
    const ids = numbered(200);
    await using it = await setUp(ids, { ...single, source: { budgetMs: 1_000, readsAtOnce: 2 } });
    const ticking = setInterval(() => it.clock.wind(50), 1);
    it.double.faults.inject({ call: 'deployment', fault: { kind: 'delay', delayMs: 2 } });
    await it.refresh();
    const first = it.source.status();
    expect(first.known).toBeGreaterThan(0);
    expect(first.unknown).toBeGreaterThan(0);
    for (let round = 0; round < 100 && it.source.status().unknown > 0; round += 1) await it.refresh();
    clearInterval(ticking);
    expect(it.source.status().known).toBe(200);
  });

  it('whose one deployment cannot be read loses only that one', async () => {
    await using it = await setUp(numbered(10), single);
    await it.refresh();
    it.double.faults.inject({
      call: 'deployment',
      versionId: 'v00004',
      fault: { kind: 'status', status: 500, body: { detail: 'this one' } },
    });
    await it.clock.wind(60_000);
    expect(await it.refresh()).toMatchObject({ ok: true });
    expect([it.targetOf('v00004').ageMs, it.targetOf('v00005').ageMs]).toEqual([60_000, 0]);
    const asked = it.double.count('deployment');
    await it.refresh();
    expect(it.double.count('deployment')).toBe(asked);
  });

  it('that is down is left after a few tries', async () => {
    await using it = await setUp(numbered(100), { ...single, source: { mode: 'single', readsAtOnce: 4 } });
    await it.refresh();
    it.double.faults.inject({ fault: { kind: 'status', status: 500, body: { detail: 'down' } } });
    await it.clock.wind(60_000);
    expect(await it.refresh()).toMatchObject({ ok: false });
    expect(it.double.count('deployment')).toBeLessThan(115);
    expect(it.source.status()).toMatchObject({ known: 100 });
  });

  it('that has no such path at all is not a fleet that is gone', async () => {
    await using it = await setUp(numbered(3), { source: { mode: 'single' } });
    await it.refresh();
    it.double.faults.inject({ fault: { kind: 'html', status: 404 } });
    await it.clock.wind(60_000);
    expect(await it.refresh()).toMatchObject({ ok: false });
    expect(it.source.status()).toMatchObject({ known: 3, gone: 0 });
  });

  it('is asked for pages again later, and one that had them is never taken for one without', async () => {
    const ids = numbered(5);
    await using it = await setUp(ids);
    const stop = it.double.faults.inject({
      call: 'scaling-targets',
      fault: { kind: 'status', status: 404, body: { title: 'no' } },
    });
    await it.refresh();
    expect(it.source.status()).toMatchObject({ mode: 'single', known: 5 });
    stop();
    await it.clock.wind(600_000);
    expect(await it.refresh()).toMatchObject({ ok: true });
    expect(it.source.status()).toMatchObject({ mode: 'bulk', known: 5 });
    it.double.faults.inject({ call: 'scaling-targets', fault: { kind: 'status', status: 404, body: { title: 'no' } } });
    await it.clock.wind(60_000);
    expect(await it.refresh()).toMatchObject({ ok: false });
    expect(it.source.status()).toMatchObject({ mode: 'bulk', known: 5 });
  });

  it('in bulk mode is an error that names the mend', async () => {
    await using it = await setUp(numbered(3), { ...single, source: { mode: 'bulk' } });
    expect((await it.refresh()).detail).toContain('set the targets mode to auto or single');
  });
});

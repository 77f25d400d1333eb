import { describe, expect, it } from 'vitest';
import type { FunctionState } from '../../../src/domain/function-state.ts';
import { Observer } from '../../../src/loops/scale/observe.ts';
import { type Tracked, track } from '../../../src/loops/scale/tracked.ts';
import { ScriptedSignals } from '../../support/scripted-signals.ts';

const MINUTE = 60_000;
const LOOK_BACK = 10 * MINUTE;
const ANY_PART = { name: 'all', buckets: undefined, prefixes: undefined };

function aWatch() {
  let nowMs = 1_700_000_040_000;
  const signals = new ScriptedSignals(() => nowMs);
  const observer = new Observer({
    scaling: { stepMs: MINUTE, lookBackMs: LOOK_BACK },
    timeseries: { profilePatienceMs: LOOK_BACK },
  });
  const tracked: Tracked = track({
    versionId: 'v1',
    functionId: 'f1',
    account: 'a1',
    bucket: 1,
    profiles: ['worker-threads'],
    seenMs: nowMs,
    discoveryToken: 1n,
  });
  const look = async (afterMs = 15_000) => {
    nowMs += afterMs;
    return observer.take(await signals.read(ANY_PART, {}))(tracked, nowMs);
  };
  return { signals, observer, tracked, look, now: () => nowMs };
}

/** The row of a version whose zero was accepted. */
function asleep(): FunctionState {
  return {
    bucket: 1,
    versionId: 'v1',
    token: 5n,
    nonce: 'n',
    phase: 'settled',
    holder: 'somebody',
    wanted: 0,
    previous: 1,
    reason: 'idle',
    claimedMs: 1_700_000_000_000,
    applied: 0,
    appliedToken: 5n,
    outcome: 'applied',
    settledMs: 1_700_000_000_100,
    memo: '',
  };
}

describe('what a replica sees of a version', () => {
  it('is fresh when its series answer', async () => {
    const { signals, look, now } = aWatch();
    signals.set('v1', { utilisation: 50, demand: 2, instances: 4, calls: 10 });
    const seen = await look();
    expect(seen.profile).toBe('worker-threads');
    expect(seen.utilisation).toEqual({ quality: 'fresh', samples: [{ atMs: now(), value: 50 }] });
    expect(seen.instances).toEqual({ quality: 'fresh', value: 4, atMs: now() });
  });

  it('is absent, not zero, when its series vanish, and stays with its profile', async () => {
    const { signals, look } = aWatch();
    signals.set('v1', { utilisation: 50, instances: 4 });
    signals.set('v1', { instances: 1 }, 'control-plane');
    await look();
    signals.profiles.get('worker-threads')?.delete('v1');
    const seen = await look();
    expect(seen.profile).toBe('worker-threads');
    expect(seen.instances).toEqual({ quality: 'absent', value: undefined, atMs: undefined });
    expect(seen.utilisation.quality).toBe('absent');
    expect(seen.utilisation.samples).toHaveLength(1);
  });

  it('falls through to the next profile when its own has been silent for the whole look-back', async () => {
    const { signals, tracked, look } = aWatch();
    signals.set('v1', { utilisation: 50, instances: 4 });
    signals.set('v1', { utilisation: 20, instances: 3 }, 'control-plane');
    await look();
    signals.profiles.get('worker-threads')?.delete('v1');
    for (let silent = 0; silent < LOOK_BACK; silent += MINUTE)
      expect((await look(MINUTE)).profile).toBe('worker-threads');
    const seen = await look(MINUTE);
    expect(seen.profile).toBe('control-plane');
    expect(tracked.profile).toBe('control-plane');
    expect(seen.utilisation.samples.map((sample) => sample.value)).toEqual([20]);
  });

  it('goes back to a better profile as soon as that shows the version', async () => {
    const { signals, look } = aWatch();
    signals.set('other', { instances: 1 });
    signals.set('v1', { utilisation: 20, instances: 3 }, 'control-plane');
    expect((await look()).profile).toBe('control-plane');
    signals.set('v1', { utilisation: 60, instances: 3 });
    expect((await look()).profile).toBe('worker-threads');
  });

  it('is stale when the read failed, partial when the store said so, and never absent then', async () => {
    const { signals, look } = aWatch();
    signals.set('v1', { utilisation: 50, instances: 4, calls: 1 });
    await look();
    signals.state = 'failed';
    const failed = await look();
    expect([failed.utilisation.quality, failed.instances.quality, failed.invocation.quality]).toEqual([
      'stale',
      'stale',
      'stale',
    ]);
    signals.state = 'partial';
    expect((await look()).utilisation.quality).toBe('partial');
    signals.profiles.get('worker-threads')?.delete('v1');
    signals.set('other', { utilisation: 1, instances: 1, calls: 1 });
    expect((await look()).utilisation.quality).toBe('stale');
  });
});

it('takes what the reader rejected for no sample, and not for absence', async () => {
  const { signals, observer, tracked, look, now } = aWatch();
  signals.set('v1', { utilisation: 50, instances: 4 });
  await look();
  const [reading] = await signals.read(ANY_PART, {});
  if (!reading?.utilisation) throw new Error('nothing was read');
  const column = reading.utilisation;
  const utilisation = {
    ...column,
    versionIds: [],
    values: new Float64Array(),
    rejected: [{ versionId: 'v1', why: 'ambiguous' as const }],
  };
  const seen = observer.take([{ ...reading, utilisation }])(tracked, now());
  expect(seen.utilisation.quality).toBe('invalid');
  expect(seen.instances.quality).toBe('fresh');
});

describe('calls', () => {
  it('are seen as a change of the counter, in either direction, and as its birth', async () => {
    const { signals, look, now } = aWatch();
    signals.set('other', { instances: 1, calls: 1 });
    signals.set('v1', { instances: 1 });
    expect((await look()).invocation).toMatchObject({ quality: 'fresh', lastMs: undefined });
    signals.set('v1', { instances: 1, calls: 1 });
    expect((await look()).invocation.lastMs).toBe(now());
    const bornMs = now();
    expect((await look()).invocation.lastMs).toBe(bornMs);
    signals.set('v1', { instances: 1, calls: 5 });
    expect((await look()).invocation.lastMs).toBe(now());
    signals.set('v1', { instances: 1, calls: 2 });
    expect((await look()).invocation.lastMs).toBe(now());
  });

  it('are not inferred from a counter that stood there when the version was taken over', async () => {
    const { signals, look } = aWatch();
    signals.set('v1', { instances: 1, calls: 500 });
    expect((await look()).invocation.lastMs).toBeUndefined();
  });

  it('are watched since the first look; the back-fill proves more, a failed one nothing', async () => {
    const { signals, observer, tracked, look, now } = aWatch();
    signals.set('v1', { instances: 1, calls: 500 });
    const first = await look();
    const firstMs = now();
    expect(first.invocation.watchedSinceMs).toBe(firstMs);
    signals.backfillState = 'failed';
    observer.prefill(tracked, await signals.backfill(), { nowMs: now(), idleMs: 30 * MINUTE });
    expect((await look()).invocation.watchedSinceMs).toBe(firstMs);
    signals.backfillState = 'read';
    observer.prefill(tracked, await signals.backfill(), { nowMs: now(), idleMs: 30 * MINUTE });
    expect((await look()).invocation.watchedSinceMs).toBeLessThanOrEqual(firstMs + 15_000 - 30 * MINUTE);
    expect((await look()).invocation.lastMs).toBeUndefined();
  });

  it('found by the back-fill count as now: that only delays zero', async () => {
    const { signals, observer, tracked, look, now } = aWatch();
    signals.set('v1', { instances: 1, calls: 500 });
    await look();
    signals.invokedLately = new Set(['v1']);
    observer.prefill(tracked, await signals.backfill(), { nowMs: now(), idleMs: 30 * MINUTE });
    expect(tracked.lastInvokedMs).toBe(now());
  });

  it('of a version that was put to sleep wake it only where no owner can have seen them', async () => {
    const { signals, observer, tracked, look, now } = aWatch();
    signals.set('v1', { instances: 0, calls: 500 });
    await look();
    tracked.state = asleep();
    signals.invokedLately = new Set(['v1']);
    observer.prefill(tracked, await signals.backfill(), { nowMs: now(), idleMs: 30 * MINUTE });
    expect(tracked.lastInvokedMs).toBeUndefined();
    signals.invokedInGap = new Set(['v1']);
    observer.prefill(tracked, await signals.backfill(), { nowMs: now(), idleMs: 30 * MINUTE });
    expect(tracked.lastInvokedMs).toBe(now());
  });

  it('are proven by no profile alone while the counters of another cannot be read', async () => {
    const { signals, observer, tracked, look, now } = aWatch();
    signals.set('v1', { instances: 1, calls: 5 });
    signals.set('v1', { instances: 1, calls: 5 }, 'control-plane');
    expect((await look()).invocation.quality).toBe('fresh');
    for (const failing of [0, 1]) {
      const readings = await signals.read(ANY_PART, {});
      const broken = readings.map((reading, index) =>
        index === failing && reading.invocation
          ? { ...reading, invocation: { ...reading.invocation, state: 'failed' as const, versionIds: [] } }
          : reading,
      );
      expect(observer.take(broken)(tracked, now()).invocation.quality).toBe('stale');
    }
  });

  it('are not compared with what was counted before the version left and came again', async () => {
    const { signals, observer, tracked, look } = aWatch();
    signals.set('v1', { instances: 1, calls: 5 });
    await look();
    observer.forget('v1');
    Object.assign(tracked, { isCounterWatched: false, lastInvokedMs: undefined });
    signals.set('v1', { instances: 1, calls: 9 });
    expect((await look()).invocation.lastMs).toBeUndefined();
  });

  it('are unknown, not none, when no version has the counters', async () => {
    const { signals, look } = aWatch();
    signals.set('v1', { instances: 1 });
    signals.presence = false;
    expect((await look()).invocation).toEqual({ quality: 'absent', lastMs: undefined, watchedSinceMs: undefined });
  });
});

it('fills the past behind what was seen since', async () => {
  const { signals, observer, tracked, look, now } = aWatch();
  signals.set('v1', { utilisation: 50, instances: 1 });
  await look();
  signals.past = new Map([
    [
      'v1',
      [
        [now() - 3 * MINUTE, 10],
        [now() - 2 * MINUTE, 20],
      ] as const,
    ],
  ]);
  observer.prefill(tracked, await signals.backfill(), { nowMs: now(), idleMs: 30 * MINUTE });
  expect((await look()).utilisation.samples.map((sample) => sample.value)).toEqual([10, 20, 50]);
});

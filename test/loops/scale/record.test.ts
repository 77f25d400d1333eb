import pino from 'pino';
import { describe, expect, it } from 'vitest';
import type { Decision } from '../../../src/domain/decision.ts';
import type { Reason } from '../../../src/domain/reason.ts';
import { Recorder } from '../../../src/loops/scale/record.ts';
import { track } from '../../../src/loops/scale/tracked.ts';
import { silentMeters } from '../../../src/telemetry/meters.ts';
import { someSignals } from '../../scaling/situations.ts';
import { FaultyStore, FaultyWorld } from '../../support/faulty-connection.ts';
import { anActuation } from '../../support/fenced-control-plane.ts';
import { HandWoundClock, settle } from '../../support/hand-wound-clock.ts';

function aRecorder(bufferMax = 100) {
  const clock = new HandWoundClock();
  const world = new FaultyWorld({ clock });
  const store = new FaultyStore(world, { name: 'm1' });
  let dropped = 0;
  const recorder = new Recorder({
    memberId: 'm1',
    ledger: store.ledger,
    clock,
    logger: pino({ level: 'silent' }),
    meters: {
      ...silentMeters,
      add: (name, value) => {
        if (name === 'starling_ledger_dropped_total') dropped += value;
      },
    },
    settings: { store: { ledgerFlushMs: 1_000, ledgerBuffer: bufferMax } },
  });
  const version = (versionId = 'v1') =>
    track({ versionId, functionId: 'f1', account: 'a1', bucket: 3, profiles: [], seenMs: 0, discoveryToken: 1n });
  const decision = (verdict: Decision['verdict'], code: Reason['code'], given: Partial<Decision> = {}): Decision => ({
    verdict,
    previous: 2,
    actual: 2,
    wanted: 2,
    reasons: [{ code, facts: {} }],
    policy: 'steps',
    atMs: clock.wallMs(),
    signals: someSignals(),
    ...given,
  });
  const entries = (versionId = 'v1') =>
    (world.ledger.get(versionId) ?? []).map(({ verdict, outcome }) => [verdict, outcome]);
  return { clock, store, recorder, version, decision, entries, dropped: () => dropped };
}

describe('the record', () => {
  it('takes what is new: another verdict or other reasons, and not other numbers', async () => {
    const { clock, recorder, version, decision, entries } = aRecorder();
    const tracked = version();
    recorder.decided(tracked, decision('keep', 'load-within-band'));
    recorder.decided(tracked, decision('abstain', 'no-samples'));
    recorder.decided(tracked, decision('abstain', 'no-samples', { actual: 3 }));
    recorder.decided(tracked, decision('keep', 'load-within-band'));
    await clock.wind(1_000);
    expect(entries()).toEqual([
      ['abstain', undefined],
      ['keep', undefined],
    ]);
    expect(tracked.latest).toMatchObject({ verdict: 'keep' });
  });

  it('enters what is acted on once its outcome is known, with the token', async () => {
    const { clock, recorder, version, decision, entries } = aRecorder();
    const tracked = version();
    const raise = decision('raise', 'load-above-target', { wanted: 3 });
    recorder.decided(tracked, raise);
    await clock.wind(1_000);
    expect(entries()).toEqual([]);
    recorder.acted(tracked, raise, anActuation({ outcome: 'failed' }));
    await clock.wind(1_000);
    expect(entries()).toEqual([['raise', 'failed']]);
  });

  it('drops the oldest when it cannot write, and counts them', async () => {
    const { clock, store, recorder, version, decision, entries, dropped } = aRecorder(2);
    for (const versionId of ['v1', 'v2', 'v3']) recorder.decided(version(versionId), decision('abstain', 'gone'));
    await clock.wind(1_000);
    expect([entries('v1').length, entries('v3').length, dropped()]).toEqual([0, 1, 1]);
    store.connection.failNext('unavailable', 'ledger.record');
    recorder.decided(version('v4'), decision('abstain', 'gone'));
    await clock.wind(1_000);
    expect([entries('v4').length, dropped()]).toEqual([0, 2]);
  });

  it('writes what is left when it closes', async () => {
    const { clock, recorder, version, decision, entries } = aRecorder();
    recorder.decided(version(), decision('abstain', 'gone'));
    await recorder.close();
    await settle();
    expect(entries()).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it('knows since when a bucket was served, and forgets it with the bucket', async () => {
    const { clock, recorder } = aRecorder();
    recorder.served([3]);
    await clock.wind(5_000);
    expect([recorder.hasServed(3), recorder.servedAgeMs(3), recorder.servedAgeMs(4)]).toEqual([true, 5_000, undefined]);
    recorder.left(3);
    expect(recorder.hasServed(3)).toBe(false);
  });
});

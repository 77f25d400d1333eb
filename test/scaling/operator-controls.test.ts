import { describe, expect, it } from 'vitest';
import type { Control } from '../../src/domain/control.ts';
import { decide } from '../../src/scaling/decide.ts';
import { DECIDING_DEFAULTS } from '../../src/scaling/deciding-settings.ts';
import { codesOf } from './rehearsal.ts';
import { aSituation, aTarget, aWindow, NOW_MS, someSignals } from './situations.ts';

const pause: Control = { kind: 'pause', versionId: 'version', until: NOW_MS + 1, by: 'ana', why: 'upgrade' };
const override = (wanted: number, until = NOW_MS + 1): Control => ({
  kind: 'override',
  versionId: 'version',
  wanted,
  until,
  by: 'ana',
  why: 'launch day',
});
const hot = someSignals({ utilisation: aWindow([90]) });
const bounded = { state: 'known' as const, ageMs: 0, target: aTarget({ instancesMin: 2, instancesMax: 50 }) };

describe('the word of people', () => {
  it('pauses a version, and says what it would have been', () => {
    const { decision } = decide(aSituation({ signals: hot, controls: [pause] }));
    expect(decision).toMatchObject({ verdict: 'keep', wanted: 10 });
    expect(decision.reasons[1]).toEqual({
      code: 'paused',
      facts: { by: 'ana', why: 'upgrade', until: NOW_MS + 1, instead: 12 },
    });
  });

  it('overrides load, pace and freeze, down as well as up', () => {
    const situation = aSituation({ signals: hot, target: bounded, isFleetFrozen: true });
    expect(decide({ ...situation, controls: [override(40)] }).decision).toMatchObject({ verdict: 'raise', wanted: 40 });
    expect(decide({ ...situation, controls: [override(3)] }).decision).toMatchObject({ verdict: 'lower', wanted: 3 });
  });

  it('overrides also where nothing is known of the load or the policy', () => {
    const blind = aSituation({
      policy: { state: 'unknown' },
      signals: someSignals({ utilisation: aWindow([], 'absent') }),
      controls: [override(3)],
    });
    expect(decide(blind).decision).toMatchObject({ verdict: 'lower', wanted: 3 });
  });

  it('is held to the bounds, unless the service is set up otherwise', () => {
    const situation = aSituation({ target: bounded, controls: [override(400)] });
    const clamped = decide(situation).decision;
    expect(clamped.wanted).toBe(50);
    expect(codesOf(clamped).slice(-2)).toEqual(['overridden', 'ceiling']);
    expect(decide({ ...situation, controls: [override(0)] }).decision.wanted).toBe(2);
    const settings = { ...DECIDING_DEFAULTS, overrideIgnoresBounds: true };
    expect(decide({ ...situation, settings }).decision.wanted).toBe(400);
  });

  it('ends by itself', () => {
    const situation = aSituation({ controls: [override(3, NOW_MS), { ...pause, until: NOW_MS - 1 }] });
    expect(decide(situation).decision).toMatchObject({ verdict: 'keep', wanted: 10 });
    expect(codesOf(decide(situation).decision)).toEqual(['load-within-band']);
  });

  it('pauses before it overrides', () => {
    const { decision } = decide(aSituation({ controls: [override(3), pause] }));
    expect(decision).toMatchObject({ verdict: 'keep', wanted: 10 });
  });

  it('does not reach what is not active, not known, or not vouched for', () => {
    const controls = [override(3)];
    const inactive = { ...bounded, target: aTarget({ status: 'INACTIVE' }) };
    expect(decide(aSituation({ controls, target: inactive })).decision).toMatchObject({
      verdict: 'keep',
      reasons: [{ code: 'not-active', facts: { status: 'INACTIVE' } }],
    });
    expect(decide(aSituation({ controls, target: { state: 'gone' } })).decision).toMatchObject({
      verdict: 'abstain',
      reasons: [{ code: 'gone' }],
    });
    expect(
      decide(aSituation({ controls, target: { state: 'barred', detail: 'two scale it' } })).decision,
    ).toMatchObject({
      verdict: 'abstain',
      reasons: [{ code: 'barred', facts: { detail: 'two scale it' } }],
    });
    expect(decide(aSituation({ controls, target: { state: 'unknown', detail: 'down' } })).decision).toMatchObject({
      verdict: 'abstain',
      reasons: [{ code: 'policy-unknown', facts: { detail: 'down' } }],
    });
    const blockedBy = { code: 'clock-skew' as const, facts: { skewSeconds: 3600 } };
    expect(decide(aSituation({ controls, blockedBy })).decision).toMatchObject({
      verdict: 'abstain',
      reasons: [blockedBy],
    });
  });
});

describe('a policy that is only remembered', () => {
  it('is gone by, and said to be old', () => {
    const situation = aSituation({ signals: hot });
    if (situation.policy.state !== 'known') throw new Error('unreachable');
    const { decision } = decide({
      ...situation,
      policy: { state: 'last-known', policy: situation.policy.policy, ageMs: 90_000 },
    });
    expect(decision).toMatchObject({ verdict: 'raise', wanted: 12 });
    expect(decision.reasons[0]).toEqual({ code: 'policy-stale', facts: { ageSeconds: 90 } });
  });

  it('is not replaced by a default where there is none', () => {
    const { decision } = decide(aSituation({ signals: hot, policy: { state: 'unknown' } }));
    expect(decision).toMatchObject({ verdict: 'abstain', wanted: 10, policy: 'unknown' });
  });
});

describe('counting instances', () => {
  it('takes what starts for wanted too, where nothing was ever asked for', () => {
    const target = { state: 'known' as const, ageMs: 0, target: aTarget({ instancesActive: 2, instancesPending: 3 }) };
    const signals = someSignals({
      utilisation: aWindow([90]),
      instances: { quality: 'fresh', value: 2, atMs: NOW_MS },
    });
    const { decision } = decide(aSituation({ previous: undefined, target, signals }));
    expect(decision).toMatchObject({ verdict: 'keep', previous: 5, actual: 2, wanted: 5 });
  });

  it('steps down from no count of which some may be missing', () => {
    const signals = someSignals({
      utilisation: aWindow([10]),
      instances: { quality: 'partial', value: 4, atMs: NOW_MS },
    });
    const { decision } = decide(aSituation({ signals }));
    expect(decision).toMatchObject({ verdict: 'keep', wanted: 10 });
    expect(codesOf(decision)).toEqual(['load-below-target', 'partial-samples']);
  });

  it('abstains without any', () => {
    const signals = someSignals({ instances: { quality: 'absent', value: undefined, atMs: undefined } });
    const { decision } = decide(aSituation({ signals, previous: undefined }));
    expect(decision).toMatchObject({ verdict: 'abstain', previous: undefined, wanted: undefined });
    expect(codesOf(decision)).toEqual(['instances-unknown']);
  });
});

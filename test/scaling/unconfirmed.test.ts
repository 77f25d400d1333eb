import { describe, expect, it } from 'vitest';
import type { Control } from '../../src/domain/control.ts';
import { ABSENT_GAUGE, ABSENT_WINDOW } from '../../src/domain/signal.ts';
import { decide } from '../../src/scaling/decide.ts';
import { aSituation, aTarget, aWindow, NOW_MS, someSignals } from './situations.ts';

const codesOf = (given: Parameters<typeof aSituation>[0]) => {
  const { decision } = decide(aSituation({ isUnconfirmed: true, ...given }));
  return { ...decision, codes: decision.reasons.map(({ code }) => code) };
};

describe('an order whose outcome is not known', () => {
  it('is to be sent again when the load asks for no other', () => {
    expect(codesOf({})).toMatchObject({
      verdict: 'keep',
      wanted: 10,
      codes: ['load-within-band', 'unconfirmed'],
    });
  });

  it('is to be sent again also when there is no load to go by: a start from zero may have been lost', () => {
    const blind = someSignals({ utilisation: ABSENT_WINDOW, instances: ABSENT_GAUGE });
    expect(codesOf({ previous: 1, signals: blind })).toMatchObject({
      verdict: 'abstain',
      wanted: 1,
      codes: ['no-samples', 'unconfirmed'],
    });
  });

  it('is overtaken by a new decision', () => {
    const hot = codesOf({ signals: someSignals({ utilisation: aWindow([90]) }) });
    expect(hot.verdict).toBe('raise');
    expect(hot.codes).not.toContain('unconfirmed');
  });

  it('is left alone while the version is paused, and where nothing may be sent', () => {
    const pause: Control = { kind: 'pause', versionId: 'version', until: NOW_MS + 1, by: 'me', why: 'x' };
    expect(codesOf({ controls: [pause] }).codes).not.toContain('unconfirmed');
    const inactive = aTarget({ status: 'INACTIVE' });
    expect(codesOf({ target: { state: 'known', target: inactive, ageMs: 0 } }).codes).toEqual(['not-active']);
    expect(codesOf({ target: { state: 'gone' } }).codes).toEqual(['gone']);
    const blockedBy = { code: 'clock-skew', facts: {} } as const;
    expect(codesOf({ blockedBy }).codes).toEqual(['clock-skew']);
  });

  it('stays within its bounds', () => {
    const target = { state: 'known', target: aTarget({ instancesMax: 7 }), ageMs: 0 } as const;
    expect(codesOf({ target })).toMatchObject({ verdict: 'lower', wanted: 7 });
  });
});

import { describe, expect, it } from 'vitest';
import type { Reason } from '../../src/domain/reason.ts';
import { REASONS } from '../../src/domain/reason-table.ts';
import { reasonText, whyNot } from '../../src/domain/reason-text.ts';

const CODES = Object.keys(REASONS) as Reason['code'][];

describe('the text of a reason', () => {
  it.each(CODES)('makes one sentence of %s, also when its facts are gone', (code) => {
    const sentence = reasonText({ code, facts: {} });
    expect(sentence).toMatch(/^\S.{10,}/);
    expect(sentence).not.toMatch(/undefined|NaN|null/);
  });

  it.each<[Reason, string]>([
    [
      { code: 'load-above-target', facts: { latest: 90, threshold: 70, step: 12 } },
      'Utilisation of 90 % is above 70 %, which asks for 12 instances.',
    ],
    [
      { code: 'load-above-target', facts: { demand: 7, perInstance: 0.7, aim: 10 } },
      'Demand of 7 calls needs 10 instances at 0.7 calls each.',
    ],
    [
      { code: 'load-below-target', facts: { latest: 3, threshold: 30, step: 1 } },
      'Utilisation of 3 % is below 30 %, which asks for 1 instance.',
    ],
    [{ code: 'idle', facts: { idleSeconds: 1800 } }, 'No call for 30 min, and load is low: nothing needs to run.'],
    [
      { code: 'paused', facts: { by: 'ana', why: 'upgrade', until: 1_700_000_000_000 } },
      'Paused by ana until 2023-11-14T22:13:20.000Z: upgrade',
    ],
  ])('%j', (reason, sentence) => {
    expect(reasonText(reason)).toBe(sentence);
  });

  it('does not fail on a code of a later version', () => {
    expect(reasonText({ code: 'from-the-future' as Reason['code'], facts: {} })).toContain('from-the-future');
  });
});

describe('why a version was not moved further', () => {
  it('says what would move a version that is kept', () => {
    const reasons: Reason[] = [{ code: 'load-within-band', facts: { latest: 50, up: 70, down: 30 } }];
    expect(whyNot({ verdict: 'keep', previous: 10, wanted: 10, reasons })).toEqual([
      'Utilisation above 70 % would raise it, below 30 % lower it.',
    ]);
  });

  it('turns demand back from instances', () => {
    const reasons: Reason[] = [{ code: 'load-within-band', facts: { demand: 6.5, perInstance: 0.7, aim: 10 } }];
    expect(whyNot({ verdict: 'keep', previous: 10, wanted: 10, reasons })).toEqual([
      'Demand above 7 calls would raise it, at or below 6.3 lower it.',
    ]);
  });

  it('names everything that held it back, in order', () => {
    const reasons: Reason[] = [
      { code: 'load-above-target', facts: { latest: 90, threshold: 70, step: 40 } },
      { code: 'step-limited', facts: { aim: 40, to: 20, start: 10, periodSeconds: 60 } },
      { code: 'ceiling', facts: { max: 15, aim: 20 } },
    ];
    expect(whyNot({ verdict: 'raise', previous: 10, wanted: 15, reasons })).toEqual([
      'It would go to 40 at once without the step limit of its policy; so it takes more steps.',
      'A maximum above 15 would be needed to go higher.',
    ]);
  });

  it('has nothing to say of a move that nothing held back', () => {
    const reasons: Reason[] = [{ code: 'load-above-target', facts: { latest: 90, threshold: 70, step: 12 } }];
    expect(whyNot({ verdict: 'raise', previous: 10, wanted: 12, reasons })).toEqual([]);
  });

  it('says of a version at rest that it is where load wants it', () => {
    const reasons: Reason[] = [{ code: 'load-below-target', facts: { latest: 3, threshold: 30, step: 1 } }];
    expect(whyNot({ verdict: 'keep', previous: 1, wanted: 1, reasons })[0]).toContain('already wanted (1)');
  });

  it.each(CODES)('leaves no hole where the facts of %s are gone', (code) => {
    for (const sentence of whyNot({ verdict: 'keep', previous: 1, wanted: 1, reasons: [{ code, facts: {} }] })) {
      expect(sentence).not.toMatch(/undefined|NaN|null/);
    }
  });
});

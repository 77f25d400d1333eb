import { describe, expect, it } from 'vitest';
import { areSameReasons, type Reason } from '../../src/domain/reason.ts';

describe('areSameReasons', () => {
  const reasons = (): Reason[] => [
    { code: 'ceiling', facts: { max: 5, was: 'bound' } },
    { code: 'paused', facts: {} },
  ];

  it('is true of two lists that say the same', () => {
    expect(areSameReasons(reasons(), reasons())).toBe(true);
    expect(areSameReasons([], [])).toBe(true);
  });

  it.each<[string, Reason[]]>([
    ['another code', [{ code: 'step-limited', facts: { max: 5, was: 'bound' } }, reasons()[1] as Reason]],
    ['another fact', [{ code: 'ceiling', facts: { max: 6, was: 'bound' } }, reasons()[1] as Reason]],
    ['a fact of another name', [{ code: 'ceiling', facts: { max: 5, is: 'bound' } }, reasons()[1] as Reason]],
    ['a fact more', [{ code: 'ceiling', facts: { max: 5, was: 'bound', more: 1 } }, reasons()[1] as Reason]],
    ['a reason less', reasons().slice(0, 1)],
    ['another order', reasons().reverse()],
  ])('is false with %s', (_what, others) => {
    expect(areSameReasons(reasons(), others)).toBe(false);
  });
});

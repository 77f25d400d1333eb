import { describe, expect, it } from 'vitest';
import { targetReadsText, wishesText } from '../../src/wiring/control-plane.ts';

describe('the state of the control plane', () => {
  it('is shown in words that need no knowledge of circuit breakers', () => {
    expect(wishesText('closed')).toBe('takes wishes');
    expect(wishesText('open')).toBe('no wishes are sent for a while: too many failed');
    expect(wishesText('half-open')).toBe('a wish is tried, after too many failed');
  });

  it('says how bounds are read', () => {
    expect(targetReadsText('bulk')).toBe('bounds read in pages');
    expect(targetReadsText('single')).toBe('bounds read one by one');
  });
});

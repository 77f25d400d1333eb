import { describe, expect, it } from 'vitest';
import { tellTargets, tellWishes } from '../../src/wiring/tell-control-plane.ts';

describe('how it stands with the control plane', () => {
  it('is told in words that need no knowledge of circuit breakers', () => {
    expect(tellWishes('closed')).toBe('takes wishes');
    expect(tellWishes('open')).toBe('no wishes are sent for a while: too many failed');
    expect(tellWishes('half-open')).toBe('a wish is tried, after too many failed');
  });

  it('says how bounds are read', () => {
    expect(tellTargets('bulk')).toBe('bounds read in pages');
    expect(tellTargets('single')).toBe('bounds read one by one');
  });
});

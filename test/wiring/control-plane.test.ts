import { describe, expect, it } from 'vitest';
import { READS_TEXT, WISHES_TEXT } from '../../src/wiring/control-plane.ts';

describe('the state of the control plane', () => {
  it('is shown in words that need no knowledge of circuit breakers', () => {
    expect(WISHES_TEXT.closed).toBe('takes wishes');
    expect(WISHES_TEXT.open).toBe('no wishes are sent for a while: too many failed');
    expect(WISHES_TEXT['half-open']).toBe('a wish is tried, after too many failed');
  });

  it('says how bounds are read', () => {
    expect(READS_TEXT.bulk).toBe('bounds read in pages');
    expect(READS_TEXT.single).toBe('bounds read one by one');
  });
});

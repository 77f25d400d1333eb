import fc from 'fast-check';
import { expect, it } from 'vitest';
import { internString } from '../../src/lib/intern-string.ts';

it('says the same as before, whatever it is', () => {
  for (const text of ['', '0', '12', '-1', '4294967295', '__proto__', 'constructor', '\ud800', 'ä"\n'])
    expect(internString(text)).toBe(text);
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => internString(text) === text));
});

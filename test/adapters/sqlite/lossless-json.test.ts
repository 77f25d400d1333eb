import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLossless, stringifyLossless } from '../../../src/adapters/sqlite/tables/ledger.ts';

const back = (value: unknown) => parseLossless(stringifyLossless(value));

describe('lossless JSON', () => {
  it('brings back big integers, infinities and NaN', () => {
    const value = {
      token: 2n ** 63n - 1n,
      samples: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 1.5],
    };
    expect(back(value)).toEqual(value);
  });

  it('cannot be fooled by text that looks like its marks', () => {
    const value = { detail: '{"$bigint":"7"}', facts: { $number: 7 } };
    expect(back(value)).toEqual(value);
  });

  it('brings back whatever plain JSON would', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const plain = JSON.parse(JSON.stringify(value));
        expect(back(plain)).toEqual(plain);
      }),
    );
  });
});

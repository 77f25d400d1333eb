import fc from 'fast-check';
import reference from 'murmurhash';
import { describe, expect, it } from 'vitest';
import { placeVersion } from '../../src/sharding/place.ts';

/** With as many buckets as there are hashes, the bucket is the hash. */
const hashOf = (text: string) => placeVersion(text, 2 ** 32);

describe('the hash that places versions', () => {
  it('gives the published answers of MurmurHash3', () => {
    expect(hashOf('')).toBe(0);
    expect(hashOf('test')).toBe(0xba6bd213);
    expect(hashOf('Hello, world!')).toBe(0xc0363e43);
    expect(hashOf('The quick brown fox jumps over the lazy dog')).toBe(0x2e4ff723);
  });

  it.each([
    ['a', 1_009_084_850],
    ['ab', 2_613_040_991],
    ['abc', 3_017_643_002],
    ['abcd', 1_139_631_978],
    ['0b6f5a0e-1f7e-4f0e-8a51-6ad5c8c5c6de', 2_315_731_401],
    ['checkout:v17', 1_386_093_222],
    ['été', 865_297_935],
    ['日本語の関数', 1_410_791_831],
    ['😀', 3_199_479_546],
    ['\ud800x', 1_125_826_721],
    ['x'.repeat(200), 2_981_321_328],
    ['é'.repeat(600), 2_563_935_954],
  ])('is for %s what it was before it came from a package', (text, hash) => {
    expect(hashOf(text)).toBe(hash);
  });

  it.each([
    ['ASCII', fc.string({ unit: 'binary-ascii', maxLength: 300 })],
    ['any text', fc.string({ unit: 'binary', maxLength: 300 })],
    ['graphemes', fc.string({ unit: 'grapheme', maxLength: 60 })],
    ['UUIDs', fc.uuid()],
    ['lone surrogates', fc.string({ unit: fc.constantFrom('a', '\ud800', '\udc00', '😀', 'é') })],
  ])('agrees with the package on %s, whatever was hashed before', (_, texts) => {
    fc.assert(
      fc.property(texts, (text) => hashOf(text) === reference.v3(text, 0)),
      { numRuns: 2000 },
    );
  });

  it('agrees where the length decides: every tail, and around the size of the reused buffer', () => {
    for (const unit of ['x', 'é', '日', '😀']) {
      for (const length of [0, 1, 2, 3, 4, 5, 6, 7, 8, 340, 341, 342, 343, 1023, 1024, 1025]) {
        const text = unit.repeat(length);
        expect(hashOf(text), `${unit} × ${length}`).toBe(reference.v3(text, 0));
      }
    }
  });

  it('hashes bytes, so that two spellings of one letter are two texts', () => {
    expect(hashOf('\u00e9')).not.toBe(hashOf('e\u0301'));
  });
});

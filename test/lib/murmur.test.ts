import fc from 'fast-check';
import reference from 'murmurhash';
import { describe, expect, it } from 'vitest';
import { murmur3 } from '../../src/lib/murmur.ts';

describe('murmur3', () => {
  it('gives the published answers', () => {
    expect(murmur3('')).toBe(0);
    expect(murmur3('', 1)).toBe(0x514e28b7);
    expect(murmur3('', 0xffffffff)).toBe(0x81f16f39);
    expect(murmur3('test')).toBe(0xba6bd213);
    expect(murmur3('Hello, world!')).toBe(0xc0363e43);
    expect(murmur3('The quick brown fox jumps over the lazy dog')).toBe(0x2e4ff723);
    expect(murmur3('The quick brown fox jumps over the lazy dog', 0x9747b28c)).toBe(0x2fa826cd);
  });

  it.each([
    ['ASCII', fc.string({ unit: 'binary-ascii', maxLength: 300 })],
    ['any text', fc.string({ unit: 'binary', maxLength: 300 })],
    ['graphemes', fc.string({ unit: 'grapheme', maxLength: 60 })],
    ['UUIDs', fc.uuid()],
    ['lone surrogates', fc.string({ unit: fc.constantFrom('a', '\ud800', '\udc00', '😀', 'é') })],
  ])('agrees with the murmurhash package on %s, under any seed', (_, texts) => {
    fc.assert(
      fc.property(texts, fc.nat(0x7fffffff), (text, seed) => murmur3(text, seed) === reference.v3(text, seed)),
      { numRuns: 2000 },
    );
  });

  it('agrees where the length decides: every tail, and around the size of the reused buffer', () => {
    for (const unit of ['x', 'é', '日', '😀']) {
      for (const length of [0, 1, 2, 3, 4, 5, 6, 7, 8, 340, 341, 342, 343, 1023, 1024, 1025]) {
        const text = unit.repeat(length);
        expect(murmur3(text), `${unit} × ${length}`).toBe(reference.v3(text, 0));
      }
    }
  });

  it('hashes bytes, so that two spellings of one letter are two texts', () => {
    expect(murmur3('\u00e9')).not.toBe(murmur3('e\u0301'));
  });
});

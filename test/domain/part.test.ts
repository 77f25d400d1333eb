import { expect, it } from 'vitest';
import { type Part, shownBy, splitByPart } from '../../src/domain/part.ts';

const part = (given: Partial<Part>): Part => ({ name: 'p', buckets: undefined, prefixes: undefined, ...given });
const version = (versionId: string, bucket = 1) => ({ version: { versionId, bucket } });

it('a part shows what its queries would', () => {
  const shows = (given: Partial<Part>, versionId: string, bucket = 1) => shownBy(part(given))({ versionId, bucket });
  expect(shows({}, 'anything')).toBe(true);
  expect([shows({ buckets: [1, 3] }, 'a', 3), shows({ buckets: [1, 3] }, 'a', 2)]).toEqual([true, false]);
  expect([shows({ prefixes: ['a', 'b'] }, 'bc'), shows({ prefixes: ['a', 'b'] }, 'cb')]).toEqual([true, false]);
  expect([shows({ otherPrefixes: ['a'] }, 'ba'), shows({ otherPrefixes: ['a'] }, 'ab')]).toEqual([true, false]);
});

it('each version goes to one part, and those that no part shows to none', () => {
  const parts = [part({ prefixes: ['a'] }), part({ buckets: [7] }), part({ prefixes: ['a', 'b'] })];
  const all = [version('a1', 7), version('b1', 7), version('b2'), version('c1')];
  expect(splitByPart(parts, all)).toEqual([[all[0]], [all[1]], [all[2]]]);
});

it('splits as if each part were asked in turn, and gives those that no other shows to the part of the others', () => {
  const parts = [
    part({ buckets: [2] }),
    part({ prefixes: ['a', 'bc'] }),
    part({ otherPrefixes: ['a', 'b'] }),
    part({}),
  ];
  const all = ['a', 'ab', 'b', 'bc', 'bd', 'c', '', 'é'].flatMap((id) => [version(id, 1), version(id, 2)]);
  const inTurn = parts.map((_, index) =>
    all.filter((one) => parts.findIndex((each) => shownBy(each)(one.version)) === index),
  );
  expect(inTurn.map((hand) => hand.length)).toEqual([8, 3, 3, 2]);
  expect(splitByPart(parts, all)).toEqual(inTurn);
});

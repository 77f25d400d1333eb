import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Groups } from '../../src/metrics-store/promql/groups.ts';
import { labelEntries, labelsOf } from '../../src/metrics-store/storage/labels.ts';

const NAMES = ['__name__', 'a', 'b', 'c'] as const;
const labelSet = fc.dictionary(fc.constantFrom(...NAMES), fc.constantFrom('', '1', '11', '1:1', '2:11'));

it('puts together exactly those whose labels are the same where the grouping looks', () => {
  fc.assert(
    fc.property(
      fc.array(labelSet, { maxLength: 12 }),
      fc.subarray([...NAMES, 'nowhere']),
      fc.boolean(),
      (sets, labels, isWithout) => {
        const groups = new Groups({ labels, isWithout });
        const looked = (name: string) => {
          return isWithout ? name !== '__name__' && !labels.includes(name) : labels.includes(name);
        };
        const expected = sets.map((set) =>
          labelEntries(labelsOf(Object.entries(set))).filter(([name]) => looked(name)),
        );
        const found = sets.map((set) => groups.of(labelsOf(Object.entries(set))));
        for (const [at, group] of found.entries()) {
          expect(labelEntries(groups.labels[group] ?? { names: [], values: [] })).toEqual(expected[at]);
          expect(group).toBe(found[expected.findIndex((one) => JSON.stringify(one) === JSON.stringify(expected[at]))]);
        }
      },
    ),
  );
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grown, RowNumbers } from '../../src/lib/row-numbers.ts';

describe('row numbers', () => {
  it('are one for each id that is there, and never more than there ever were ids at once', () => {
    const steps = fc.array(fc.record({ id: fc.integer({ min: 0, max: 12 }), isGone: fc.boolean() }), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(steps, (list) => {
        const rows = new RowNumbers();
        const there = new Map<string, number>();
        let most = 0;
        for (const { id, isGone } of list) {
          const text = `id ${id}`;
          if (isGone) {
            rows.release(text);
            there.delete(text);
          } else {
            const row = rows.take(text);
            expect(there.get(text) ?? row).toBe(row);
            there.set(text, row);
          }
          most = Math.max(most, there.size);
          expect(new Set(there.values()).size).toBe(there.size);
          expect(Math.max(-1, ...there.values())).toBeLessThan(most);
          expect(rows.size).toBe(there.size);
          expect([...rows.ids()].toSorted()).toEqual([...there.keys()].toSorted());
          expect(rows.of(text)).toBe(there.get(text));
        }
      }),
    );
  });

  it('have columns that grow and keep what they hold', () => {
    const column = grown(new Float64Array([1, 2]), 1, 0);
    expect([...column]).toEqual([1, 2]);
    const longer = grown(column, 5, Number.NaN);
    expect([...longer.slice(0, 3)]).toEqual([1, 2, Number.NaN]);
    expect(longer.length).toBeGreaterThan(5);
    expect(grown(longer, 5, 0)).toBe(longer);
  });
});

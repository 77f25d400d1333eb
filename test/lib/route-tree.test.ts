import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseRoute } from '../../src/lib/route-pattern.ts';
import { branchOf, newBranch, takeFrom } from '../../src/lib/route-tree.ts';

const parts = fc.array(fc.constantFrom('a', 'b', '{id}'), { minLength: 1, maxLength: 4 });
const route = fc
  .tuple(parts, fc.boolean())
  .map(([head, hasRest]) =>
    head.map((part, at) => (part === '{id}' ? `{id${at}}` : part)).concat(hasRest ? '{all+}' : []),
  )
  .map((all) => `/${all.join('/')}`);

it('leaves nothing behind of routes that are gone, and all of those that stay', () => {
  fc.assert(
    fc.property(fc.uniqueArray(route, { maxLength: 8 }), fc.uniqueArray(route, { maxLength: 8 }), (staying, going) => {
      const root = newBranch<string>();
      const only = newBranch<string>();
      for (const path of staying) branchOf(only, parseRoute(path)).leaves.push(`stays ${path}`);
      for (const path of staying) branchOf(root, parseRoute(path)).leaves.push(`stays ${path}`);
      for (const path of going) branchOf(root, parseRoute(path)).leaves.push(`goes ${path}`);
      for (const path of going) takeFrom(root, parseRoute(path), (leaf) => leaf === `goes ${path}`);
      expect(root).toEqual(only);
    }),
  );
});

it('takes nothing where there is nothing', () => {
  const root = newBranch<string>();
  takeFrom(root, parseRoute('/a/{id}/b'), () => true);
  expect(root).toEqual(newBranch());
});

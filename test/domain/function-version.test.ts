import { expect, it } from 'vitest';
import { isUsableId } from '../../src/domain/function-version.ts';

it.each([
  ['8f1c7a52-3d0e-4b7e-9a55-0c4f6f0f1e2d', true],
  [`it's "odd"\n\\`, true],
  ['😀'.repeat(127), true],
  ['x'.repeat(255), true],
  ['x'.repeat(256), false],
  ['', false],
  ['half a pair \ud83d', false],
])('%j is usable: %s', (id, isUsable) => {
  expect(isUsableId(id)).toBe(isUsable);
});

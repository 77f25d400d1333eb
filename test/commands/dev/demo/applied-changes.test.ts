import { expect, it } from 'vitest';
import { AppliedChanges } from '../../../../src/commands/dev/demo/applied-changes.ts';
import type { AdminClient } from '../../../../src/wiring/fleet/admin-client.ts';

type Entry = [verdict: string, previous: number | null, wanted: number | null, token: string | null, outcome: string];

/** Entries as they come, newest first. */
function ledgerOf(...entries: Entry[]) {
  const paths: string[] = [];
  const get = async (path: string, schema: { parse(given: unknown): unknown }) => {
    paths.push(path);
    return schema.parse({
      items: entries.map(([verdict, previous, wanted, token, outcome]) => ({
        ...{ verdict, previous, wanted, token, outcome, at: '2026-01-01T00:00:00Z' },
      })),
    });
  };
  const changes = new AppliedChanges({ get } as unknown as AdminClient);
  return { changes, paths, add: (entry: Entry) => entries.unshift(entry) };
}

it('gives each applied change once, oldest first', async () => {
  const { changes, paths, add } = ledgerOf(
    ['lower', 8, 2, '12', 'applied'],
    ['keep', 8, 8, null, 'applied'],
    ['raise', 2, 8, '11', 'applied'],
    ['raise', 2, 8, '10', 'failed'],
    ['raise', null, 2, '9', 'applied'],
  );
  expect(await changes.take('a/b')).toEqual([
    { previous: 2, wanted: 8 },
    { previous: 8, wanted: 2 },
  ]);
  expect(paths[0]).toMatch(/^\/v1\/functions\/a%2Fb\/decisions\?/);
  expect(await changes.take('a/b')).toEqual([]);
  add(['lower', 2, 0, '13', 'applied']);
  expect(await changes.take('a/b')).toEqual([{ previous: 2, wanted: 0 }]);
  // Tokens are those of a version.
  expect(await changes.take('c')).toHaveLength(3);
});

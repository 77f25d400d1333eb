import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MemoryStore } from '../../../src/adapters/memory/store.ts';
import { MemoryWorld } from '../../../src/adapters/memory/world.ts';
import { SqliteStore } from '../../../src/adapters/sqlite/store.ts';
import type { Claim } from '../../../src/domain/function-state.ts';
import type { Store } from '../../../src/ports/store.ts';
import { activeOf, claimOf, entryOf, memberOf, settlementOf } from '../../contract/store/rows.ts';
import { HandWoundClock } from '../../support/hand-wound-clock.ts';
import { ScratchFile } from './scratch-file.ts';

/** One call, said in small numbers so that calls collide: few buckets, few versions, few tokens. */
const step = fc.record({
  call: fc.constantFrom(
    'claim',
    'claim',
    'settle',
    'settle',
    'forget',
    'duty',
    'renew',
    'release',
    'enrol',
    'beat',
    'pause',
    'tell',
    'wait',
  ),
  bucket: fc.nat(2),
  version: fc.constantFrom('a', "b'", 'ç'),
  token: fc.nat(6),
  recent: fc.nat(3),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** One call for both stores, made once, so that both get the same. */
interface PlannedCall {
  readonly step: Step;
  readonly claim: Claim;
  /** A claim made earlier, to be settled or made again. */
  readonly earlier: Claim;
}

function plannedCalls(steps: readonly Step[]): PlannedCall[] {
  const claims: Claim[] = [];
  return steps.map((each) => {
    const observed = each.token === 0 ? undefined : BigInt(each.token);
    const repeats = each.recent === 3 ? claims.at(-1) : undefined;
    const claim = repeats ?? claimOf(each.version, { observed, token: BigInt(each.token + 1), wanted: each.recent });
    const earlier = claims.at(-1 - each.recent) ?? claim;
    claims.push(claim);
    return { step: each, claim, earlier };
  });
}

async function perform(
  store: Store,
  clock: HandWoundClock,
  { step: { call, bucket, version, token, recent }, claim, earlier }: PlannedCall,
) {
  switch (call) {
    case 'claim':
      return await store.states.claim(bucket, [claim]);
    case 'settle':
      return await store.states.settle(bucket, [settlementOf(earlier, { outcome: recent > 1 ? 'failed' : 'applied' })]);
    case 'forget':
      return await store.states.forget(bucket, version, BigInt(token));
    case 'duty': {
      const row = await store.duties.read('discovery', 5n);
      return await store.duties.take(
        { ...row, renewals: recent === 0 ? 1 : row.renewals },
        { token: row.token + 1n, holder: version, nonce: claim.nonce },
      );
    }
    case 'renew':
      return await store.duties.renew({
        ...(await store.duties.read('discovery', 5n)),
        ...(recent === 0 ? { nonce: 'x' } : {}),
      });
    case 'release':
      return await store.duties.release(await store.duties.read('discovery', 5n));
    case 'enrol':
      return await store.catalogue.enrol(bucket, [activeOf(version, { bucket, seenMs: token })], {
        ttlSeconds: recent,
      });
    case 'beat':
      return await store.roster.beat(memberOf(version, { beat: token, state: recent === 0 ? 'left' : 'active' }));
    case 'pause':
      return recent === 0
        ? await store.controls.remove('pause', version)
        : await store.controls.put({
            kind: 'pause',
            versionId: version,
            until: clock.wallMs() + recent * 1000,
            by: 'a',
            why: '',
          });
    case 'tell':
      return await store.ledger.record([entryOf(version, clock.wallMs() - token)]);
    case 'wait':
      return undefined;
  }
}

/** All that a client can see, in one order. */
async function look(store: Store, clock: HandWoundClock): Promise<unknown> {
  return {
    states: inOrder(await store.states.read([0, 1, 2])),
    active: inOrder(await store.catalogue.read([2, 1, 0])),
    members: inOrder(await store.roster.list()),
    controls: inOrder(await store.controls.list(clock.wallMs())),
    ledger: (await store.ledger.recall('a', { limit: 5 })).map(({ atMs }) => atMs),
  };
}

function inOrder<Row extends object>(rows: readonly Row[]): Row[] {
  const keyOf = (row: object) => {
    const { bucket, versionId, memberId } = row as Record<string, unknown>;
    return [bucket, versionId, memberId].join('/');
  };
  return [...rows].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}

it('whatever is done to them, a memory store and an SQLite store answer and show the same', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const clock = new HandWoundClock();
      const file = new ScratchFile();
      const memory = new MemoryStore(new MemoryWorld({ clock }));
      const sqlite = await SqliteStore.open({ path: file.path, clock });
      try {
        for (const told of plannedCalls(steps)) {
          if (told.step.call === 'wait') await clock.wind(told.step.token * 500);
          const [expected, actual] = [await perform(memory, clock, told), await perform(sqlite, clock, told)];
          expect(actual).toEqual(expected);
          expect(await look(sqlite, clock)).toEqual(await look(memory, clock));
        }
      } finally {
        await sqlite.close();
        file.remove();
      }
    }),
    { numRuns: 40 },
  );
});

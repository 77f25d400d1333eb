import { expect, it } from 'vitest';
import { MemoryStore } from '../../../src/adapters/memory/store.ts';
import { MemoryWorld } from '../../../src/adapters/memory/world.ts';
import type { Store } from '../../../src/ports/store.ts';
import type { StoreHarness } from '../../contract/store/harness.ts';
import { storeContract } from '../../contract/store/store-contract.ts';
import { FaultyStore, FaultyWorld } from '../../support/faulty-connection.ts';
import { HandWoundClock } from '../../support/hand-wound-clock.ts';

const LAYOUT = { bucketCount: 1024, placement: 'murmur3', schemaVersion: 1 };

async function makeHarness(): Promise<StoreHarness> {
  const clock = new HandWoundClock();
  const world = new FaultyWorld({ clock });
  const open = async (): Promise<FaultyStore> => {
    const store = new FaultyStore(world);
    clients.add(store);
    return store;
  };
  const clients = new Set<FaultyStore>();
  const lineOf = (store: Store) => (store as FaultyStore).connection;
  return {
    layout: LAYOUT,
    wallMs: () => clock.wallMs(),
    open,
    callTimeoutMs: 2000,
    isReadableInOutage: false,
    pageRows: 100,
    async dispose() {},
    async pass(ms) {
      await clock.wind(ms);
      world.sweep();
    },
    reopen: open,
    async makeUnavailable() {
      for (const client of clients) client.connection.cut();
    },
    async heal() {
      for (const client of clients) client.connection.mend();
    },
    async loseNextAnswer(store, { thenUnavailable }) {
      lineOf(store).plan({ kind: 'lost', applies: 'now', giveUpMs: 0 }, { thenCut: thenUnavailable });
    },
    async kill(store) {
      lineOf(store).kill();
    },
  };
}

storeContract('memory', makeHarness);

it('is closed for good without anything that makes trouble, too', async () => {
  const world = new MemoryWorld({ clock: new HandWoundClock() });
  const [one, other] = [new MemoryStore(world), new MemoryStore(world)];
  await one.agree(LAYOUT);
  await one.close();
  await expect(one.ping()).rejects.toMatchObject({ kind: 'closed' });
  expect(await other.readLayout()).toEqual(LAYOUT);
});

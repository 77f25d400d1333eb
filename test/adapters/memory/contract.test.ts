import { MemoryStore } from '../../../src/adapters/memory/store.ts';
import { MemoryWorld } from '../../../src/adapters/memory/world.ts';
import type { Store } from '../../../src/ports/store.ts';
import type { StoreHarness } from '../../contract/store/harness.ts';
import { storeContract } from '../../contract/store/store-contract.ts';
import { HandWoundClock } from '../../support/hand-wound-clock.ts';

async function makeHarness(): Promise<StoreHarness> {
  const clock = new HandWoundClock();
  const world = new MemoryWorld({ clock });
  const open = async (): Promise<MemoryStore> => {
    const store = new MemoryStore(world);
    clients.add(store);
    return store;
  };
  const clients = new Set<MemoryStore>();
  const lineOf = (store: Store) => (store as MemoryStore).line;
  return {
    layout: { bucketCount: 1024, placement: 'murmur3', schemaVersion: 1 },
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
      for (const client of clients) client.line.cut();
    },
    async heal() {
      for (const client of clients) client.line.mend();
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

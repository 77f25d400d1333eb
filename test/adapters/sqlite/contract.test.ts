import { SQLITE_SCHEMA_VERSION } from '../../../src/adapters/sqlite/schema.ts';
import { SqliteStore } from '../../../src/adapters/sqlite/store.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import type { Store } from '../../../src/ports/store.ts';
import type { StoreHarness } from '../../contract/store/harness.ts';
import { StoreProcess } from '../../contract/store/remote-store.ts';
import { storeContract } from '../../contract/store/store-contract.ts';
import { FaultyWire } from './faulty-link.ts';
import { ScratchFile } from './scratch-file.ts';

const layout = { bucketCount: 1024, placement: 'murmur3', schemaVersion: SQLITE_SCHEMA_VERSION };

/** Deadlines run on the real clock, since the worker does; the wall clock, which rules the time to live, is wound by hand. */
function halfWoundClock(): Clock & { skip(ms: number): void } {
  let skippedMs = 0;
  return {
    ...systemClock,
    wallMs: () => systemClock.wallMs() + skippedMs,
    skip(ms) {
      skippedMs += ms;
    },
  };
}

async function inOneProcess(): Promise<StoreHarness> {
  const file = new ScratchFile();
  const clock = halfWoundClock();
  const wires = new Map<Store, FaultyWire>();
  const open = async () => {
    const wire = new FaultyWire();
    const store = await SqliteStore.open({ path: file.path, clock, busyTimeoutMs: 200, openLink: wire.openLink });
    wires.set(store, wire);
    return store;
  };
  return {
    layout,
    wallMs: () => clock.wallMs(),
    open,
    callTimeoutMs: 6000,
    isReadableInOutage: true,
    pageRows: 100,
    async dispose() {
      file.remove();
    },
    async pass(ms) {
      clock.skip(ms);
    },
    reopen: open,
    async makeUnavailable() {
      file.lockOut();
    },
    async heal() {
      file.letIn();
      for (const wire of wires.values()) wire.heal();
    },
    async loseNextAnswer(store, options) {
      wires.get(store)?.loseNextAnswer(options);
    },
  };
}

/** Every client in a process of its own, three processes in turn. */
async function inThreeProcesses(): Promise<StoreHarness> {
  const file = new ScratchFile();
  const opener = new URL('./open-store.ts', import.meta.url);
  const homes = new Map<Store, StoreProcess>();
  const start = () => StoreProcess.start(opener);
  const processes = await Promise.all([start(), start(), start()]);
  let turn = 0;
  const open = async () => {
    const index = turn++ % processes.length;
    let home = processes[index] as StoreProcess;
    if (!home.isAlive) {
      home = await start();
      processes[index] = home;
    }
    const store = await home.open({ path: file.path, busyTimeoutMs: 300 });
    homes.set(store, home);
    return store;
  };
  return {
    layout,
    wallMs: Date.now,
    open,
    callTimeoutMs: 8000,
    isReadableInOutage: true,
    pageRows: 100,
    async dispose() {
      await Promise.all(processes.map((home) => home.kill()));
      file.remove();
    },
    async reopen() {
      await Promise.all(processes.map((home) => home.kill()));
      return open();
    },
    async makeUnavailable() {
      file.lockOut();
    },
    async heal() {
      file.letIn();
    },
    async kill(store) {
      await homes.get(store)?.kill();
    },
  };
}

storeContract('SQLite in one process', inOneProcess, {
  kill: 'a client in this very process cannot be killed; the three processes can',
});
storeContract('SQLite with three processes', inThreeProcesses, {
  pass: 'the clocks of other processes cannot be wound; shown in one process',
  'lost-answers': 'the wires of other processes cannot be cut; shown in one process',
});

import { existsSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { inspectFile } from '../../adapters/sqlite/inspect-file.ts';
import type { LoadedConfig } from '../../config/load-config.ts';
import type { ActiveVersion } from '../../domain/active-version.ts';
import { BUCKET_COUNT } from '../../domain/bucket.ts';
import { nextToken } from '../../domain/fencing-token.ts';
import type { Clock } from '../../lib/clock.ts';
import { describeLayoutConflict, type Store } from '../../ports/store.ts';
import { StoreError } from '../../ports/store-error.ts';
import type { ConnectionTools } from '../../wiring/connection-tools.ts';
import { layoutOf, openStore } from '../../wiring/open-store.ts';
import type { Examination } from './examination.ts';

const area = 'store';
const ALL_BUCKETS = Array.from({ length: BUCKET_COUNT }, (_, bucket) => bucket);

/** Gives the active versions that the store knows. All that is written is one heartbeat of a member that has left already. */
export async function examineStore(
  loaded: LoadedConfig,
  tools: ConnectionTools,
  examination: Examination,
): Promise<readonly ActiveVersion[]> {
  const { storeTarget } = loaded.config;
  if (storeTarget.kind === 'memory') {
    examination.find({
      area,
      what: 'lasts',
      state: 'doubtful',
      detail: 'memory: all is forgotten at the end, and no other replica can join',
      mend: 'name a file (store.url sqlite:…) or a Cassandra (cassandra://…) for anything but a try',
    });
    return [];
  }
  if (storeTarget.kind === 'sqlite' && !(await isFileThere(storeTarget.path, examination))) return [];
  const store = await examination.check(
    { area, what: 'connects', mendOf },
    () => openStore(loaded.config, tools),
    () => ({ detail: storeTarget.kind }),
  );
  if (!store) return [];
  try {
    return await examineTables(store, { loaded, tools, examination });
  } finally {
    await store.close();
  }
}

/** Opening a file would make it, with its tables: that is not for the doctor to do. */
async function isFileThere(path: string, examination: Examination): Promise<boolean> {
  const kind = await examination.check(
    { area, what: 'file', mendOf: () => 'let this user read the file and its folder, or name another file' },
    () => inspectFile(path),
    (found) => {
      const detail = {
        absent: `${path} is not there so far; starling autoscale makes it`,
        empty: `${path} is empty so far; starling autoscale makes its tables`,
        foreign: `${path} is the SQLite file of another program`,
        usable: path,
      }[found];
      if (found !== 'foreign') return { detail };
      const mend = 'name another file in store.url: starling would make its tables in this one';
      return { state: 'bad', detail, mend };
    },
  );
  if (kind === 'absent') {
    await examination.check(
      { area, what: 'may write', mendOf: () => 'name a file in a folder where this user may write' },
      () => access(nearestFolder(path), constants.W_OK | constants.X_OK),
      () => ({ detail: 'its folder can be written to' }),
    );
  }
  return kind === 'usable';
}

async function examineTables(
  store: Store,
  { loaded, tools, examination }: { loaded: LoadedConfig; tools: ConnectionTools; examination: Examination },
): Promise<readonly ActiveVersion[]> {
  const mine = layoutOf(loaded.config);
  const layout = await examination.check(
    { area, what: 'tables', mendOf },
    async () => ({ stored: await store.readLayout() }),
    ({ stored }) => {
      const conflict = stored && describeLayoutConflict(mine, stored);
      if (conflict === undefined)
        return { detail: stored ? 'as this version needs them' : 'no member has started so far' };
      return { state: 'bad', detail: conflict, mend: 'starling autoscale will refuse to start like this' };
    },
  );
  if (!layout) return [];
  const memberId = `doctor/${tools.random.uuid()}`;
  await examination.check(
    { area, what: 'may write', mendOf },
    // A member that has left already: nobody counts it, and the row goes by itself.
    () => store.roster.beat({ memberId, beat: 1, state: 'left', version: '', address: '', weight: 0 }),
    () => ({ detail: 'a heartbeat of a member that has left' }),
  );
  await examination.check(
    { area, what: 'has a quorum', mendOf },
    () => store.states.readOne(0, memberId),
    () => ({ detail: 'a linearizable read was answered' }),
  );
  await examineMembers(store, tools.clock, examination);
  const versions = await examination.check(
    { area, what: 'active versions', mendOf },
    () => store.catalogue.read(ALL_BUCKETS),
    ({ length }) => {
      if (length > 0) return { detail: String(length) };
      const mend = 'does starling autoscale run on this store, and do metrics arrive (below)?';
      return { state: 'doubtful', detail: 'none are known so far', mend };
    },
  );
  return versions ?? [];
}

async function examineMembers(store: Store, clock: Clock, examination: Examination): Promise<void> {
  const members = await examination.check(
    { area, what: 'members', mendOf },
    async () => (await store.roster.list()).filter(({ state }) => state === 'active'),
    ({ length }) =>
      length > 0
        ? { detail: `${length} with a heartbeat within the last minutes` }
        : { state: 'doubtful', detail: 'none', mend: 'start starling autoscale' },
  );
  if (!members || members.length === 0) return;
  await examination.check(
    { area, what: 'discovery duty', mendOf },
    // The row is there as soon as a member is; where it is not, reading makes it, unheld.
    () => store.duties.read('discovery', nextToken(undefined, clock.wallMs())),
    ({ holder }) => {
      if (holder !== '') return { detail: `held by ${holder}` };
      const mend = 'look again in some seconds; a member takes it';
      return { state: 'doubtful', detail: 'held by nobody just now', mend };
    },
  );
}

function mendOf(error: unknown): string {
  if (error instanceof StoreError) return MENDS[error.kind];
  return 'is it running, and can it be reached from here? check store.url';
}

const IS_IT_UP = 'is it running, are enough nodes up for a quorum, can it be reached from here? check store.url';
const MENDS: Readonly<Record<StoreError['kind'], string>> = {
  auth: 'check user, password and certificates in store.cassandra, and what the role may do (docs/cassandra.md)',
  schema: 'check the keyspace in store.url; starling migrate makes what is missing, as a role that may',
  full: 'make room: nothing can be claimed until then',
  busy: 'is it overloaded, or does another process keep it locked?',
  unavailable: IS_IT_UP,
  unknown: IS_IT_UP,
  closed: IS_IT_UP,
};

/** The store makes the folders that are missing. */
function nearestFolder(path: string): string {
  let folder = dirname(resolve(path));
  while (!existsSync(folder)) folder = dirname(folder);
  return folder;
}

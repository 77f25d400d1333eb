import { resolve } from 'node:path';
import { assertValidClaims, type Claim, type Settlement } from '../../domain/function-state.ts';
import type { Clock } from '../../lib/clock.ts';
import { sendUntilKnown } from '../../lib/send-until-known.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { Controls } from '../../ports/controls.ts';
import { assertRaisesToken, type DutyKeeper } from '../../ports/duty-keeper.ts';
import type { Ledger } from '../../ports/ledger.ts';
import type { Roster } from '../../ports/roster.ts';
import type { StateKeeper } from '../../ports/state-keeper.ts';
import { describeLayoutConflict, type Layout, type Store } from '../../ports/store.ts';
import { isUnknown, StoreError } from '../../ports/store-error.ts';
import { type Meters, silentMeters } from '../../telemetry/meters.ts';
import { Channel } from './channel.ts';
import { type OpenLink, openWorkerLink } from './link.ts';
import { toActiveVersions } from './tables/active-versions.ts';
import { toFunctionState } from './tables/function-state.ts';

export interface SqliteStoreOptions {
  /** A file on a local disk; made if it is not there, with its folder. Never on a network file system. */
  readonly path: string;
  readonly clock: Clock;
  readonly meters?: Meters;
  /** How long a write waits for another process to end its transaction. */
  readonly busyTimeoutMs?: number;
  /** How long any call may take, waiting included. */
  readonly callTimeoutMs?: number;
  readonly openTimeoutMs?: number;
  /** How often rows that have aged out are removed; they are not shown in the meantime. */
  readonly sweepEveryMs?: number;
  readonly ledgerTtlSeconds?: number;
  /** The file grows no further than this; writes then fail as `full`. No limit by default. */
  readonly fileBytesMax?: number;
  readonly openLink?: OpenLink;
}

const MEMBER_TTL_MS = 120_000;
const LEFT_TTL_MS = 30_000;
/** One copy beside the first: what that one cannot tell, a third will not tell either. */
const SENDS = 2;

/**
 * The coordination store in one SQLite file, for one machine: several processes may share the file. SQLite lets one write at
 * a time, so every compare-and-set is a plain conditional statement inside a transaction.
 */
export class SqliteStore implements Store {
  readonly roster: Roster;
  readonly duties: DutyKeeper;
  readonly catalogue: Catalogue;
  readonly states: StateKeeper;
  readonly ledger: Ledger;
  readonly controls: Controls;
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #sweepEveryMs: number;
  #cancelSweep: () => void = () => {};
  #isClosed = false;

  private constructor(channel: Channel, options: SqliteStoreOptions) {
    this.#channel = channel;
    this.#clock = options.clock;
    this.#sweepEveryMs = options.sweepEveryMs ?? 60_000;
    this.roster = rosterOn(channel, options.clock);
    this.duties = dutiesOn(channel);
    this.catalogue = catalogueOn(channel, options.clock);
    this.states = statesOn(channel);
    this.ledger = ledgerOn(channel, options.clock, (options.ledgerTtlSeconds ?? 604_800) * 1000);
    this.controls = controlsOn(channel);
  }

  static async open(options: SqliteStoreOptions): Promise<SqliteStore> {
    const channel = new Channel({
      worker: {
        path: resolve(options.path),
        busyTimeoutMs: options.busyTimeoutMs ?? 1000,
        fileBytesMax: options.fileBytesMax,
      },
      openLink: options.openLink ?? openWorkerLink,
      clock: options.clock,
      meters: options.meters ?? silentMeters,
      callTimeoutMs: options.callTimeoutMs ?? 2500,
    });
    try {
      await channel.start(options.openTimeoutMs ?? 10_000);
    } catch (error) {
      await channel.close();
      throw error;
    }
    const store = new SqliteStore(channel, options);
    store.#planSweep();
    return store;
  }

  async agree(layout: Layout): Promise<void> {
    const stored = await this.#channel.write('agree', layout);
    const conflict = describeLayoutConflict(layout, stored);
    if (conflict) throw new StoreError('schema', conflict);
  }

  readLayout(): Promise<Layout | undefined> {
    return this.#channel.read('layout');
  }

  ping(): Promise<void> {
    return this.#channel.read('ping');
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelSweep();
    await this.#channel.close();
  }

  /** Removes what has aged out. Runs by itself; a sweep that fails is made up for by the next one. */
  async sweep(): Promise<void> {
    const nowMs = this.#clock.wallMs();
    if (!(await this.#channel.read('sweep.due', nowMs))) return;
    while (!this.#isClosed && (await this.#channel.write('sweep.run', nowMs)));
  }

  #planSweep(): void {
    if (this.#isClosed) return;
    this.#cancelSweep = this.#clock.after(this.#sweepEveryMs, () => {
      this.sweep()
        .catch(() => {})
        .finally(() => this.#planSweep());
    });
  }
}

function rosterOn(channel: Channel, clock: Clock): Roster {
  return {
    beat: (row) =>
      channel.write('roster.beat', row, clock.wallMs() + (row.state === 'left' ? LEFT_TTL_MS : MEMBER_TTL_MS)),
    list: () => channel.read('roster.list', clock.wallMs()),
  };
}

function dutiesOn(channel: Channel): DutyKeeper {
  return {
    read: async (duty, tokenFloor) =>
      (await channel.read('duties.read', duty)) ?? (await channel.write('duties.open', duty, tokenFloor)),
    async take(observed, next) {
      assertRaisesToken(observed, next);
      return await resolved(() => channel.write('duties.take', observed, next));
    },
    renew: (held) => resolved(() => channel.write('duties.renew', held)),
    release: (held) => channel.write('duties.release', held),
  };
}

function catalogueOn(channel: Channel, clock: Clock): Catalogue {
  return {
    enrol: (bucket, versions, { ttlSeconds }) =>
      channel.write('catalogue.enrol', bucket, versions, clock.wallMs() + ttlSeconds * 1000),
    read: async (buckets) => toActiveVersions(await channel.read('catalogue.read', buckets, clock.wallMs())),
  };
}

function statesOn(channel: Channel): StateKeeper {
  return {
    read: async (buckets) => (await channel.read('states.read', buckets)).map(toFunctionState),
    readOne: (bucket, versionId) => channel.read('states.readOne', bucket, versionId),
    async claim(bucket, claims) {
      assertValidClaims(claims);
      if (claims.length === 0) return [];
      const end = await knownOf(() => channel.write('states.claim', bucket, claims));
      return end.outcome === 'known' ? end.value : claims.map(inDoubt);
    },
    async settle(bucket, settlements) {
      if (settlements.length === 0) return [];
      const end = await knownOf(() => channel.write('states.settle', bucket, settlements));
      return end.outcome === 'known' ? end.value : settlements.map(inDoubt);
    },
    forget: (bucket, versionId, token) => channel.write('states.forget', bucket, versionId, token),
  };
}

function ledgerOn(channel: Channel, clock: Clock, ttlMs: number): Ledger {
  return {
    record: async (entries) => {
      if (entries.length > 0) await channel.write('ledger.record', entries, clock.wallMs() + ttlMs);
    },
    recall: (versionId, { limit, beforeMs }) =>
      channel.read('ledger.recall', versionId, { limit, beforeMs, nowMs: clock.wallMs() }),
  };
}

function controlsOn(channel: Channel): Controls {
  return {
    list: (nowMs) => channel.read('controls.list', nowMs),
    put: (control) => channel.write('controls.put', control),
    remove: (kind, versionId) => channel.write('controls.remove', kind, versionId),
  };
}

function knownOf<T>(send: () => Promise<T>) {
  return sendUntilKnown({ attempts: SENDS, isUnknown }, send);
}

async function resolved<T>(send: () => Promise<T>): Promise<T> {
  const end = await knownOf(send);
  if (end.outcome === 'unknown') throw end.error;
  return end.value;
}

function inDoubt({ versionId }: Claim | Settlement): { versionId: string; outcome: 'unknown' } {
  return { versionId, outcome: 'unknown' };
}

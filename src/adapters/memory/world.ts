import type { ActiveVersion } from '../../domain/active-version.ts';
import type { Bucket } from '../../domain/bucket.ts';
import type { Control } from '../../domain/control.ts';
import type { DutyName, DutyRow } from '../../domain/duty.ts';
import type { FunctionState } from '../../domain/function-state.ts';
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import type { MemberId, MemberRow } from '../../domain/member.ts';
import type { Clock } from '../../lib/clock.ts';
import { type Known, sendUntilKnown } from '../../lib/send-until-known.ts';
import type { Layout } from '../../ports/store.ts';
import { closedError, isUnknown } from '../../ports/store-error.ts';

export type MemoryOperation =
  | `roster.${'beat' | 'list'}`
  | `duties.${'read' | 'take' | 'renew' | 'release'}`
  | `catalogue.${'enrol' | 'read'}`
  | `states.${'read' | 'readOne' | 'claim' | 'settle' | 'forget'}`
  | `ledger.${'record' | 'recall'}`
  | `controls.${'list' | 'put' | 'remove'}`
  | 'agree'
  | 'readLayout'
  | 'ping';

/** The way from one client to the world. */
export interface Connection {
  readonly world: MemoryWorld;
  /** Carries one call: `apply` runs in the world without interruption, or not at all. */
  readonly call: <T>(operation: MemoryOperation, apply: () => T) => Promise<T>;
  readonly close: () => void;
}

export interface Aging<Row> {
  readonly row: Row;
  readonly expiresMs: number;
}

/** A table of tables, made as they are needed: bucket -> version id -> row. */
class Shelves<Row> {
  readonly #shelves = new Map<Bucket, Map<string, Row>>();

  shelf(key: Bucket): Map<string, Row> {
    let shelf = this.#shelves.get(key);
    if (!shelf) {
      shelf = new Map();
      this.#shelves.set(key, shelf);
    }
    return shelf;
  }

  peek(key: Bucket): ReadonlyMap<string, Row> | undefined {
    return this.#shelves.get(key);
  }

  *shelves(): Iterable<Map<string, Row>> {
    yield* this.#shelves.values();
  }
}

/** What all clients of one memory store share. Its own wall clock is that of `clock`, whatever its clients believe the time to be. */
export class MemoryWorld {
  readonly clock: Clock;
  readonly members = new Map<MemberId, Aging<MemberRow>>();
  readonly duties = new Map<DutyName, DutyRow>();
  readonly active = new Shelves<Aging<ActiveVersion>>();
  readonly states = new Shelves<FunctionState>();
  readonly ledger = new Map<string, LedgerEntry[]>();
  readonly controls = new Map<string, Control>();
  layout: Layout | undefined;
  readonly #connect: (world: MemoryWorld, client: string) => Connection;

  /** `connect`: another way to it than the plain one, on which calls may be lost. */
  constructor(options: { clock: Clock; connect?: (world: MemoryWorld, client: string) => Connection }) {
    this.clock = options.clock;
    this.#connect = options.connect ?? plainConnection;
  }

  connect(client: string): Connection {
    return this.#connect(this, client);
  }

  /** Drops what has aged out. Reads never show such rows anyway. */
  sweep(): void {
    const nowMs = this.clock.wallMs();
    for (const [id, { expiresMs }] of this.members) if (expiresMs <= nowMs) this.members.delete(id);
    for (const shelf of this.active.shelves()) {
      for (const [id, { expiresMs }] of shelf) if (expiresMs <= nowMs) shelf.delete(id);
    }
    for (const [key, { until }] of this.controls) if (until <= nowMs) this.controls.delete(key);
  }
}

/** Sends a write that carries a nonce until it is known what became of it. */
export function untilKnown<T>(send: () => Promise<T>): Promise<Known<T>> {
  return sendUntilKnown({ attempts: 3, isUnknown }, send);
}

function plainConnection(world: MemoryWorld): Connection {
  let isClosed = false;
  return {
    world,
    call: async (_operation, apply) => {
      if (isClosed) throw closedError();
      const answer = apply();
      // Nobody may count on an answer within the same turn.
      await Promise.resolve();
      return answer;
    },
    close: () => {
      isClosed = true;
    },
  };
}

import type { ActiveVersion } from '../../domain/active-version.ts';
import type { Bucket } from '../../domain/bucket.ts';
import type { Control } from '../../domain/control.ts';
import type { DutyName, DutyRow } from '../../domain/duty.ts';
import type { FunctionState } from '../../domain/function-state.ts';
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import type { MemberId, MemberRow } from '../../domain/member.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Layout } from '../../ports/store.ts';
import { ANSWERED_AT_ONCE, type Fate, type MemoryCall } from './fate.ts';

export interface Aging<Row> {
  readonly row: Row;
  readonly expiresMs: number;
}

/** A table of tables, made as they are needed: bucket -> version id -> row. */
class Shelves<Outer, Inner, Row> {
  readonly #shelves = new Map<Outer, Map<Inner, Row>>();

  shelf(key: Outer): Map<Inner, Row> {
    let shelf = this.#shelves.get(key);
    if (!shelf) {
      shelf = new Map();
      this.#shelves.set(key, shelf);
    }
    return shelf;
  }

  peek(key: Outer): ReadonlyMap<Inner, Row> | undefined {
    return this.#shelves.get(key);
  }

  *shelves(): Iterable<Map<Inner, Row>> {
    yield* this.#shelves.values();
  }
}

/**
 * What all clients of one memory store share, and where tests and simulation decide what goes wrong. Its own wall clock
 * is that of `clock`, whatever its clients believe the time to be.
 */
export class MemoryWorld {
  readonly clock: Clock;
  readonly members = new Map<MemberId, Aging<MemberRow>>();
  readonly duties = new Map<DutyName, DutyRow>();
  readonly active = new Shelves<Bucket, string, Aging<ActiveVersion>>();
  readonly states = new Shelves<Bucket, string, FunctionState>();
  readonly ledger = new Map<string, LedgerEntry[]>();
  readonly controls = new Map<string, Control>();
  layout: Layout | undefined;
  /** Asked once for every call; faults that a client was told of (`failNext` and the like) come first. */
  fateOf: (call: MemoryCall) => Fate;

  constructor(options: { clock: Clock; fateOf?: (call: MemoryCall) => Fate }) {
    this.clock = options.clock;
    this.fateOf = options.fateOf ?? (() => ANSWERED_AT_ONCE);
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

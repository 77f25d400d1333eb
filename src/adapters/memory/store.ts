import type { ActiveVersion } from '../../domain/active-version.ts';
import type { ControlKind } from '../../domain/control.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { Controls } from '../../ports/controls.ts';
import type { Ledger } from '../../ports/ledger.ts';
import type { Roster } from '../../ports/roster.ts';
import { describeLayoutConflict, type Layout, type Store } from '../../ports/store.ts';
import { StoreError } from '../../ports/store-error.ts';
import { dutiesOn } from './duties.ts';
import { statesOn } from './states.ts';
import type { Connection, MemoryWorld } from './world.ts';

/** Long enough for anyone to have noticed; the rows only must not pile up. */
const MEMBER_TTL_MS = 120_000;
const LEFT_TTL_MS = 30_000;

/** One client of a memory world. Many of them on one world are many members. */
export class MemoryStore implements Store {
  readonly roster: Roster;
  readonly duties: Store['duties'];
  readonly catalogue: Catalogue;
  readonly states: Store['states'];
  readonly ledger: Ledger;
  readonly controls: Controls;
  readonly connection: Connection;

  constructor(world: MemoryWorld, { name = '' }: { name?: string } = {}) {
    const connection = world.connect(name);
    this.connection = connection;
    this.roster = roster(connection);
    this.duties = dutiesOn(connection);
    this.catalogue = catalogue(connection);
    this.states = statesOn(connection);
    this.ledger = ledger(connection);
    this.controls = controls(connection);
  }

  agree(layout: Layout): Promise<void> {
    return this.connection.call('agree', () => {
      const { world } = this.connection;
      world.layout ??= layout;
      const conflict = describeLayoutConflict(layout, world.layout);
      if (conflict) throw new StoreError('schema', conflict);
    });
  }

  readLayout(): Promise<Layout | undefined> {
    return this.connection.call('readLayout', () => this.connection.world.layout);
  }

  ping(): Promise<void> {
    return this.connection.call('ping', () => {});
  }

  async close(): Promise<void> {
    this.connection.close();
  }
}

function roster({ world, call }: Connection): Roster {
  const { members, clock } = world;
  return {
    beat: (row) =>
      call('roster.beat', () => {
        const ttlMs = row.state === 'left' ? LEFT_TTL_MS : MEMBER_TTL_MS;
        members.set(row.memberId, { row, expiresMs: clock.wallMs() + ttlMs });
      }),
    list: () =>
      call('roster.list', () => {
        const nowMs = clock.wallMs();
        return [...members.values()].filter(({ expiresMs }) => expiresMs > nowMs).map(({ row }) => row);
      }),
  };
}

function catalogue({ world, call }: Connection): Catalogue {
  const { active, clock } = world;
  return {
    enrol: (bucket, versions, { ttlSeconds }) =>
      call('catalogue.enrol', () => {
        const expiresMs = clock.wallMs() + ttlSeconds * 1000;
        const shelf = active.shelf(bucket);
        for (const version of versions) shelf.set(version.versionId, { row: { ...version, bucket }, expiresMs });
      }),
    read: (buckets) =>
      call('catalogue.read', () => {
        const nowMs = clock.wallMs();
        const rows: ActiveVersion[] = [];
        for (const bucket of new Set(buckets)) {
          for (const { row, expiresMs } of active.peek(bucket)?.values() ?? []) if (expiresMs > nowMs) rows.push(row);
        }
        return rows;
      }),
  };
}

function ledger({ world, call }: Connection): Ledger {
  return {
    record: (entries) =>
      call('ledger.record', () => {
        for (const entry of entries) {
          const kept = world.ledger.get(entry.versionId);
          if (kept) kept.push(entry);
          else world.ledger.set(entry.versionId, [entry]);
        }
      }),
    recall: (versionId, { limit, beforeMs = Number.POSITIVE_INFINITY }) =>
      call('ledger.recall', () =>
        (world.ledger.get(versionId) ?? [])
          .filter(({ atMs }) => atMs < beforeMs)
          .sort((one, other) => other.atMs - one.atMs)
          .slice(0, limit),
      ),
  };
}

function controls({ world, call }: Connection): Controls {
  const keyOf = (kind: ControlKind, versionId: string) => `${kind}/${versionId}`;
  return {
    list: (nowMs) => call('controls.list', () => [...world.controls.values()].filter(({ until }) => until > nowMs)),
    put: (control) =>
      call('controls.put', () => {
        const versionId = control.kind === 'freeze-release' ? '' : control.versionId;
        world.controls.set(keyOf(control.kind, versionId), control);
      }),
    remove: (kind, versionId) =>
      call('controls.remove', () => {
        world.controls.delete(keyOf(kind, versionId));
      }),
  };
}

import { BUCKET_COUNT, type Bucket } from '../../../domain/bucket.ts';
import type { MemberId } from '../../../domain/member.ts';
import type { AdminWorld, VersionSummary } from '../admin-world.ts';
import { showTime } from '../show.ts';
import { showMembers } from '../status-routes.ts';
import { type FunctionSummary, summarise } from '../summary.ts';
import type { EventFeed } from './event-feed.ts';

/** Rows in one event: large enough to be cheap, small enough for a page to stay smooth. */
const ROWS_AT_ONCE = 200;
/** Rows written out in one go; the others have their turn with the next look, so that nothing else waits for them. */
const ROWS_PER_LOOK = 5_000;

interface Seen {
  readonly latest: VersionSummary['latest'];
  readonly state: VersionSummary['state'];
  readonly key: string;
}

/** Compares what this member knows with what it last published, and publishes the difference. */
export class FleetNews {
  readonly #world: AdminWorld;
  readonly #feed: EventFeed;
  #seen: Map<string, Seen> | undefined;
  #owners: (MemberId | undefined)[] | undefined;
  #membersKey = '';

  constructor(world: AdminWorld, feed: EventFeed) {
    this.#world = world;
    this.#feed = feed;
  }

  publishChanges(): void {
    this.#publishMembers();
    this.#publishMoves();
    this.#publishFunctions();
  }

  #publishMembers(): void {
    const items = showMembers(this.#world);
    const key = JSON.stringify(items.map(({ beat: _, ...member }) => member));
    const isFirst = this.#membersKey === '';
    if (key === this.#membersKey) return;
    this.#membersKey = key;
    if (!isFirst) this.#feed.publish('members', { items });
  }

  #publishMoves(): void {
    const before = this.#owners;
    const now = Array.from({ length: BUCKET_COUNT }, (_, bucket) => this.#world.ownerOf(bucket));
    this.#owners = now;
    if (!before) return;
    const moves = new Map<string, { from: MemberId | null; to: MemberId | null; buckets: Bucket[] }>();
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket += 1) {
      const [from, to] = [before[bucket] ?? null, now[bucket] ?? null];
      if (from === to) continue;
      const key = JSON.stringify([from, to]);
      const move = moves.get(key) ?? { from, to, buckets: [] };
      moves.set(key, move);
      move.buckets.push(bucket);
    }
    if (moves.size > 0) this.#feed.publish('moves', { at: showTime(this.#world.nowMs()), items: [...moves.values()] });
  }

  /** Most versions of a fleet are as they were: those cost one comparison of objects. */
  #publishFunctions(): void {
    const before = this.#seen;
    const now = new Map<string, Seen>();
    const changed: FunctionSummary[] = [];
    let written = 0;
    for (const { version, latest, state } of this.#world.tracked()) {
      const { versionId } = version;
      const last = before?.get(versionId);
      const isSame = last && last.latest === latest && last.state === state;
      if (before && (isSame || written >= ROWS_PER_LOOK)) {
        if (last) now.set(versionId, last);
        continue;
      }
      written += 1;
      // The first look only marks where the differences begin; of a very large fleet some rows are then published once needlessly.
      const isWritten = before !== undefined || written <= ROWS_PER_LOOK;
      const summary =
        isWritten && summarise(this.#world, { version, state, summary: this.#world.summaryOf(versionId) });
      const key = summary ? keyOf(summary) : '';
      now.set(versionId, { latest, state, key });
      if (before && summary && last?.key !== key) changed.push(summary);
    }
    this.#seen = now;
    if (!before) return;
    const gone = [...before.keys()].filter((versionId) => !now.has(versionId));
    for (let first = 0; first < changed.length; first += ROWS_AT_ONCE) {
      this.#feed.publish('functions', { items: changed.slice(first, first + ROWS_AT_ONCE), gone: [] });
    }
    if (gone.length > 0) this.#feed.publish('functions', { items: [], gone });
  }
}

/** What makes a row look different: not when it was evaluated, and not the last digits. */
function keyOf({ seenAt: _, latest, utilisation, demand, ...row }: FunctionSummary): string {
  const { at: __, ...decided } = latest ?? { at: null };
  const coarse = (value: number | string | null) => (typeof value === 'number' ? Number(value.toPrecision(2)) : value);
  return JSON.stringify([row, decided, coarse(utilisation), coarse(demand)]);
}

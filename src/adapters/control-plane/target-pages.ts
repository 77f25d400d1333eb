import { scalingTargetsPath } from '../../contract/paths.ts';
import { compareIds, parsePage, type ReceivedTarget } from '../../contract/scaling-targets.ts';
import type { Target } from '../../domain/target.ts';
import { internString } from '../../lib/intern-string.ts';
import { forEachLimited } from '../../lib/limiter.ts';
import type { JsonAnswer } from '../wire/exchange.ts';
import type { Outcome } from '../wire/outcome.ts';
import { describeFailure, ReadFailure } from './read-failure.ts';
import { answerTo, msUntilNext, type ReadingOptions } from './reading-options.ts';
import type { Confirmation, Known } from './target-cache.ts';

/** A stretch of all version ids, read together: after `after`, up to where the next page begins. */
interface Page extends Confirmation {
  readonly after: string;
  etag: string | undefined;
  dueMs: number;
  readings: number;
  /** Those that we asked for and the page has. */
  members: Known[];
  /** Those that belong here, were known, and were not there the last time. */
  missing: Known[];
}

const PAGES_AT_ONCE = 4;
/** Ten million versions. A control plane with more pages than that has no last one. */
const PAGES_MAX = 10_000;

export interface TargetPagesOptions extends ReadingOptions {
  readonly pageSize: number;
}

/**
 * Reads scaling targets a page at a time. Pages keep their beginning, so each keeps its ETag when others grow or shrink,
 * and they fall due at different times, so no cycle reads all of them.
 */
export class TargetPages {
  readonly #options: TargetPagesOptions;
  /** By `after`; together they cover everything. */
  #pages: Page[];

  constructor(options: TargetPagesOptions) {
    this.#options = options;
    this.#pages = [this.#newPage('', Number.NEGATIVE_INFINITY)];
  }

  /** Rejects with ReadFailure. What was read until then is kept, and the rest stays due. */
  async refresh(signal: AbortSignal | undefined): Promise<void> {
    const { cache, clock, budgetMs } = this.#options;
    const startMs = clock.monotonicMs();
    const lookedFor = [...cache.pending()].flatMap((versionId) => cache.find(versionId) ?? []);
    for (const { versionId } of lookedFor) this.#readWhole(this.#pageOf(versionId));
    for (;;) {
      const nowMs = clock.monotonicMs();
      // Reading a page may bring another to light: the first pass goes from page to page like that.
      const due = this.#pages.filter(({ dueMs }) => dueMs <= nowMs);
      if (due.length === 0) break;
      if (nowMs - startMs >= budgetMs) return;
      await forEachLimited(due, PAGES_AT_ONCE, (page) => this.#read(page, signal));
    }
    // Every page that could have them has been read whole since they were asked for.
    for (const known of lookedFor) if (cache.isPending(known)) cache.setGone(known);
  }

  get pageCount(): number {
    return this.#pages.length;
  }

  #newPage(after: string, confirmedMs: number): Page {
    return {
      after,
      etag: undefined,
      dueMs: Number.NEGATIVE_INFINITY,
      readings: 0,
      confirmedMs,
      members: [],
      missing: [],
    };
  }

  /** "Not changed" would say nothing about a version that was not looked for the last time. */
  #readWhole(page: Page): void {
    page.etag = undefined;
    page.dueMs = Number.NEGATIVE_INFINITY;
  }

  async #read(page: Page, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    // Swallowed by the page before it, which was read meanwhile.
    if (!this.#pages.includes(page)) return;
    const startMs = this.#options.clock.monotonicMs();
    const request = {
      call: 'scaling-targets',
      path: scalingTargetsPath({ after: page.after, limit: this.#options.pageSize }),
      ...(page.etag === undefined ? {} : { headers: { 'If-None-Match': page.etag } }),
    } as const;
    const result = await answerTo(request, { ...this.#options, what: 'a page of scaling targets', signal });
    if (!this.#pages.includes(page)) return;
    if (result.arrival === 'answered' && result.status === 304 && page.etag !== undefined) this.#confirm(page, startMs);
    else this.#take(page, result, startMs);
    page.readings += 1;
    page.dueMs = startMs + msUntilNext(this.#options, { isFirst: page.readings === 1 });
  }

  #confirm(page: Page, startMs: number): void {
    page.confirmedMs = startMs;
    for (const known of page.missing.splice(0)) this.#options.cache.setGone(known);
  }

  #take(page: Page, result: Outcome<JsonAnswer>, startMs: number): void {
    if (result.arrival !== 'answered' || result.status !== 200 || result.bodyKind !== 'json') {
      throw describeFailure(result);
    }
    const { cache } = this.#options;
    const parsed = parsePage(result.body, { after: page.after, isWanted: (versionId) => cache.has(versionId) });
    if (!parsed.ok) throw new ReadFailure('answer', `scaling targets make no sense: ${parsed.detail}`);
    const before = this.#resize(page, parsed.next);
    const upTo = this.#upTo(page);
    const there = new Set<Known>();
    for (const item of parsed.items) {
      // What lies past the end is the next page's to tell, under an ETag of its own.
      if (upTo !== undefined && compareIds(item.versionId, upTo) > 0) break;
      const known = cache.find(item.versionId);
      if (!known) continue;
      there.add(known);
      const read = item.ok ? this.#targetOf(item.item) : item;
      if (read.ok) cache.set(known, read.target, page);
      else cache.setTrouble(known, read.detail);
    }
    // Once may be a gap in the answer; twice is gone.
    for (const known of before.missing) if (!there.has(known)) cache.setGone(known);
    page.missing = before.members.filter((known) => !there.has(known));
    for (const known of page.missing) cache.setUnconfirmed(known);
    page.members = [...there];
    page.etag = result.header('etag');
    page.confirmedMs = startMs;
  }

  /** Fits the page to where its answer ended, and returns what was known of that stretch before. */
  #resize(page: Page, next: string | null): { members: readonly Known[]; missing: readonly Known[] } {
    const index = this.#pages.indexOf(page);
    const upTo = this.#upTo(page);
    const { members, missing } = page;
    if (next !== null && (upTo === undefined || compareIds(next, upTo) < 0)) {
      // It has grown too full: the rest becomes a page of its own, as old as this one was until it is read.
      if (this.#pages.length >= PAGES_MAX) {
        throw new ReadFailure('answer', `scaling targets do not end after ${PAGES_MAX} pages`);
      }
      const rest = this.#newPage(next, page.confirmedMs);
      const isHere = (known: Known) => compareIds(known.versionId, next) <= 0;
      rest.members = members.filter((known) => !isHere(known));
      rest.missing = missing.filter((known) => !isHere(known));
      for (const known of rest.members) if (known.confirmation === page) known.confirmation = rest;
      this.#pages.splice(index + 1, 0, rest);
      return { members: members.filter(isHere), missing: missing.filter(isHere) };
    }
    // It reaches over whole pages after it: they have emptied, and are this one's now.
    let end = index + 1;
    while (end < this.#pages.length && isWithin(this.#pages[end + 1]?.after, next)) end += 1;
    const swallowed = this.#pages.splice(index + 1, end - index - 1);
    return {
      members: [...members, ...swallowed.flatMap((each) => each.members)],
      missing: [...missing, ...swallowed.flatMap((each) => each.missing)],
    };
  }

  #upTo(page: Page): string | undefined {
    return this.#pages[this.#pages.indexOf(page) + 1]?.after;
  }

  #pageOf(versionId: string): Page {
    let low = 0;
    let high = this.#pages.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (compareIds(this.#pages[middle]?.after ?? '', versionId) < 0) low = middle;
      else high = middle - 1;
    }
    const page = this.#pages[low];
    if (!page) throw new Error('pages cover everything');
    return page;
  }

  #targetOf(item: ReceivedTarget): { ok: true; target: Target } | { ok: false; detail: string } {
    const read = this.#options.policies.readDocument(item.policy);
    if (!read.ok) return read;
    return {
      ok: true,
      target: {
        functionId: item.functionId,
        versionId: item.functionVersionId,
        account: item.account,
        // The versions of a function often share one.
        name: item.name === undefined ? undefined : internString(item.name),
        status: item.functionStatus,
        instancesMin: item.minInstances,
        instancesMax: item.maxInstances,
        concurrency: item.maxRequestConcurrency,
        policy: read.policy,
        instancesActive: item.activeInstances,
        instancesPending: item.pendingInstances,
      },
    };
  }
}

/** Whether a page that ends at `upTo` (undefined: never) lies within an answer that ended at `next` (null: at the end of all). */
function isWithin(upTo: string | undefined, next: string | null): boolean {
  if (next === null) return true;
  return upTo !== undefined && compareIds(upTo, next) <= 0;
}

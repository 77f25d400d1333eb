import { z } from 'zod';
import type { FunctionStatus } from '../domain/target.ts';
import { id, instanceCount } from './counts.ts';
import { describeFault, functionStatus, humanName, reportedConcurrency, reportedCount } from './fields.ts';
import { PAGE_LIMIT_MAX } from './paths.ts';
import { invalidRequest, type WireProblem } from './problem.ts';

/** One version as a control plane describes it. */
export interface ScalingTarget {
  readonly functionId: string;
  readonly functionVersionId: string;
  readonly account: string;
  /** What people call it; shown, and used for nothing else. */
  readonly name?: string | undefined;
  readonly functionStatus: FunctionStatus;
  readonly minInstances: number;
  readonly maxInstances: number;
  readonly maxRequestConcurrency: number;
  /** A policy document; left out: the autoscaler's default policy holds. */
  readonly policy?: unknown;
  readonly activeInstances?: number | undefined;
  readonly pendingInstances?: number | undefined;
}

/** The order of pages: by the bytes of UTF-8, which no locale and no collation changes. */
export function compareIds(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    if (x === y) continue;
    // UTF-16 puts surrogates before U+E000 to U+FFFF; as code points, and so as UTF-8, they come after.
    return rank(x) - rank(y);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit;
}

export type ParsedPageQuery =
  | { readonly ok: true; readonly after: string; readonly limit: number }
  | { readonly ok: false; readonly problem: WireProblem };

/** The serving side: which page is asked for. */
export function parsePageQuery(query: URLSearchParams): ParsedPageQuery {
  const limitText = query.get('limit') ?? String(PAGE_LIMIT_MAX);
  const limit = /^[0-9]{1,6}$/.test(limitText) ? Number(limitText) : 0;
  if (limit < 1 || limit > PAGE_LIMIT_MAX) {
    return invalidRequest([{ pointer: 'query:limit', message: `must be a whole number from 1 to ${PAGE_LIMIT_MAX}` }]);
  }
  return { ok: true, after: query.get('after') ?? '', limit };
}

const itemSchema = z.object({
  functionId: id,
  functionVersionId: id,
  account: z.string().max(255),
  name: humanName,
  functionStatus,
  minInstances: instanceCount,
  maxInstances: instanceCount,
  maxRequestConcurrency: reportedConcurrency,
  policy: z.unknown().optional(),
  activeInstances: reportedCount,
  pendingInstances: reportedCount,
});

export type ReceivedTarget = z.infer<typeof itemSchema>;

type ParsedItem =
  | { readonly ok: true; readonly versionId: string; readonly item: ReceivedTarget }
  /** Known to be there, but not what it says. */
  | { readonly ok: false; readonly versionId: string; readonly detail: string };

const pageSchema = z.object({
  items: z.array(z.unknown()).max(PAGE_LIMIT_MAX),
  /** What to send as `after` for the next page; null on the last one. */
  next: id.nullable(),
});

export type ParsedPage =
  | { readonly ok: true; readonly items: readonly ParsedItem[]; readonly next: string | null }
  | { readonly ok: false; readonly detail: string };

/**
 * The asking side. Items are read one at a time and only those that `isWanted`, so that a page of a large fleet costs what
 * the share of it costs; one bad item spoils no other. A page that does not go forward is refused, or reading would never end.
 */
export function parsePage(
  body: unknown,
  { after, isWanted }: { after: string; isWanted: (versionId: string) => boolean },
): ParsedPage {
  const parsed = pageSchema.safeParse(body);
  if (!parsed.success) return { ok: false, detail: describeFault(parsed.error, 'the page') };
  const { items, next } = parsed.data;
  let previous = after;
  for (const item of items) {
    const versionId = versionIdOf(item);
    if (versionId === undefined) return { ok: false, detail: 'an item has no functionVersionId' };
    if (compareIds(versionId, previous) <= 0) return notInOrder(previous, versionId);
    previous = versionId;
  }
  if (next !== null && (compareIds(next, after) <= 0 || compareIds(next, previous) < 0))
    return notInOrder(previous, next);
  return { ok: true, items: items.filter((item) => isWanted(versionIdOf(item) ?? '')).map(readItem), next };
}

function readItem(item: unknown): ParsedItem {
  const read = itemSchema.safeParse(item);
  const versionId = versionIdOf(item) ?? '';
  if (read.success) return { ok: true, versionId, item: read.data };
  return { ok: false, versionId, detail: describeFault(read.error, 'the item') };
}

function versionIdOf(item: unknown): string | undefined {
  if (typeof item !== 'object' || item === null || !Object.hasOwn(item, 'functionVersionId')) return undefined;
  const { functionVersionId } = item as { functionVersionId: unknown };
  return typeof functionVersionId === 'string' && functionVersionId.length > 0 ? functionVersionId : undefined;
}

function notInOrder(previous: string, versionId: string): ParsedPage {
  return {
    ok: false,
    detail: `${JSON.stringify(versionId)} comes after ${JSON.stringify(previous)}: pages must go up by the UTF-8 bytes of functionVersionId`,
  };
}

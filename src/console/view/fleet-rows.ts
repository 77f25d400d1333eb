import type { Member, Summary, Value } from '../api/shapes.ts';

/** What a row is about at one glance; the first that fits. */
export type RowStatus =
  | 'failed'
  | 'blind'
  | 'people'
  | 'frozen'
  | 'moving'
  | 'held'
  | 'steady'
  | 'elsewhere'
  | 'unjudged';

const TROUBLE = new Set(['failed', 'refused', 'unknown', 'fenced']);
const HOLDS = new Set([
  'held-by-stickiness',
  'held-by-stabilisation',
  'held-by-cooldown',
  'in-flight',
  'first-cycles',
  'recovering',
  'recent-invocation',
  'idle-unproven',
  'step-limited',
  'ceiling',
  'floor',
  'not-converging',
  'partial-samples',
]);

export function rowStatusOf(row: Summary): RowStatus {
  const { latest } = row;
  if (row.outcome !== null && TROUBLE.has(row.outcome)) return 'failed';
  if (!row.isMine) return 'elsewhere';
  if (!latest) return 'unjudged';
  const reasons = new Set(latest.reasons);
  if (reasons.has('paused') || reasons.has('overridden')) return 'people';
  if (latest.verdict === 'abstain') return 'blind';
  if (reasons.has('fleet-frozen')) return 'frozen';
  if (latest.verdict !== 'keep' || row.phase === 'pending') return 'moving';
  if (latest.actual !== null && latest.wanted !== null && latest.actual !== latest.wanted) return 'moving';
  return latest.reasons.some((code) => HOLDS.has(code)) ? 'held' : 'steady';
}

export const ROW_STATUS_NAMES: Readonly<Record<RowStatus, string>> = {
  failed: 'order failed',
  blind: 'no answer',
  people: 'by people',
  frozen: 'frozen',
  moving: 'moving',
  held: 'held',
  steady: 'steady',
  elsewhere: 'elsewhere',
  unjudged: 'not judged yet',
};

export const FILTERS = ['all', 'moving', 'held', 'blind', 'frozen', 'people', 'failed', 'elsewhere'] as const;
export type Filter = (typeof FILTERS)[number];

export const SORTS = ['name', 'standing', 'wanted', 'actual', 'utilisation', 'demand', 'changed', 'owner'] as const;
export type Sort = (typeof SORTS)[number];

export interface Query {
  readonly text: string;
  readonly filter: Filter;
  readonly sort: Sort;
  readonly isDescending: boolean;
}

export const PLAIN_QUERY: Query = { text: '', filter: 'all', sort: 'name', isDescending: false };

/** A row with what is asked of it again and again worked out once; made anew only when the row changed. */
export interface Row {
  readonly summary: Summary;
  readonly status: RowStatus;
  readonly searchText: string;
}

export function rowOf(summary: Summary): Row {
  const { name, versionId, functionId, account, owner, latest } = summary;
  const texts = [name ?? '', versionId, functionId, account, owner ?? '', ...(latest?.reasons ?? [])];
  const searchText = texts.join('\n').toLowerCase();
  return { summary, status: rowStatusOf(summary), searchText };
}

export type Rows = ReadonlyMap<string, Row>;

/** Takes rows in; of two about one version the one that was decided later stays, however late the other arrives. */
export function mergeRows(rows: Rows, items: readonly Summary[], gone: readonly string[] = []): Rows {
  const merged = new Map(rows);
  for (const summary of items) {
    const known = merged.get(summary.versionId)?.summary;
    if (known && decidedMs(known) > decidedMs(summary) && known.owner === summary.owner) continue;
    // Only the owner knows the name: a version that moved to another member keeps the name that was seen.
    const name = summary.isMine ? summary.name : (summary.name ?? known?.name ?? null);
    merged.set(summary.versionId, rowOf(name === summary.name ? summary : { ...summary, name }));
  }
  for (const versionId of gone) {
    // It has left this member; whether it lives on elsewhere the next full reading tells.
    const known = merged.get(versionId);
    if (known?.summary.isMine) merged.set(versionId, rowOf({ ...known.summary, isMine: false, latest: null }));
  }
  return merged;
}

/** The rows as somebody sees them who judges none of them. */
export function elsewhere(rows: Rows): Rows {
  return new Map(
    [...rows].map(([versionId, { summary }]) => [versionId, rowOf({ ...summary, isMine: false, latest: null })]),
  );
}

/** A full reading of the fleet: what it does not name is gone. */
export function replaceRows(rows: Rows, items: readonly Summary[]): Rows {
  const named = new Set(items.map(({ versionId }) => versionId));
  return mergeRows(new Map([...rows].filter(([versionId]) => named.has(versionId))), items);
}

function decidedMs({ latest }: Summary): number {
  return latest?.at ? Date.parse(latest.at) : 0;
}

/**
 * Whether this member reports every change itself. Another live member may own versions that this one has never judged, even
 * when all rows known so far are its own.
 */
export function receivesAllChanges(rows: Rows, members: readonly Member[]): boolean {
  const isAlone = members.filter(({ isAlive }) => isAlive).length === 1;
  return isAlone && [...rows.values()].every(({ summary }) => summary.isMine);
}

export interface FleetTotals {
  readonly versions: number;
  readonly wanted: number;
  readonly actual: number;
  /** Rows behind `actual`: the others are judged elsewhere. */
  readonly seen: number;
  readonly byFilter: Readonly<Record<Filter, number>>;
}

export function totalsOf(rows: Rows): FleetTotals {
  const byFilter = Object.fromEntries(FILTERS.map((filter) => [filter, 0])) as Record<Filter, number>;
  let [wanted, actual, seen] = [0, 0, 0];
  for (const { summary, status } of rows.values()) {
    wanted += wantedOf(summary) ?? 0;
    if (summary.latest?.actual !== null && summary.latest?.actual !== undefined) {
      actual += summary.latest.actual;
      seen += 1;
    }
    if (isFilter(status)) byFilter[status] += 1;
  }
  byFilter.all = rows.size;
  return { versions: rows.size, wanted, actual, seen, byFilter };
}

function isFilter(status: string): status is Filter {
  return (FILTERS as readonly string[]).includes(status);
}

/** What should run: as decided here, else as the control plane last accepted. */
export function wantedOf(summary: Summary): number | null {
  return summary.latest?.wanted ?? summary.applied;
}

/** Search, filter and sort; ties keep the order of names, so that rows never jump about. */
export function selectRows(rows: Rows, query: Query): readonly Row[] {
  const words = query.text.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen: Row[] = [];
  for (const row of rows.values()) {
    if (query.filter !== 'all' && row.status !== query.filter) continue;
    if (words.every((word) => row.searchText.includes(word))) chosen.push(row);
  }
  const key = KEYS[query.sort];
  const keyed = chosen.map((row) => ({ row, key: key(row) }));
  const sign = query.isDescending ? -1 : 1;
  keyed.sort(
    (a, b) => compareKeys(a.key, b.key, sign) || compareText(a.row.summary.versionId, b.row.summary.versionId),
  );
  return keyed.map(({ row }) => row);
}

type Key = number | string | null;

const KEYS: Readonly<Record<Sort, (row: Row) => Key>> = {
  name: ({ summary }) => summary.name ?? summary.versionId,
  standing: ({ status }) => Object.keys(ROW_STATUS_NAMES).indexOf(status),
  wanted: ({ summary }) => wantedOf(summary),
  actual: ({ summary }) => summary.latest?.actual ?? null,
  utilisation: ({ summary }) => numberOf(summary.utilisation),
  demand: ({ summary }) => numberOf(summary.demand),
  changed: ({ summary }) => (summary.changedAt ? Date.parse(summary.changedAt) : null),
  owner: ({ summary }) => summary.owner,
};

function numberOf(value: Value): number | null {
  return value === '+Inf' ? Number.POSITIVE_INFINITY : value;
}

/** What is not known comes last, whichever way the rest is sorted. */
function compareKeys(a: Key, b: Key, sign: number): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return (
    sign * (typeof a === 'string' || typeof b === 'string' ? compareText(String(a), String(b)) : Math.sign(a - b) || 0)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

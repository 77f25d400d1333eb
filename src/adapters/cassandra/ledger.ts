import { randomBytes } from 'node:crypto';
import type { ActuationOutcome } from '../../domain/actuation.ts';
import type { Verdict } from '../../domain/decision.ts';
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import type { Reason } from '../../domain/reason.ts';
import type { Sample } from '../../domain/signal.ts';
import { forEachLimited } from '../../lib/limiter.ts';
import type { Ledger } from '../../ports/ledger.ts';
import type { Row, Session } from './session.ts';

const RECORD =
  'INSERT INTO decisions (version_id, day, at, function_id, verdict, previous, wanted, actual, policy, reasons,' +
  ' utilisation, demand, holder, fence, outcome, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TTL ?';
const COLUMNS =
  'at, function_id, verdict, previous, wanted, actual, policy, reasons, utilisation, demand, holder, fence, outcome, detail';
const DAY = `SELECT ${COLUMNS} FROM decisions WHERE version_id = ? AND day = ? LIMIT ?`;
const DAY_BEFORE = `SELECT ${COLUMNS} FROM decisions WHERE version_id = ? AND day = ? AND at < minTimeuuid(?) LIMIT ?`;

const NO_COUNT = -1;
const NO_TOKEN = -1n;
const DAY_MS = 86_400_000;
const TICKS = 10_000;

/** Decisions by version and day, so that no partition grows without end and old days go as whole files. */
export function ledgerOn(session: Session): Ledger {
  const { clock, ledgerTtlSeconds, readsInFlight } = session.options;
  const nodeId = randomBytes(6);
  const clockId = randomBytes(2);
  let tick = 0;
  /** Ticks of 100 ns keep entries of one millisecond apart, and in the order in which they were recorded. */
  const timeUuidOf = (atMs: number) => {
    const timeUuid = session.driver.types.TimeUuid.fromDate(new Date(atMs), tick, nodeId, clockId);
    tick = (tick + 1) % TICKS;
    return timeUuid;
  };
  return {
    async record(entries) {
      const writes = entries.map((entry) => {
        const params = [...columnsOf(entry, timeUuidOf(entry.atMs)), ledgerTtlSeconds];
        return { query: RECORD, params };
      });
      await forEachLimited(writes, readsInFlight, (write) => session.write('ledger-record', write));
    },
    async recall(versionId, { limit, beforeMs }) {
      const nowMs = clock.wallMs();
      // A writer's clock may be ahead of ours by less than a day.
      const newest = Math.floor(Math.min(beforeMs ?? Number.POSITIVE_INFINITY, nowMs + DAY_MS) / DAY_MS);
      const oldest = Math.floor((nowMs - ledgerTtlSeconds * 1000) / DAY_MS) - 1;
      const entries: LedgerEntry[] = [];
      for (let day = newest; day >= oldest && entries.length < limit; day -= 1) {
        const left = limit - entries.length;
        const rows =
          beforeMs === undefined
            ? await session.rows('ledger-recall', DAY, [versionId, day, left])
            : await session.rows('ledger-recall', DAY_BEFORE, [versionId, day, new Date(beforeMs), left]);
        for (const row of rows) entries.push(toEntry(versionId, row));
      }
      return entries;
    },
  };
}

function columnsOf(entry: LedgerEntry, at: unknown): unknown[] {
  return [
    entry.versionId,
    Math.floor(entry.atMs / DAY_MS),
    at,
    entry.functionId,
    entry.verdict,
    entry.previous ?? NO_COUNT,
    entry.wanted ?? NO_COUNT,
    entry.actual ?? NO_COUNT,
    entry.policy,
    JSON.stringify(entry.reasons),
    encodeSamples(entry.utilisation),
    encodeSamples(entry.demand),
    entry.holder,
    entry.token ?? NO_TOKEN,
    entry.outcome ?? '',
    entry.detail,
  ];
}

function toEntry(versionId: string, row: Row): LedgerEntry {
  const token = row['fence'] as bigint;
  const outcome = row['outcome'] as ActuationOutcome | '';
  return {
    versionId,
    functionId: row['function_id'] as string,
    atMs: (row['at'] as { getDate(): Date }).getDate().getTime(),
    verdict: row['verdict'] as Verdict,
    previous: count(row['previous']),
    wanted: count(row['wanted']),
    actual: count(row['actual']),
    policy: row['policy'] as string,
    reasons: JSON.parse(row['reasons'] as string) as Reason[],
    utilisation: decodeSamples(row['utilisation'] as string),
    demand: decodeSamples(row['demand'] as string),
    holder: row['holder'] as string,
    token: token === NO_TOKEN ? undefined : token,
    outcome: outcome === '' ? undefined : outcome,
    detail: row['detail'] as string,
  };
}

function count(value: unknown): number | undefined {
  return value === NO_COUNT ? undefined : (value as number);
}

/** JSON knows no infinity, and load on no capacity is infinite. */
function encodeSamples(samples: readonly Sample[]): string {
  return JSON.stringify(samples.map(({ atMs, value }) => [atMs, Number.isFinite(value) ? value : String(value)]));
}

function decodeSamples(text: string): Sample[] {
  const pairs = JSON.parse(text) as Array<[number, number | string]>;
  return pairs.map(([atMs, value]) => ({ atMs, value: Number(value) }));
}

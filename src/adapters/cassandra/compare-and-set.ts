import { type Clock, sleep } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import { isUnknown, StoreError } from '../../ports/store-error.ts';
import type { Meters } from '../../telemetry/meters.ts';

/** What a row says about a write of mine: it stands there; it may be sent (again); it can never apply any more. */
export type Judgement = 'mine' | 'again' | 'lost';

export interface Contender<Row> {
  /** The row that it wants to change. */
  readonly key: string;
  judge(row: Row | undefined): Judgement;
}

export type WriteOutcome<Row> =
  | { readonly outcome: 'applied'; readonly row: Row | undefined }
  | { readonly outcome: 'lost'; readonly row: Row | undefined }
  | { readonly outcome: 'unknown'; readonly error: unknown };

export interface Contest<Entrant extends Contender<Row>, Row> {
  readonly clock: Clock;
  readonly random: Random;
  readonly meters: Meters;
  /** No statement is begun after it. */
  readonly budgetMs: number;
  /** Sends all of them in one conditional statement, under the same nonces each time. */
  send(entrants: readonly Entrant[]): Promise<boolean>;
  /** Reads the rows linearizably, which also finishes or kills what is still under way. */
  look(entrants: readonly Entrant[]): Promise<ReadonlyMap<string, Row>>;
}

const DOUBTFUL_SENDS = 3;
/** With pauses of 50, 100, … 800 ms: longer than it takes to connect again to the only node that there is. */
const LOOKS = 6;
const PAUSE_MS = 50;

/**
 * Carries a conditional write to a known end where there is one. All entrants lie in one partition and apply together or
 * not at all. When the answer is no, those whose row has moved are lost and the others are sent again without them. When
 * no answer comes, the rows are read at serial consistency and each entrant knows its own nonce; what is still open is
 * sent again with the same nonce, so that a late first copy and the second one make the same row.
 *
 * Throws only where nothing was written and nothing can be any more.
 */
export async function contend<Entrant extends Contender<Row>, Row>(
  entrants: readonly Entrant[],
  contest: Contest<Entrant, Row>,
): Promise<Map<string, WriteOutcome<Row>>> {
  const outcomes = new Map<string, WriteOutcome<Row>>();
  const endMs = contest.clock.monotonicMs() + contest.budgetMs;
  let open = entrants;
  let doubt: { error: unknown } | undefined;
  let doubtfulSends = 0;

  const giveUp = (error: unknown) => {
    contest.meters.add('starling_store_unknown_outcomes_total', open.length, { resolution: 'unresolved' });
    for (const { key } of open) outcomes.set(key, { outcome: 'unknown', error });
    return outcomes;
  };

  while (open.length > 0) {
    if (doubt && (doubtfulSends >= DOUBTFUL_SENDS || contest.clock.monotonicMs() >= endMs)) return giveUp(doubt.error);
    let hasUnknownOutcome = false;
    try {
      if (await contest.send(open)) {
        for (const { key } of open) outcomes.set(key, { outcome: 'applied', row: undefined });
        return outcomes;
      }
    } catch (error) {
      if (isClosed(error)) throw error;
      // A clean failure after one in doubt settles nothing: the first copy may still arrive.
      if (!doubt && !isUnknown(error)) return failCleanly(open, outcomes, error);
      doubt ??= { error };
      hasUnknownOutcome = true;
      doubtfulSends += 1;
    }
    let rows: ReadonlyMap<string, Row>;
    try {
      rows = await lookUntilSeen(open, contest, endMs);
    } catch (error) {
      if (isClosed(error)) throw error;
      if (!doubt) return failCleanly(open, outcomes, error);
      return giveUp(doubt.error);
    }
    const before = open.length;
    open = open.filter((entrant) => {
      const row = rows.get(entrant.key);
      const judgement = entrant.judge(row);
      if (doubt) contest.meters.add('starling_store_unknown_outcomes_total', 1, { resolution: judgement });
      if (judgement === 'again') return true;
      outcomes.set(entrant.key, { outcome: judgement === 'mine' ? 'applied' : 'lost', row });
      return false;
    });
    // Refused though every row stands as observed: another write came and went in between. Not without end.
    if (!hasUnknownOutcome && open.length === before) {
      doubtfulSends += 1;
      doubt ??= { error: new StoreError('busy', 'the rows keep moving; try later') };
    }
  }
  return outcomes;
}

/** The same for one row by itself; throws where nobody can tell what became of the write. */
export async function contendAlone<Row>(
  judge: (row: Row | undefined) => Judgement,
  contest: Pick<Contest<Contender<Row>, Row>, 'clock' | 'random' | 'meters' | 'budgetMs'> & {
    send: () => Promise<boolean>;
    look: () => Promise<Row | undefined>;
  },
): Promise<Exclude<WriteOutcome<Row>, { outcome: 'unknown' }>> {
  const key = '';
  const look = async () => {
    const row = await contest.look();
    return new Map(row === undefined ? [] : [[key, row]]);
  };
  const written = (await contend<Contender<Row>, Row>([{ key, judge }], { ...contest, look })).get(key);
  if (!written) throw new Error('a write came to no end');
  if (written.outcome === 'unknown') throw written.error;
  return written;
}

async function lookUntilSeen<Entrant extends Contender<Row>, Row>(
  entrants: readonly Entrant[],
  contest: Contest<Entrant, Row>,
  endMs: number,
): Promise<ReadonlyMap<string, Row>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await contest.look(entrants);
    } catch (error) {
      if (attempt >= LOOKS || isClosed(error) || contest.clock.monotonicMs() >= endMs) throw error;
      const jitter = 0.75 + contest.random.next() / 2;
      await sleep(contest.clock, PAUSE_MS * 2 ** (attempt - 1) * jitter);
    }
  }
}

/** Nothing of what is open was written. Where an earlier part has an outcome, that has to be passed on too. */
function failCleanly<Row>(
  open: readonly Contender<Row>[],
  outcomes: Map<string, WriteOutcome<Row>>,
  error: unknown,
): Map<string, WriteOutcome<Row>> {
  if (outcomes.size === 0) throw error;
  for (const { key } of open) outcomes.set(key, { outcome: 'unknown', error });
  return outcomes;
}

function isClosed(error: unknown): boolean {
  return error instanceof StoreError && error.kind === 'closed';
}

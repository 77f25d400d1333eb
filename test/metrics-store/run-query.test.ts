import { describe, expect, it } from 'vitest';
import { runRangeQuery } from '../../src/metrics-store/promql/run-query.ts';
import { labelsOf } from '../../src/metrics-store/storage/labels.ts';
import { SampleStore } from '../../src/metrics-store/storage/sample-store.ts';
import { HandWoundClock } from '../support/hand-wound-clock.ts';

const SERIES = 200;
const STEPS = 500;

/** Every look at this clock takes as long as a query may go without letting others have their turn. */
class SlowClock extends HandWoundClock {
  #looks = 0;
  override monotonicMs(): number {
    this.#looks += 1;
    return this.#looks * 20;
  }
}

function largeQuery(options: { deadlineMs?: number; signal?: AbortSignal } = {}) {
  const clock = new SlowClock();
  const store = new SampleStore({ retentionMs: 3_600_000, seriesMax: SERIES });
  for (let at = 0; at < SERIES; at += 1) {
    const series = store.series(labelsOf(Object.entries({ __name__: 'a', at: String(at) })));
    store.append(series, { timeMs: 0, value: at, nowMs: 0 });
  }
  return runRangeQuery('sum(a) + sum(sum_over_time(a[1m]))', {
    store,
    clock,
    deadlineMs: options.deadlineMs ?? Number.POSITIVE_INFINITY,
    timeoutMs: 30_000,
    lookbackMs: 300_000,
    startMs: 0,
    endMs: (STEPS - 1) * 100,
    stepMs: 100,
    signal: options.signal,
  });
}

/** Counts how often others had their turn while `work` went on. */
async function turnsDuring(work: Promise<unknown>, onTurn: (turn: number) => void = () => {}): Promise<number> {
  let turns = 0;
  let isOver = false;
  const turn = () => {
    if (isOver) return;
    turns += 1;
    onTurn(turns);
    setImmediate(turn);
  };
  setImmediate(turn);
  try {
    await work;
  } finally {
    isOver = true;
  }
  return turns;
}

describe('a large query', () => {
  it('lets others have their turn again and again, and counts right all the same', async () => {
    const query = largeQuery();
    expect(await turnsDuring(query)).toBeGreaterThan(5);
    const [sum] = await query;
    expect(sum?.values).toEqual(new Float64Array(STEPS).fill(SERIES * (SERIES - 1)));
  });

  it('ends when nobody waits for it any more', async () => {
    const gone = new AbortController();
    let last = 0;
    const work = turnsDuring(largeQuery({ signal: gone.signal }), (turn) => {
      last = turn;
      if (turn === 2) gone.abort();
    });
    await expect(work).rejects.toMatchObject({ kind: 'canceled' });
    expect(last).toBeLessThan(5);
  });

  it('ends when its time is up, between two turns as well', async () => {
    await expect(largeQuery({ deadlineMs: 100 })).rejects.toMatchObject({ kind: 'timeout' });
  });
});

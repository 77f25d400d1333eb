import { describe, expect, it } from 'vitest';
import { type Contender, contend, type Judgement } from '../../../src/adapters/cassandra/compare-and-set.ts';
import { StoreError } from '../../../src/ports/store-error.ts';
import { silentMeters } from '../../../src/telemetry/meters.ts';
import { HandWoundClock } from '../../support/hand-wound-clock.ts';

interface Cell {
  readonly token: number;
  readonly nonce: string;
}

interface Bid extends Contender<Cell> {
  readonly observed: number | undefined;
  readonly cell: Cell;
}

function bid(key: string, observed: number | undefined, cell: Cell): Bid {
  return {
    key,
    observed,
    cell,
    judge(row): Judgement {
      if (row?.token === cell.token && row.nonce === cell.nonce) return 'mine';
      return row?.token === observed ? 'again' : 'lost';
    },
  };
}

/** A partition that applies conditional batches, and a script of what goes wrong on the way. */
class Partition {
  readonly rows = new Map<string, Cell>();
  readonly sent: string[][] = [];
  looks = 0;
  /** One per send: what happens before the answer would arrive. */
  script: Array<'answer' | 'applied-lost' | 'never-lost' | 'refused' | 'late'> = [];
  lookScript: Array<'answer' | 'fail'> = [];
  #late: Array<() => void> = [];

  apply(bids: readonly Bid[]): boolean {
    if (bids.some(({ key, observed }) => this.rows.get(key)?.token !== observed)) return false;
    for (const { key, cell } of bids) this.rows.set(key, cell);
    return true;
  }

  async send(bids: readonly Bid[]): Promise<boolean> {
    this.sent.push(bids.map(({ key }) => key));
    switch (this.script.shift() ?? 'answer') {
      case 'answer':
        return this.apply(bids);
      case 'applied-lost':
        this.apply(bids);
        throw new StoreError('unknown', 'lost');
      case 'never-lost':
        throw new StoreError('unknown', 'lost');
      case 'late':
        this.#late.push(() => this.apply(bids));
        throw new StoreError('unknown', 'lost');
      case 'refused':
        throw new StoreError('unavailable', 'refused');
    }
  }

  async look(): Promise<ReadonlyMap<string, Cell>> {
    this.looks += 1;
    if (this.lookScript.shift() === 'fail') throw new StoreError('unavailable', 'no look');
    const seen = new Map(this.rows);
    for (const apply of this.#late.splice(0)) apply();
    return seen;
  }
}

async function run(partition: Partition, bids: readonly Bid[], clock = new HandWoundClock()) {
  const contest = contend<Bid, Cell>(bids, {
    clock,
    random: { next: () => 0.5, uuid: () => 'u' },
    meters: silentMeters,
    budgetMs: 5000,
    send: (open) => partition.send(open),
    look: () => partition.look(),
  });
  let isDone = false;
  const done = contest.then(
    (outcomes) => ({ outcomes }),
    (error: unknown) => ({ error }),
  );
  done.then(() => {
    isDone = true;
  });
  for (let turn = 0; turn < 40 && !isDone; turn += 1) await clock.wind(250);
  return await done;
}

function outcomes(end: Awaited<ReturnType<typeof run>>): Record<string, string> {
  if (!('outcomes' in end)) throw end.error;
  return Object.fromEntries([...end.outcomes].map(([key, { outcome }]) => [key, outcome]));
}

describe('a conditional write is carried to a known end', () => {
  it('applies at once without a look', async () => {
    const partition = new Partition();
    expect(outcomes(await run(partition, [bid('a', undefined, { token: 1, nonce: 'x' })]))).toEqual({ a: 'applied' });
    expect(partition.looks).toBe(0);
  });

  it('drops those whose row has moved and sends the others again', async () => {
    const partition = new Partition();
    partition.rows.set('b', { token: 9, nonce: 'theirs' });
    const bids = ['a', 'b', 'c'].map((key) => bid(key, undefined, { token: 1, nonce: `mine-${key}` }));
    const end = await run(partition, bids);
    expect(outcomes(end)).toEqual({ a: 'applied', b: 'lost', c: 'applied' });
    expect(partition.sent).toEqual([
      ['a', 'b', 'c'],
      ['a', 'c'],
    ]);
    expect('outcomes' in end && end.outcomes.get('b')).toMatchObject({ row: { token: 9 } });
  });

  it('knows its own nonce when the answer was lost after the write', async () => {
    const partition = new Partition();
    partition.script = ['applied-lost'];
    expect(outcomes(await run(partition, [bid('a', undefined, { token: 1, nonce: 'x' })]))).toEqual({ a: 'applied' });
    expect(partition.sent).toHaveLength(1);
  });

  it('does not take the same token under another nonce for its own', async () => {
    const partition = new Partition();
    partition.rows.set('a', { token: 1, nonce: 'theirs' });
    partition.script = ['never-lost'];
    expect(outcomes(await run(partition, [bid('a', undefined, { token: 1, nonce: 'mine' })]))).toEqual({ a: 'lost' });
  });

  it('sends the same again when the row has not moved', async () => {
    const partition = new Partition();
    partition.script = ['never-lost', 'answer'];
    expect(outcomes(await run(partition, [bid('a', undefined, { token: 1, nonce: 'x' })]))).toEqual({ a: 'applied' });
    expect(partition.sent).toEqual([['a'], ['a']]);
  });

  it('recognises a first copy that arrived after the look', async () => {
    const partition = new Partition();
    // The copy applies right after the look saw the old row; the second copy is then refused, by my own nonce.
    partition.script = ['late', 'answer'];
    expect(outcomes(await run(partition, [bid('a', undefined, { token: 1, nonce: 'x' })]))).toEqual({ a: 'applied' });
    expect(partition.sent).toHaveLength(2);
  });

  it('gives up as unknown after three sends in doubt, never as lost', async () => {
    const partition = new Partition();
    partition.script = ['never-lost', 'never-lost', 'never-lost', 'answer'];
    expect(outcomes(await run(partition, [bid('a', undefined, { token: 1, nonce: 'x' })]))).toEqual({ a: 'unknown' });
    expect(partition.sent).toHaveLength(3);
  });

  it('stays unknown when a clean refusal follows a lost answer and nobody can look', async () => {
    const partition = new Partition();
    partition.script = ['applied-lost'];
    partition.lookScript = Array.from({ length: 20 }, () => 'fail' as const);
    expect(outcomes(await run(partition, [bid('a', undefined, { token: 1, nonce: 'x' })]))).toEqual({ a: 'unknown' });
  });

  it('looks again when the first look fails', async () => {
    const partition = new Partition();
    partition.script = ['applied-lost'];
    partition.lookScript = ['fail', 'fail'];
    expect(outcomes(await run(partition, [bid('a', undefined, { token: 1, nonce: 'x' })]))).toEqual({ a: 'applied' });
    expect(partition.looks).toBe(3);
  });

  it('throws a clean refusal of the first copy', async () => {
    const partition = new Partition();
    partition.script = ['refused'];
    const end = await run(partition, [bid('a', undefined, { token: 1, nonce: 'x' })]);
    expect(end).toMatchObject({ error: { kind: 'unavailable' } });
    expect(partition.looks).toBe(0);
  });

  it('does not throw away what is known when a later part is refused', async () => {
    const partition = new Partition();
    partition.rows.set('b', { token: 9, nonce: 'theirs' });
    partition.script = ['answer', 'refused'];
    const bids = [bid('a', undefined, { token: 1, nonce: 'x' }), bid('b', undefined, { token: 1, nonce: 'y' })];
    expect(outcomes(await run(partition, bids))).toEqual({ a: 'unknown', b: 'lost' });
  });

  it('does not run without end when the rows stand as observed and the write is refused all the same', async () => {
    const stubborn = new Partition();
    stubborn.apply = () => false;
    expect(outcomes(await run(stubborn, [bid('a', undefined, { token: 1, nonce: 'x' })]))).toEqual({ a: 'unknown' });
    expect(stubborn.sent.length).toBeLessThanOrEqual(3);
  });
});

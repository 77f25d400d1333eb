import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AMetricsStore, byLabel } from './a-metrics-store.ts';

const MINUTE_MS = 60_000;

/** `steady` is there all the time, `new` since a minute and `gone` until a minute ago; the same under another name. */
describe('the same series on both sides', () => {
  let one: AMetricsStore;

  beforeAll(async () => {
    one = await AMetricsStore.open();
    const nowMs = one.clock.wallMs();
    const lines: string[] = [];
    for (let agoMs = 10 * MINUTE_MS; agoMs >= 0; agoMs -= 15_000) {
      const there = ['steady', ...(agoMs <= MINUTE_MS ? ['new'] : []), ...(agoMs > MINUTE_MS ? ['gone'] : [])];
      for (const name of there) {
        lines.push(`calls{of="${name}"} ${agoMs / 1000} ${nowMs - agoMs}`);
        lines.push(`calls_total{of="${name}"} 7 ${nowMs - agoMs}`);
      }
    }
    await one.import(`${lines.join('\n')}\n`);
  });
  afterAll(() => one.close());

  const names = async (query: string) => (await one.query(query)).map(({ metric }) => metric['of']).sort();

  it.each([
    ['last_over_time(calls[30s]) unless last_over_time(calls[30s] offset 5m)', ['new']],
    ['last_over_time(calls[30s] offset 5m) unless last_over_time(calls[30s])', ['gone']],
    ['last_over_time(calls[30s]) and last_over_time(calls[30s] offset 5m)', ['steady']],
    // By its labels alone, whatever it is called.
    ['last_over_time(calls[30s]) unless last_over_time(calls_total[30s] offset 5m)', ['new']],
    ['last_over_time(calls[30s]) and on (of) last_over_time(calls_total[30s] offset 5m)', ['steady']],
    ['last_over_time(calls[30s]) or last_over_time(calls_total[30s] offset 5m)', ['gone', 'new', 'steady']],
    ['sum by (of) (last_over_time(calls[30s])) or sum by (of) (calls_total offset 5m)', ['gone', 'new', 'steady']],
  ])('%s', async (query, expected) => {
    expect(await names(query)).toEqual(expected);
  });

  /** At three steps, the last of them now. */
  async function overTime(query: string): Promise<Record<string, string[]>> {
    const end = one.clock.wallMs() / 1000;
    const parameters = new URLSearchParams({ query, start: String(end - 120), end: String(end), step: '60' });
    const { body } = await one.get(`/api/v1/query_range?${parameters}`);
    const { result } = body.data as { result: { metric: Record<string, string>; values: [number, string][] }[] };
    return Object.fromEntries(
      result.map(({ metric, values }) => [metric['of'] ?? '', values.map(([, value]) => value)]),
    );
  }

  it('are one series over several steps, with its part of each side', async () => {
    const query = 'sum by (of) (last_over_time(calls[14s])) > 60 or sum by (of) (last_over_time(calls_total[14s]))';
    expect(await overTime(query)).toEqual({ steady: ['120', '7', '7'], new: ['7', '7'], gone: ['120'] });
  });

  it('are taken away at the steps where the other side has them, and at no other', async () => {
    const [here, before] = ['last_over_time(calls[14s])', 'last_over_time(calls[14s] offset 1m)'];
    expect(await overTime(`${here} unless ${before}`)).toEqual({ new: ['60'] });
    expect(await overTime(`${here} and ${before}`)).toEqual({
      steady: ['120', '60', '0'],
      new: ['0'],
      gone: ['120'],
    });
  });

  it('count their values in groups that name the label, or take it away', async () => {
    const count = async (query: string) => byLabel(await one.query(query), 'of');
    expect(await count('count_values by (of) ("of", calls_total)')).toEqual({ 7: '3' });
    expect(await one.query('count_values without (of) ("of", calls_total)')).toMatchObject([
      { metric: {}, value: [expect.any(Number), '3'] },
    ]);
    expect(await count('count_values by (of) ("value", calls_total)')).toEqual({ steady: '1', new: '1', gone: '1' });
  });
});

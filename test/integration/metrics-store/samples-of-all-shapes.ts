import { SeededRandom } from '../../support/seeded-random.ts';
import { STALE_MARKER, type WrittenSeries } from '../../support/timeseries/remote-write.ts';

const STEP_MS = 15_000;
export const SPAN_MS = 40 * 60_000;

/** Series of every shape that queries treat in their own way, over the forty minutes before `endMs`; the same every time. */
export function samplesOfAllShapes(endMs: number): WrittenSeries[] {
  const random = new SeededRandom(42);
  const startMs = endMs - SPAN_MS;
  const grid = (stepMs = STEP_MS, fromMs = startMs, toMs = endMs) =>
    Array.from({ length: Math.floor((toMs - fromMs) / stepMs) + 1 }, (_, at) => fromMs + at * stepMs);
  const series: WrittenSeries[] = [];
  const add = (name: string, labels: Record<string, string>, timesMs: number[], valueAt: (at: number) => number) => {
    series.push({ labels: { __name__: name, ...labels }, timesMs, values: timesMs.map((_, at) => valueAt(at)) });
  };

  for (const job of ['api', 'worker']) {
    for (const instance of ['a', 'b', 'c']) {
      // Counters that grow unevenly and start again from nought, each at a phase of its own.
      let count = random.next() * 100;
      const times = grid().map((timeMs) => timeMs + Math.floor(random.next() * 2_000) - 1_000);
      add('requests_total', { job, instance, code: '200' }, times, (at) => {
        if (at > 0 && random.next() < 0.04) count = 0;
        count += Math.floor(random.next() * 50);
        return count;
      });
      let slow = 0;
      add('requests_total', { job, instance, code: '500' }, grid(), () => {
        slow += random.next() < 0.1 ? 1 : 0;
        return slow;
      });
      add('temperature', { job, instance }, grid(), (at) => Math.sin(at / 7) * 40 + random.next() * 10 - 5);
      add(
        'capacity',
        { job, instance, zone: instance === 'a' ? 'x' : 'y' },
        grid(60_000),
        () => 10 + instance.charCodeAt(0),
      );
      add('build_info', { job, instance, version: `1.${instance.charCodeAt(0)}` }, grid(), () => 1);
    }
    add('limit', { job }, grid(), () => (job === 'api' ? 100 : 20));
  }
  add(
    'requests_total',
    { job: 'gone', instance: 'z', code: '200' },
    grid(STEP_MS, startMs, endMs - 20 * 60_000),
    (at) => at * 3,
  );
  // Ended and came back, with the marker that a scraper leaves.
  const marked = grid();
  add('flapping', { instance: 'a' }, marked, (at) => (at % 17 === 9 ? STALE_MARKER : at));
  add(
    'flapping',
    { instance: 'b' },
    marked.filter((_, at) => at % 40 < 20),
    (at) => at * 2,
  );
  add('flapping', { instance: 'c' }, grid(STEP_MS, startMs, endMs - 10 * 60_000), (at) => at);
  series.push({
    labels: { __name__: 'ended', instance: 'a' },
    timesMs: [startMs, endMs - 120_000, endMs - 60_000],
    values: [1, 2, STALE_MARKER],
  });
  // Values that are none, or have no end.
  const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1, -1, 1e-7, 1e21, 123456789.125];
  for (const [at, value] of odd.entries()) add('odd_constant', { kind: `k${at}` }, grid(), () => value);
  for (const instance of ['a', 'b']) {
    add('odd_changing', { instance }, grid(), (at) => odd[(at * (instance === 'a' ? 3 : 7)) % odd.length] as number);
  }
  add('falling', {}, grid(), (at) => 1000 - at * 3.5);
  add('negative_total', {}, grid(), (at) => -500 + at * 4);
  add('sparse', { every: '4m' }, grid(240_000), (at) => at * at);
  add('sparse', { every: '6m' }, grid(360_000), (at) => at * 2);
  add('single', {}, [endMs - 90_000], () => 7);
  add('huge', { n: '1' }, grid(), () => 1e100);
  add('huge', { n: '2' }, grid(), () => 1);
  add('huge', { n: '3' }, grid(), () => -1e100);
  // Labels beyond ASCII, quotes and newlines; labels of upper case sort before the metric name.
  add('texts', { Upper: 'U', text: 'été "quoted" \\ back\nline', path: '/a.b/c' }, grid(), () => 1);
  add('texts', { text: '鳥🐦', path: '/a-b/c' }, grid(), () => 2);
  add('texts', { path: '' }, grid(), () => 3);
  // The same labels under two names, and a name that a sum loses.
  add('twin_a', { x: '1', y: '1' }, grid(), () => 1);
  add('twin_b', { x: '1', y: '1' }, grid(), () => 2);
  add('twin_b', { x: '1', y: '2' }, grid(), () => 3);
  for (const path of ['/x', '/y']) {
    const counts = new Float64Array(6);
    const bounds = ['0.1', '0.5', '1', '2.5', '+Inf'];
    const rows = grid().map(() => {
      for (let one = 0; one < 5; one += 1) {
        const seconds = random.next() ** 2 * (path === '/x' ? 3 : 1);
        for (const [at, bound] of bounds.entries()) {
          if (bound === '+Inf' || seconds <= Number(bound)) counts[at] = (counts[at] as number) + 1;
        }
      }
      return [...counts];
    });
    for (const [at, le] of bounds.entries()) add('seconds_bucket', { path, le }, grid(), (row) => rows[row]?.[at] ?? 0);
  }
  add('headless_bucket', { le: '1' }, grid(), (at) => at);
  add('headless_bucket', { le: '2' }, grid(), (at) => at * 2);
  add('odd_bucket', { le: 'none' }, grid(), (at) => at);
  add('odd_bucket', { le: '+Inf' }, grid(), (at) => at);
  add('odd_bucket', { le: '-5' }, grid(), (at) => at / 2);
  add('empty_bucket', { le: '1' }, grid(), () => 0);
  add('empty_bucket', { le: '+Inf' }, grid(), () => 0);
  return series;
}

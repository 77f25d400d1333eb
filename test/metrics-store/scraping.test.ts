import { afterEach, describe, expect, it } from 'vitest';
import { AMetricsStore, byLabel } from './a-metrics-store.ts';

const INTERVAL_MS = 15_000;

describe('scraping', () => {
  let one: AMetricsStore | undefined;
  afterEach(async () => {
    await one?.close();
    one = undefined;
  });

  async function scraping(pages: (string | number)[], options: Parameters<typeof AMetricsStore.open>[0] = {}) {
    let asked = 0;
    const opened = await AMetricsStore.open({ scrapeIntervalMs: INTERVAL_MS, ...options });
    one = opened;
    const url = await opened.serve((_, response) => {
      const page = pages[Math.min(asked, pages.length - 1)] ?? 500;
      asked += 1;
      if (typeof page === 'number') response.writeHead(page).end('no');
      else response.end(page);
    });
    const next = async () => {
      await opened.clock.wind(INTERVAL_MS);
    };
    const counted = async (count: number) => {
      await expect
        .poll(() => opened.query('count_over_time(up[1h])'))
        .toMatchObject([{ value: [expect.anything(), String(count)] }]);
    };
    await opened.store.addTarget({ url, job: 'fleet', labels: { env: 'test' } });
    await counted(1);
    return { opened, url, next, counted, asked: () => asked };
  }

  it('comes at once and then at the interval, and tells of itself', async () => {
    const { opened, next, counted, asked, url } = await scraping(['a 1\nb{x="1"} 2\n', 'a 1\nb{x="2"} 2\n']);
    expect(await opened.query('up')).toMatchObject([
      { metric: { job: 'fleet', instance: new URL(url).host, env: 'test' }, value: [expect.anything(), '1'] },
    ]);
    await next();
    await counted(2);
    expect(asked()).toBe(2);
    expect((await opened.query('scrape_samples_scraped'))[0]?.value[1]).toBe('2');
    expect((await opened.query('scrape_series_added'))[0]?.value[1]).toBe('1');
    expect((await opened.query('scrape_duration_seconds'))[0]?.value[1]).toBe('0');
    await opened.clock.wind(INTERVAL_MS - 1);
    expect(asked()).toBe(2);
  });

  it('marks series that left the page as ended, at once, and all when the target fails', async () => {
    const { opened, next, counted } = await scraping(['a 1\nb{x="1"} 2\n', 'a 1\n', 503, 'a 5\nb{x="1"} 6\n']);
    expect(await opened.query('b')).toHaveLength(1);
    await next();
    await counted(2);
    expect(await opened.query('b')).toHaveLength(0);
    expect(await opened.query('last_over_time(b[5m])')).toHaveLength(1);
    expect(await opened.query('a')).toHaveLength(1);
    await next();
    await counted(3);
    expect(await opened.query('a')).toHaveLength(0);
    expect(byLabel(await opened.query('up'), 'job')).toEqual({ fleet: '0' });
    await next();
    await counted(4);
    expect(byLabel(await opened.query('{__name__=~"a|b"}'), '__name__')).toEqual({ a: '5', b: '6' });
  });

  it('ends all series of a target that is taken away', async () => {
    const { opened, url } = await scraping(['a 1\n']);
    await opened.clock.wind(1_000);
    await opened.store.removeTarget(url);
    expect(await opened.query('{job="fleet"}')).toEqual([]);
    expect(opened.clock.pendingTimers).toBe(1);
  });

  it('takes a page whole or not at all, and says why not in `up`', async () => {
    const { opened } = await scraping(['a 1\nb{ 2\n']);
    expect(await opened.query('a')).toEqual([]);
    expect(byLabel(await opened.query('up'), 'job')).toEqual({ fleet: '0' });
  });

  it('takes a page in the pieces in which it comes, wherever they are cut', async () => {
    const page = Buffer.from('a{x="ü"} 1\nb 2\nc{y="ß"} 3');
    const opened = await AMetricsStore.open();
    one = opened;
    const url = await opened.serve(async (_, response) => {
      response.flushHeaders();
      for (const byte of page) {
        response.write(Buffer.from([byte]));
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
      response.end();
    });
    await opened.store.addTarget({ url });
    await expect.poll(() => opened.query('{__name__=~"a|b|c"}')).toHaveLength(3);
    const found = await opened.query('{__name__=~"a|b|c"}');
    expect(byLabel(found, '__name__')).toEqual({ a: '1', b: '2', c: '3' });
    expect(found.map(({ metric }) => metric.x ?? metric.y ?? '').sort()).toEqual(['', 'ß', 'ü']);
  });

  it('takes no page with more samples, or more bytes, than it may', async () => {
    const many = await scraping(['a 1\nb 2\nc 3\n'], { samplesPerScrapeMax: 2 });
    expect(byLabel(await many.opened.query('up'), 'job')).toEqual({ fleet: '0' });
    expect(await many.opened.query('a')).toEqual([]);
    await many.opened.close();
    const long = await scraping([`a 1\n# ${'x'.repeat(2_000)}\n`], { pageMaxBytes: 1_000 });
    expect(byLabel(await long.opened.query('up'), 'job')).toEqual({ fleet: '0' });
  });

  it('gives up on a target that does not answer in time', async () => {
    const opened = await AMetricsStore.open({ scrapeTimeoutMs: 2_000 });
    one = opened;
    let isAsked = false;
    const url = await opened.serve(() => {
      isAsked = true;
    });
    await opened.store.addTarget({ url });
    await expect.poll(() => isAsked).toBe(true);
    await opened.clock.wind(2_000);
    await expect.poll(() => opened.query('up')).toMatchObject([{ value: [expect.anything(), '0'] }]);
    expect((await opened.query('scrape_duration_seconds'))[0]?.value[1]).toBe('2');
  });

  it('keeps the labels of the target apart from those of the page, and time stamps that the page gives', async () => {
    const page = (nowMs: number) => `a{job="theirs",env="theirs"} 1\nb 2 ${nowMs - 60_000}\n`;
    const { opened } = await scraping([page(1_700_000_000_000)]);
    expect((await opened.query('a'))[0]?.metric).toMatchObject({
      job: 'fleet',
      exported_job: 'theirs',
      env: 'test',
      exported_env: 'theirs',
    });
    expect((await opened.query('timestamp(b)'))[0]?.value[1]).toBe('1699999940');
  });

  it('lets no more than an hour pile up', async () => {
    const { opened } = await scraping(['a 1\n', 503], { retentionMs: 60_000 });
    await opened.clock.wind(30_000);
    expect(await opened.query('last_over_time(a[1h])')).toHaveLength(1);
    await opened.clock.wind(60_000);
    await expect.poll(() => opened.query('last_over_time(a[1h])')).toEqual([]);
  });
});

import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AMetricsStore } from './a-metrics-store.ts';

describe('the HTTP API of the metrics store', () => {
  let one: AMetricsStore;
  let now: number;
  beforeAll(async () => {
    one = await AMetricsStore.open({ pageMaxBytes: 100_000, seriesMax: 2_000 });
    now = one.clock.wallMs() / 1000;
    const lines = Array.from({ length: 500 }, (_, at) => `many{at="${at}"} ${at}\n`);
    await one.import(
      `a{x="1"} 1 ${now * 1000 - 30_000}\na{x="1"} 4 ${now * 1000}\nb{x="2",y="3"} 5\n${lines.join('')}`,
    );
  });
  afterAll(() => one.close());

  const post = (path: string, form: Record<string, string>) =>
    fetch(one.store.url + path, { method: 'POST', body: new URLSearchParams(form) });

  it('answers GET and POST alike, as Prometheus writes it', async () => {
    const expected = {
      status: 'success',
      data: { resultType: 'vector', result: [{ metric: { __name__: 'a', x: '1' }, value: [now, '4'] }] },
    };
    expect((await one.get(`/api/v1/query?query=a&time=${now}&nocache=1`)).body).toEqual(expected);
    expect(
      await (await post('/api/v1/query', { query: 'a', time: new Date(now * 1000).toISOString() })).json(),
    ).toEqual(expected);
    expect(await (await post('/api/v1/query', { query: 'a' })).json()).toMatchObject(expected);
    const range = { query: 'a', start: String(now - 30), end: String(now), step: '30s' };
    expect(await (await post('/api/v1/query_range', range)).json()).toEqual({
      status: 'success',
      data: {
        resultType: 'matrix',
        result: [
          {
            metric: { __name__: 'a', x: '1' },
            values: [
              [now - 30, '1'],
              [now, '4'],
            ],
          },
        ],
      },
    });
  });

  it('lists labels, values and series', async () => {
    expect((await one.get('/api/v1/labels?match[]=b')).body.data).toEqual(['__name__', 'x', 'y']);
    expect((await one.get('/api/v1/label/x/values')).body.data).toEqual(['1', '2']);
    expect((await one.get('/api/v1/label/__name__/values')).body.data).toEqual(['a', 'b', 'many']);
    expect((await one.get('/api/v1/series?match[]=a&match[]={y="3"}')).body.data).toEqual([
      { __name__: 'a', x: '1' },
      { __name__: 'b', x: '2', y: '3' },
    ]);
    expect((await one.get(`/api/v1/series?match[]=a&start=${now + 1}`)).body.data).toEqual([]);
    expect((await one.get(`/api/v1/series?match[]=b&end=${now - 1}`)).body.data).toEqual([]);
  });

  it.each([
    ['query?query=', 400, 'bad_data', 'unexpected end of input'],
    ['query?query=a&time=soon', 400, 'bad_data', 'invalid parameter "time": cannot parse "soon" to a valid timestamp'],
    ['query?query=a&timeout=x', 400, 'bad_data', 'invalid parameter "timeout"'],
    ['query_range?query=a&start=1&end=2', 400, 'bad_data', 'invalid parameter "step"'],
    ['query_range?query=a&start=2&end=1&step=1', 400, 'bad_data', 'end timestamp must not be before start time'],
    ['query_range?query=a&start=1&end=2&step=0', 400, 'bad_data', 'zero or negative'],
    ['query_range?query=a&start=0&end=11001&step=1', 400, 'bad_data', 'exceeded maximum resolution of 11,000 points'],
    ['query_range?query=a[5m]&start=1&end=2&step=1', 400, 'bad_data', 'must be Scalar or instant Vector'],
    ['query_range?query=many&start=0&end=11000&step=1', 422, 'execution', 'too many samples'],
    ['query?query=many*on()many', 422, 'execution', 'found duplicate series for the match group'],
    ['label/0/values', 400, 'bad_data', 'invalid label name'],
    ['label/%E0/values', 400, 'bad_data', 'invalid label name'],
    ['series', 400, 'bad_data', 'no match[] parameter provided'],
    ['series?match[]=sum(a)', 400, 'bad_data', 'is no selector of series'],
    ['rules', 404, 'not_found', 'there is no /api/v1/rules here'],
    ['import/prometheus', 405, 'bad_data', 'takes POST'],
  ])('%s is %d %s: %s', async (path, status, errorType, error) => {
    expect(await one.get(`/api/v1/${path}`)).toMatchObject({
      status,
      body: { status: 'error', errorType, error: expect.stringContaining(error) },
    });
  });

  it('packs large answers for who takes them, and reads packed bodies', async () => {
    const answer = await fetch(`${one.store.url}/api/v1/query?query=many`, { headers: { 'accept-encoding': 'gzip' } });
    expect(answer.headers.get('content-encoding')).toBe('gzip');
    expect(((await answer.json()) as { data: { result: unknown[] } }).data.result).toHaveLength(500);
    const wide = `label_replace(many, "wide", "${'x'.repeat(1_000)}", "", "")`;
    for (const encoding of ['gzip', 'identity']) {
      const streamed = await fetch(`${one.store.url}/api/v1/query?${new URLSearchParams({ query: wide })}`, {
        headers: { 'accept-encoding': encoding },
      });
      expect(streamed.headers.get('content-length')).toBeNull();
      expect(((await streamed.json()) as { data: { result: unknown[] } }).data.result).toHaveLength(500);
    }
    const plain = await fetch(`${one.store.url}/api/v1/query?query=many`, {
      headers: { 'accept-encoding': 'identity' },
    });
    expect(plain.headers.get('content-encoding')).toBeNull();
    const send = (body: Buffer<ArrayBuffer>, encoding: string) =>
      fetch(`${one.store.url}/api/v1/import/prometheus`, {
        method: 'POST',
        body,
        headers: { 'content-encoding': encoding },
      });
    expect((await send(Buffer.from(gzipSync('packed 1\n')), 'gzip')).status).toBe(204);
    expect(await one.query('packed')).toHaveLength(1);
    expect((await send(Buffer.from('no gzip'), 'gzip')).status).toBe(400);
    expect((await send(Buffer.from('x 1\n'), 'br')).status).toBe(415);
    expect((await send(Buffer.from(gzipSync('#'.repeat(200_000))), 'gzip')).status).toBe(413);
    expect((await send(Buffer.from('#'.repeat(200_000)), 'identity')).status).toBe(413);
  });

  it('takes no samples from web pages, which can post to any port of the machine that they are looked at on', async () => {
    const send = (headers: Record<string, string>) =>
      fetch(`${one.store.url}/api/v1/import/prometheus`, { method: 'POST', body: 'planted 1\n', headers });
    expect((await send({ origin: 'https://elsewhere.example' })).status).toBe(403);
    expect(await one.query('planted')).toEqual([]);
    expect((await send({})).status).toBe(204);
  });

  it('takes the good of what is imported, and says what it did not take', async () => {
    const answer = await one.import(`late 1 ${now * 1000 - 4_000_000}\nlate 2\nlate 1 ${now * 1000 - 1_000}\n`);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('2 of 3 samples were not taken');
    expect(await one.query('late')).toMatchObject([{ value: [now, '2'] }]);
    expect((await one.import('broken{ 1\n')).status).toBe(400);
    await one.import(`over 1 ${now * 1000 - 2_000}\nover StaleNaN ${now * 1000 - 1_000}\n`);
    expect(await one.query('over')).toEqual([]);
    expect(await one.query('over', { agoMs: 1_500 })).toHaveLength(1);
  });

  it('takes no more series than it may', async () => {
    const answer = await one.import(Array.from({ length: 2_000 }, (_, at) => `new{at="${at}"} 1\n`).join(''));
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain('holds 2000 series and takes no more');
    // What was refused leaves its room to others, and so does what came too late.
    const old = now * 1000 - 4_000_000;
    expect(
      (await one.import(Array.from({ length: 1_400 }, (_, at) => `old{at="${at}"} 1 ${old}\n`).join(''))).status,
    ).toBe(400);
    expect((await one.import(Array.from({ length: 1_400 }, (_, at) => `fits{at="${at}"} 1\n`).join(''))).status).toBe(
      204,
    );
    expect(await one.query('count(fits)')).toMatchObject([{ value: [now, '1400'] }]);
  });

  it('says that it is there', async () => {
    expect((await fetch(`${one.store.url}/-/ready`)).status).toBe(200);
    expect((await fetch(`${one.store.url}/-/healthy`)).status).toBe(200);
    expect((await one.get('/api/v1/status/buildinfo')).body.data).toMatchObject({ version: '2.42.0' });
  });

  it('ends a query that takes too long', async () => {
    const { clock } = one;
    const slow = {
      ...clock,
      monotonicMs: () => performance.now() * 1e9,
      wallMs: () => clock.wallMs(),
      after: clock.after.bind(clock),
    };
    const other = await AMetricsStore.open({ clock: slow, queryTimeoutMs: 1 });
    await other.import(Array.from({ length: 200 }, (_, at) => `many{at="${at}"} 1\n`).join(''));
    const span = new URLSearchParams({ query: 'sum(many)', start: String(now - 1_000), end: String(now), step: '1' });
    expect(await other.get(`/api/v1/query_range?${span}`)).toMatchObject({
      status: 503,
      body: { errorType: 'timeout' },
    });
    await other.close();
  });

  it('says which port it cannot have', async () => {
    const port = Number(new URL(one.store.url).port);
    await expect(AMetricsStore.open({ address: { host: '127.0.0.1', port } })).rejects.toThrow(
      `cannot listen on 127.0.0.1:${port}`,
    );
  });
});

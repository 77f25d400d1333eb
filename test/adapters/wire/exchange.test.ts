import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import { asJson, exchange, unansweredOf } from '../../../src/adapters/wire/exchange.ts';
import { Agents } from '../../../src/adapters/wire/tls.ts';

const servers: Server[] = [];
const agents = new Agents({ clock: systemClock, connectionsMax: 4 });
const { signal } = new AbortController();
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(onRequest: RequestListener): Promise<string> {
  const server = createServer(onRequest);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const ask = (url: string, more: { signal?: AbortSignal; bytesMax?: number } = {}) =>
  exchange(
    { method: 'PUT', url, headers: { 'content-type': 'text/plain' }, body: 'hello', signal, agents, ...more },
    { bytesMax: more.bytesMax ?? 100 },
  );

describe('a request', () => {
  it('is answered, whatever the status, and nothing is guessed from either body', async () => {
    const url = await serve((request, response) => {
      response.writeHead(302, { location: 'http://elsewhere.test/', 'content-type': 'application/json' });
      request.pipe(response);
    });
    const answer = await ask(url);
    expect(answer).toMatchObject({ arrival: 'answered', status: 302, bytes: Buffer.from('hello') });
    expect(answer.arrival === 'answered' && answer.header('location')).toBe('http://elsewhere.test/');
    expect(asJson(answer, 0)).toMatchObject({ bodyKind: 'broken', body: undefined });
  });

  it('that nobody takes was not sent', async () => {
    const url = await serve(() => {});
    const server = servers.pop();
    await new Promise((resolve) => server?.close(resolve));
    const { port } = new URL(url);
    expect(await ask(url)).toMatchObject({
      arrival: 'not-sent',
      cause: 'refused',
      detail: `no connection: connect ECONNREFUSED 127.0.0.1:${port}`,
      reason: `connect ECONNREFUSED 127.0.0.1:${port}`,
    });
  });

  it('whose connection breaks may have arrived', async () => {
    const url = await serve((request) => request.socket.destroy());
    expect(await ask(url)).toMatchObject({
      arrival: 'unknown',
      cause: 'reset',
      detail: expect.stringMatching(/broke/),
    });
  });

  it('whose answer breaks off or is too large may have arrived, too', async () => {
    const url = await serve((request, response) => {
      if (request.method === 'PUT') response.write('x'.repeat(50));
      setImmediate(() => response.destroy());
    });
    expect(await ask(url)).toMatchObject({ arrival: 'unknown', cause: 'reset' });
    expect(await ask(await serve((_, response) => response.end('x'.repeat(200))))).toMatchObject({
      arrival: 'unknown',
      cause: 'too-large',
      detail: 'the answer is larger than 100 bytes',
    });
  });

  it('is not sent once it was given up, and may have arrived when it is given up later', async () => {
    let asked = 0;
    const leaving = new AbortController();
    const url = await serve(() => {
      asked += 1;
      leaving.abort(new Error('stopping'));
    });
    expect(await ask(url, { signal: leaving.signal })).toMatchObject({ arrival: 'unknown', cause: 'aborted' });
    expect(await ask(url, { signal: leaving.signal })).toMatchObject({ arrival: 'not-sent', cause: 'aborted' });
    expect(asked).toBe(1);
  });

  it('to a name that has no address was not sent', async () => {
    expect(await ask('http://nothing.invalid/')).toMatchObject({ arrival: 'not-sent', cause: 'unresolved' });
  });
});

describe('why a request went without an answer', () => {
  const named = (code: string, message: string) => Object.assign(new Error(message), { code });
  it.each([
    [named('ECONNREFUSED', ''), 'not-sent', 'refused', 'ECONNREFUSED'],
    [named('ECONNREFUSED', 'socket hang up'), 'not-sent', 'refused', 'ECONNREFUSED socket hang up'],
    [named('ENOTFOUND', 'getaddrinfo ENOTFOUND x'), 'not-sent', 'unresolved', 'getaddrinfo ENOTFOUND x'],
    [
      named('CERT_HAS_EXPIRED', 'certificate has expired'),
      'not-sent',
      'tls',
      'CERT_HAS_EXPIRED certificate has expired',
    ],
    [named('ECONNRESET', 'socket hang up'), 'unknown', 'reset', 'ECONNRESET socket hang up'],
    ['a text', 'unknown', 'reset', 'a text'],
    // Of a name with several addresses, each of which refused.
    [
      Object.assign(
        new Error('', { cause: new AggregateError([named('ECONNREFUSED', 'connect ECONNREFUSED ::1:1')]) }),
        {
          code: 'ECONNREFUSED',
        },
      ),
      'not-sent',
      'refused',
      'connect ECONNREFUSED ::1:1',
    ],
  ])('is read from %s', (error, arrival, cause, reason) => {
    expect(unansweredOf(error, signal)).toMatchObject({ arrival, cause, reason });
  });
});

describe('JSON in an answer', () => {
  const read = (
    text: string,
    headers: Record<string, string> = { 'content-type': 'application/json; charset=utf-8' },
  ) =>
    asJson(
      { arrival: 'answered', status: 200, header: (name) => headers[name], bytes: Buffer.from(text) },
      Date.parse('2030-01-01T00:00:00Z'),
    );

  it.each([
    ['{"a":1}', 'json', { a: 1 }],
    ['\uFEFF{"a":1}', 'json', { a: 1 }],
    ['  ', 'empty', undefined],
    ['{"a":', 'broken', undefined],
  ])('%j is %s', (text, bodyKind, body) => {
    expect(read(text)).toMatchObject({ bodyKind, body });
  });

  it('is told apart from a page by its type', () => {
    expect(read('{}', { 'content-type': 'text/html' })).toMatchObject({ bodyKind: 'page', contentType: 'text/html' });
    expect(read('{}', { 'content-type': 'application/problem+json' })).toMatchObject({ bodyKind: 'json' });
  });

  it('comes with the time to stay away, in seconds or as a date by the clock of the answer', () => {
    expect(read('{}', { 'retry-after': '7' })).toMatchObject({ retryAfterMs: 7_000 });
    expect(read('{}', { 'retry-after': 'Tue, 01 Jan 2030 00:00:04 GMT' })).toMatchObject({ retryAfterMs: 4_000 });
    expect(
      read('{}', { 'retry-after': 'Tue, 01 Jan 2030 00:00:09 GMT', date: 'Tue, 01 Jan 2030 00:00:03 GMT' }),
    ).toMatchObject({ retryAfterMs: 6_000 });
    expect(read('{}', { 'retry-after': '999999999' })).toMatchObject({ retryAfterMs: 300_000 });
    expect(read('{}', { 'retry-after': 'soon' })).toMatchObject({ retryAfterMs: undefined });
  });
});

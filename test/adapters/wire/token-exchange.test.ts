import { beforeEach, describe, expect, it } from 'vitest';
import { type PostForToken, TokenExchange } from '../../../src/adapters/wire/token-exchange.ts';
import { HandWoundClock, settle } from '../../support/hand-wound-clock.ts';

const never = new AbortController().signal;

describe('TokenExchange', () => {
  let clock: HandWoundClock;
  let asked: Parameters<PostForToken>[0][];
  let answer: (index: number) => { status: number; body: string } | Promise<never>;
  let failures: string[];
  let password: string | undefined;

  beforeEach(() => {
    clock = new HandWoundClock();
    asked = [];
    failures = [];
    password = 'secret';
    answer = (index) => ({ status: 200, body: JSON.stringify({ access_token: `t${index}`, expires_in: 100 }) });
  });

  const exchange = (extra: { format?: 'form' | 'json' | 'basic'; tokenHeader?: string } = {}) =>
    new TokenExchange({
      auth: {
        kind: 'token-exchange',
        exchangeUrl: 'https://id/token',
        user: () => 'me',
        password: () => password,
        ...extra,
      },
      clock,
      // Refreshes at 80 % of the lifetime, pauses at three quarters of their span.
      random: { next: () => 0.5, uuid: () => '' },
      timeoutMs: 5_000,
      backoffMaxMs: 8_000,
      onFailure: (error) => failures.push(error.message),
      post: async (request) => {
        asked.push(request);
        return answer(asked.length);
      },
    });
  const token = async (source: TokenExchange) => (await source.credentials(never)).headers['authorization'];

  it('asks once for all who wait, and keeps the token until it grows old', async () => {
    const source = exchange();
    expect(await Promise.all([token(source), token(source), token(source)])).toEqual(Array(3).fill('Bearer t1'));
    await clock.wind(79_000);
    expect(await token(source)).toBe('Bearer t1');
    expect(asked).toHaveLength(1);
    await clock.wind(2_000);
    // The old one still holds: the request goes out with it, and the next has the new one.
    expect(await token(source)).toBe('Bearer t1');
    await settle();
    expect(await token(source)).toBe('Bearer t2');
    expect(asked).toHaveLength(2);
  });

  it('goes on with a token that holds while the endpoint is down, and recovers by itself', async () => {
    const source = exchange();
    await token(source);
    answer = () => ({ status: 500, body: 'down' });
    await clock.wind(90_000);
    expect(await token(source)).toBe('Bearer t1');
    await clock.wind(11_000);
    await expect(token(source)).rejects.toMatchObject({ kind: 'auth' });
    answer = () => ({ status: 200, body: JSON.stringify({ token: 'late' }) });
    await clock.wind(8_000);
    expect(await token(source)).toBe('Bearer late');
    expect(failures.length).toBeGreaterThan(0);
  });

  it('does not hammer an endpoint that refuses, and never gives up', async () => {
    answer = () => ({ status: 403, body: 'no' });
    const source = exchange();
    await expect(token(source)).rejects.toThrow('the token endpoint answered 403: no');
    for (let second = 0; second < 120; second += 1) {
      await clock.wind(1_000);
      await token(source).catch(() => {});
    }
    // Pauses of 0.75, 1.5, 3, 6, 6, … seconds in two minutes.
    expect(asked.length).toBeGreaterThan(15);
    expect(asked.length).toBeLessThan(25);
    answer = () => ({ status: 200, body: JSON.stringify({ token: 'at last' }) });
    await clock.wind(8_000);
    expect(await token(source)).toBe('Bearer at last');
  });

  it('drops a refused token once, and pauses when the next one is refused too', async () => {
    const source = exchange();
    const first = await source.credentials(never);
    expect(source.refused(first)).toBe(true);
    const second = await source.credentials(never);
    expect(second.headers['authorization']).toBe('Bearer t2');
    expect(source.refused(second)).toBe(false);
    await expect(token(source)).rejects.toThrow(/next exchange is tried in 1 s/);
    await clock.wind(1_000);
    expect(await token(source)).toBe('Bearer t3');
    source.accepted();
    expect(source.refused(await source.credentials(never))).toBe(true);
  });

  it('gives somebody who was refused with an older token another try', async () => {
    const source = exchange();
    const first = await source.credentials(never);
    source.refused(first);
    await source.credentials(never);
    expect(source.refused(first)).toBe(true);
    expect(asked).toHaveLength(2);
  });

  it('gives up on an endpoint that hangs', async () => {
    answer = () => new Promise<never>(() => {});
    const source = exchange();
    const waiting = expect(token(source)).rejects.toThrow('the token exchange took longer than 5000 ms');
    await clock.wind(5_000);
    await waiting;
  });

  it('sends user and password as it is told to, and reads them anew', async () => {
    password = 'p&"';
    await token(exchange());
    expect(asked[0]?.body).toBe('grant_type=password&username=me&password=p%26%22');
    await token(exchange({ format: 'json' }));
    expect(JSON.parse(asked[1]?.body ?? '')).toEqual({ username: 'me', password: 'p&"' });
    await token(exchange({ format: 'basic' }));
    expect(asked[2]?.headers['authorization']).toBe(`Basic ${Buffer.from('me:p&"').toString('base64')}`);
    password = undefined;
    await expect(token(exchange())).rejects.toThrow(/the password for the time-series store is empty/);
    expect(
      await exchange({ format: 'basic', tokenHeader: 'x-token' })
        .credentials(never)
        .catch(() => undefined),
    ).toBeUndefined();
    password = 'new';
    expect((await exchange({ tokenHeader: 'x-token' }).credentials(never)).headers).toEqual({ 'x-token': 't4' });
  });

  it('reads expiries as spans and as moments', async () => {
    const lifetimeOf = async (fields: object) => {
      asked = [];
      answer = (index) => ({ status: 200, body: JSON.stringify({ token: `t${index}`, ...fields }) });
      const source = exchange();
      await token(source);
      for (let second = 1; second < 1_000; second += 1) {
        await clock.wind(1_000);
        await token(source);
        if (asked.length > 1) return second;
      }
      return undefined;
    };
    expect(await lifetimeOf({ expires_in: 100 })).toBe(80);
    expect(await lifetimeOf({ expiration: new Date(clock.wallMs() + 50_000).toISOString() })).toBe(40);
    expect(await lifetimeOf({ expires_at: (clock.wallMs() + 50_000) / 1000 })).toBe(40);
    expect(await lifetimeOf({})).toBe(240);
  });

  it('says what an answer lacks', async () => {
    answer = () => ({ status: 200, body: '<html>' });
    await expect(token(exchange())).rejects.toThrow(/did not answer with JSON/);
    answer = () => ({ status: 200, body: '{"id_token":"x"}' });
    await expect(token(exchange())).rejects.toThrow(/neither "access_token" nor "token"/);
  });
});

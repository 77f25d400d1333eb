import { beforeEach, describe, expect, it } from 'vitest';
import { exchangedToken } from '../../../src/adapters/wire/auth.ts';
import type { IssuedToken } from '../../../src/adapters/wire/issued-token.ts';
import type { TokenEndpoint } from '../../../src/adapters/wire/token-endpoint.ts';
import { HandWoundClock, settle } from '../../support/hand-wound-clock.ts';

const never = new AbortController().signal;

describe('a token that is exchanged for user and password', () => {
  let clock: HandWoundClock;
  let asked: Parameters<TokenEndpoint['post']>[0][];
  let answer: (index: number) => { status: number; body: string } | Promise<never>;
  let failures: number;
  let password: string | undefined;

  beforeEach(() => {
    clock = new HandWoundClock();
    asked = [];
    failures = 0;
    password = 'secret';
    answer = (index) => ({ status: 200, body: JSON.stringify({ access_token: `t${index}`, expires_in: 100 }) });
  });

  const exchange = (extra: { format?: 'form' | 'json' | 'basic'; tokenHeader?: string } = {}) =>
    exchangedToken(
      {
        kind: 'token-exchange',
        exchangeUrl: 'https://id/token',
        user: () => 'me',
        password: () => password,
        timeoutMs: 5_000,
        backoffMaxMs: 8_000,
        ...extra,
      },
      {
        clock,
        // Refreshes at 80 % of the lifetime, pauses at three quarters of their span.
        random: { next: () => 0.5, uuid: () => '' },
        to: 'the time-series store',
        onFailure: () => {
          failures += 1;
        },
        endpoint: {
          post: async (request) => {
            asked.push(request);
            return { contentType: 'text/plain', ...(await answer(asked.length)) };
          },
        },
      },
    );
  const token = async (source: IssuedToken) => (await source.current(never))['authorization'];

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
    expect(failures).toBeGreaterThan(0);
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
    answer = () => ({ status: 200, body: JSON.stringify({ token: 'at-last' }) });
    await clock.wind(8_000);
    expect(await token(source)).toBe('Bearer at-last');
  });

  it('drops a refused token once, and pauses when the next one is refused too', async () => {
    const source = exchange();
    const first = await source.current(never);
    expect(source.renew(first)).toBe(true);
    const second = await source.current(never);
    expect(second['authorization']).toBe('Bearer t2');
    expect(source.renew(second)).toBe(false);
    await expect(token(source)).rejects.toThrow(/next exchange is tried in 1 s/);
    await clock.wind(1_000);
    expect(await token(source)).toBe('Bearer t3');
    source.accepted();
    expect(source.renew(await source.current(never))).toBe(true);
  });

  it('gives somebody who was refused with an older token another try', async () => {
    const source = exchange();
    const first = await source.current(never);
    source.renew(first);
    await source.current(never);
    expect(source.renew(first)).toBe(true);
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
        .current(never)
        .catch(() => undefined),
    ).toBeUndefined();
    password = 'new';
    expect(await exchange({ tokenHeader: 'x-token' }).current(never)).toEqual({ 'x-token': 't4' });
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

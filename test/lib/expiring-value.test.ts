import { describe, expect, it } from 'vitest';
import { ExpiringValue, type ExpiringValueOptions } from '../../src/lib/expiring-value.ts';
import type { Random } from '../../src/lib/random.ts';
import { HandWoundClock, settle } from '../support/hand-wound-clock.ts';

const middling: Random = { next: () => 0.5, uuid: () => 'uuid' };

function setUp(options: Partial<ExpiringValueOptions<string>> = {}) {
  const clock = new HandWoundClock();
  const asked: PromiseWithResolvers<{ value: string; expiresInMs: number | undefined }>[] = [];
  const value = new ExpiringValue<string>({
    clock,
    random: middling,
    fetch: () => {
      const asking = Promise.withResolvers<{ value: string; expiresInMs: number | undefined }>();
      asked.push(asking);
      return asking.promise;
    },
    ...options,
  });
  const answer = async (text: string, expiresInMs: number | undefined = 100_000) => {
    asked.at(-1)?.resolve({ value: text, expiresInMs });
    await settle();
  };
  const fail = async (message: string) => {
    asked.at(-1)?.reject(new Error(message));
    await settle();
  };
  return { clock, value, asked, answer, fail };
}

describe('ExpiringValue', () => {
  it('fetches once however many ask at a time, and then serves from hand', async () => {
    const { value, asked, answer } = setUp();
    const all = Promise.all([value.get(), value.get(), value.get()]);
    await answer('one');
    expect(await all).toEqual(['one', 'one', 'one']);
    expect(await value.get()).toBe('one');
    expect(asked).toHaveLength(1);
  });

  it('renews in the background at 80 % of the life and serves the old one meanwhile', async () => {
    const { clock, value, asked, answer } = setUp();
    const first = value.get();
    await answer('one');
    await first;
    await clock.wind(79_999);
    expect(await value.get()).toBe('one');
    expect(asked).toHaveLength(1);
    await clock.wind(1);
    expect(await value.get()).toBe('one');
    expect(await value.get()).toBe('one');
    expect(asked).toHaveLength(2);
    await answer('two');
    expect(await value.get()).toBe('two');
  });

  it('keeps a valid value when renewing fails, and tries again only after a growing pause', async () => {
    const { clock, value, asked, answer, fail } = setUp();
    const first = value.get();
    await answer('one');
    await first;
    await clock.wind(80_000);
    await value.get();
    await fail('endpoint down');
    expect(await value.get()).toBe('one');
    expect(asked).toHaveLength(2);
    await clock.wind(750);
    await value.get();
    expect(asked).toHaveLength(3);
    await fail('endpoint down');
    await clock.wind(1_499);
    await value.get();
    expect(asked).toHaveLength(3);
    expect(value.status()).toMatchObject({ state: 'valid', failuresInARow: 2, lastError: 'endpoint down' });
  });

  it('rejects at once while a failure is waited out, and recovers by itself', async () => {
    const { clock, value, asked, answer, fail } = setUp();
    const first = value.get();
    first.catch(() => {});
    await fail('no route');
    await expect(first).rejects.toThrow('no route');
    await expect(value.get()).rejects.toThrow('no route');
    expect(asked).toHaveLength(1);
    await clock.wind(1_000);
    const second = value.get();
    await answer('one');
    expect(await second).toBe('one');
    expect(value.status()).toMatchObject({ state: 'valid', failuresInARow: 0, lastError: '' });
  });

  it('does not serve an expired value', async () => {
    const { clock, value, asked, answer } = setUp();
    const first = value.get();
    await answer('one', 10_000);
    await first;
    await clock.wind(10_000);
    const second = value.get();
    await answer('two');
    expect(await second).toBe('two');
    expect(asked).toHaveLength(2);
  });

  it('believes no life beyond the cap, none of zero, and a stated one where the issuer is silent', async () => {
    for (const [said, livesMs] of [
      [10 ** 12, 3_600_000],
      [Number.NaN, 300_000],
      [undefined, 300_000],
      [-5, 1_000],
      [0, 1_000],
    ] as const) {
      const { value, answer } = setUp();
      const first = value.get();
      await answer('one', said);
      await first;
      // `undefined` falls back to the parameter's own default, so it is asked for outright.
      if (said !== undefined) expect(value.status().expiresInMs).toBe(livesMs);
    }
    const { value, asked } = setUp();
    const first = value.get();
    asked[0]?.resolve({ value: 'one', expiresInMs: undefined });
    await first;
    expect(value.status().expiresInMs).toBe(300_000);
  });

  it('drops a refused value once, for all who were refused with it', async () => {
    const { clock, value, asked, answer } = setUp();
    const first = value.get();
    await answer('one');
    await first;
    await clock.wind(6_000);
    expect(value.drop('one')).toBe(true);
    const second = value.get();
    await answer('two');
    expect(await second).toBe('two');
    expect(value.drop('one')).toBe(true);
    expect(await value.get()).toBe('two');
    expect(asked).toHaveLength(2);
  });

  it('does not fetch in a circle when a fresh value is refused too', async () => {
    const { clock, value, asked, answer } = setUp();
    const first = value.get();
    await answer('one');
    await first;
    expect(value.drop('one')).toBe(false);
    expect(await value.get()).toBe('one');
    await clock.wind(5_000);
    expect(value.drop('one')).toBe(true);
    expect(asked).toHaveLength(1);
  });

  it('waits before another fetch when the value after a refused one is refused too, longer each time', async () => {
    const { clock, value, asked, answer } = setUp({ dropMinAgeMs: 0, refusalsMax: 1 });
    const next = async (text: string) => {
      const getting = value.get();
      await answer(text);
      return getting;
    };
    await next('one');
    expect(value.drop('one')).toBe(true);
    await next('two');
    expect(value.drop('two')).toBe(false);
    expect(value.status().pausedMs).toBe(750);
    await expect(value.get()).rejects.toThrow('refused even when new');
    await clock.wind(750);
    await next('three');
    expect(value.drop('three')).toBe(false);
    expect(value.status().pausedMs).toBe(1_500);
    await clock.wind(1_500);
    await next('four');
    value.accept();
    expect(value.drop('four')).toBe(true);
    expect(asked).toHaveLength(4);
  });

  it('lets one asker go without ending the fetch for the others', async () => {
    const { value, asked, answer } = setUp();
    const leaving = new AbortController();
    const gone = value.get(leaving.signal);
    const stays = value.get();
    leaving.abort(new Error('stopping'));
    await expect(gone).rejects.toThrow('stopping');
    await answer('one');
    expect(await stays).toBe('one');
    expect(asked).toHaveLength(1);
  });

  it('gives up a fetch that hangs, and says so', async () => {
    const { clock, value } = setUp({ what: 'getting the access token' });
    const first = value.get();
    first.catch(() => {});
    await clock.wind(5_000);
    await expect(first).rejects.toThrow('getting the access token took longer than 5000 ms');
  });

  it('fetches anew at once after a reset, whatever pause was running', async () => {
    const { value, asked, answer, fail } = setUp();
    const first = value.get();
    first.catch(() => {});
    await fail('wrong secret');
    value.reset();
    const second = value.get();
    await answer('one');
    expect(await second).toBe('one');
    expect(asked).toHaveLength(2);
  });

  it('does not keep what was still being fetched with the old secret', async () => {
    const { value, asked, answer } = setUp();
    const old = value.get();
    value.reset();
    const fresh = value.get();
    asked[0]?.resolve({ value: 'old', expiresInMs: 100_000 });
    expect(await old).toBe('old');
    await answer('new');
    expect(await fresh).toBe('new');
    expect(await value.get()).toBe('new');
    expect(asked).toHaveLength(2);
  });
});

import { describe, expect, it } from 'vitest';
import { Breaker, BreakerOpen, type Health } from '../../src/lib/breaker.ts';
import { HandWoundClock } from '../support/hand-wound-clock.ts';

function aBreaker() {
  const clock = new HandWoundClock();
  const states: string[] = [];
  const breaker = new Breaker<Health>({
    clock,
    random: { next: () => 0.5, uuid: () => '' },
    failures: 3,
    openForMs: 10_000,
    ofResult: (health) => health,
    ofError: (error) => (error as { health: Health }).health,
    onChange: (state) => states.push(state),
  });
  const say = (health: Health) => breaker.run(async () => health);
  const open = async () => {
    for (let time = 0; time < 3; time += 1) await say('ill');
  };
  return { clock, states, breaker, say, open };
}

describe('a breaker', () => {
  it('opens after so many failures in a row, and not before', async () => {
    const { breaker, say, states } = aBreaker();
    for (const health of ['ill', 'ill', 'well', 'ill', 'unknown', 'ill'] as const) await say(health);
    expect(breaker.state).toBe('closed');
    await say('ill');
    expect(breaker.msUntilNext()).toBe(10_000);
    let isRun = false;
    const attempt = breaker.run(async () => {
      isRun = true;
      return 'well';
    });
    await expect(attempt).rejects.toThrow(BreakerOpen);
    await expect(attempt).rejects.toMatchObject({ retryAfterMs: 10_000 });
    expect([isRun, states]).toEqual([false, ['open']]);
  });

  it('counts errors as they are judged, and passes them on', async () => {
    const { breaker } = aBreaker();
    for (const health of ['well', 'unknown', 'ill', 'ill', 'ill'] as const) {
      const error = Object.assign(new Error(health), { health });
      await expect(breaker.run(() => Promise.reject(error))).rejects.toBe(error);
    }
    expect(breaker.state).toBe('open');
  });

  it('lets one through when its time is over, and closes when that one is well', async () => {
    const { clock, breaker, say, open, states } = aBreaker();
    await open();
    await clock.wind(10_000);
    const { promise, resolve } = Promise.withResolvers<Health>();
    const trial = breaker.run(() => promise);
    await expect(say('well')).rejects.toThrow(BreakerOpen);
    resolve('well');
    await trial;
    expect(await say('well')).toBe('well');
    expect(states).toEqual(['open', 'half-open', 'closed']);
  });

  it('opens anew when the one that was let through fails, and lets the next one through when that found out nothing', async () => {
    const { clock, breaker, say, open } = aBreaker();
    await open();
    await clock.wind(10_000);
    await say('ill');
    expect([breaker.state, breaker.msUntilNext()]).toEqual(['open', 10_000]);
    await clock.wind(10_000);
    await say('unknown');
    expect([breaker.state, breaker.msUntilNext()]).toEqual(['open', 0]);
    await say('well');
    expect(breaker.state).toBe('closed');
  });

  it('hears nothing from answers to what was sent before it opened', async () => {
    const { clock, breaker, open } = aBreaker();
    const late = [Promise.withResolvers<Health>(), Promise.withResolvers<Health>()] as const;
    const runs = late.map(({ promise }) => breaker.run(() => promise));
    await open();
    await clock.wind(4_000);
    late[0].resolve('ill');
    late[1].resolve('well');
    await Promise.all(runs);
    expect([breaker.state, breaker.msUntilNext()]).toEqual(['open', 6_000]);
  });

  it('opens for as long when the wall clock is set back by an hour', async () => {
    const { clock, breaker, say, open } = aBreaker();
    await open();
    clock.jumpWall(-3_600_000);
    await clock.wind(10_000);
    expect(await say('well')).toBe('well');
    expect(breaker.state).toBe('closed');
  });
});

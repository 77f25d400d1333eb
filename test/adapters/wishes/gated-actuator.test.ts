import { describe, expect, it } from 'vitest';
import { GatedActuator, type GatedActuatorOptions } from '../../../src/adapters/wishes/gated-actuator.ts';
import {
  type WishAttempt,
  type WishResult,
  type WishSender,
  wishResult,
} from '../../../src/adapters/wishes/wish-sender.ts';
import { actuation, type Wish } from '../../../src/domain/actuation.ts';
import { NotAdmitted } from '../../../src/ports/actuator.ts';
import type { Meters } from '../../../src/telemetry/meters.ts';
import { HandWoundClock, settle } from '../../support/hand-wound-clock.ts';

const wish: Wish = { account: 'a', functionId: 'f', versionId: 'v', wanted: 3, token: 1n, decidedMs: 0 };
const applied = wishResult(actuation('applied', 'accepted'));
const outage = wishResult(actuation('failed', 'it is down'), { isOutage: true });

/** A control plane that brings nothing but what it does with one attempt. */
function setUp(
  send: (attempt: WishAttempt) => Promise<WishResult>,
  { prepare, ...options }: Partial<GatedActuatorOptions & Pick<WishSender, 'prepare'>> = {},
) {
  const clock = new HandWoundClock();
  const inFlight: number[] = [];
  const meters: Meters = {
    add() {},
    record() {},
    set: (name, value) => void (name === 'starling_control_plane_wishes_in_flight' && inFlight.push(value)),
  };
  const random = { next: () => 0.5, uuid: () => '' };
  const sender: WishSender = { strength: 'conditional', prepare: prepare ?? (() => send) };
  const actuator = new GatedActuator({ sender, clock, random, meters, ...options });
  const actuate = (signal?: AbortSignal) =>
    actuator.actuate(wish, { deadlineMs: clock.monotonicMs() + 60_000, signal });
  return { clock, actuator, actuate, inFlight };
}

describe('an actuator with the wire format of any control plane', () => {
  it('is as strong as that, and counts what is on its way', async () => {
    const { actuator, actuate, inFlight } = setUp(async () => applied);
    expect(actuator.strength).toBe('conditional');
    expect(await actuate()).toMatchObject({ outcome: 'applied' });
    expect(inFlight).toEqual([1, 0]);
    expect(actuator.status().lastSuccessWallMs).toBeDefined();
  });

  it('sends nothing for what was found out before, and lets it say nothing of the control plane', async () => {
    let isGone = true;
    const { clock, actuator, actuate } = setUp(async () => outage, {
      breaker: { failures: 1, openForMs: 5_000 },
      prepare: () => (isGone ? actuation('refused', 'gone', { isGone: true }) : async () => outage),
    });
    isGone = false;
    await actuate();
    await clock.wind(5_500);
    isGone = true;
    expect(await actuate()).toMatchObject({ outcome: 'refused', isGone: true });
    expect(actuator.status().breaker).toBe('open');
  });

  it('tells apart what was not sent, only asked, and maybe there when time is up', async () => {
    const steps: ((attempt: WishAttempt) => void)[] = [() => {}, ({ onAsk }) => onAsk(), ({ onSend }) => onSend()];
    const ends = [];
    for (const step of steps) {
      const { clock, actuator, actuate } = setUp(
        (attempt) => {
          step(attempt);
          return new Promise(() => {});
        },
        { breaker: { failures: 1, openForMs: 5_000 } },
      );
      const acting = actuate();
      await settle();
      await clock.wind(2_500);
      ends.push([(await acting).outcome, actuator.status().breaker]);
    }
    expect(ends).toEqual([
      ['failed', 'closed'],
      ['failed', 'open'],
      ['unknown', 'open'],
    ]);
  });

  it('believes a sender that found out that the wish did not arrive', async () => {
    const { clock, actuate } = setUp((attempt) => {
      attempt.onSend();
      attempt.mayHaveArrived = false;
      return new Promise(() => {});
    });
    const acting = actuate();
    await settle();
    await clock.wind(2_500);
    expect(await acting).toMatchObject({ outcome: 'failed', detail: 'not sent: the wish took longer than 2500 ms' });
  });

  it('does not let a request leave after the deadline, before any timer has fired', async () => {
    let nowMs = 0;
    const standing = { monotonicMs: () => nowMs, wallMs: () => nowMs, after: () => () => {} };
    const { actuate } = setUp(
      async (attempt) => {
        nowMs += 10_000;
        attempt.onSend();
        return applied;
      },
      { clock: standing },
    );
    expect(await actuate()).toMatchObject({ outcome: 'failed', detail: 'not sent: the wish took longer than 2500 ms' });
  });

  it('does not blame the control plane for a caller who goes', async () => {
    const leaving = new AbortController();
    const { actuator, actuate } = setUp(
      (attempt) => {
        attempt.onSend();
        leaving.abort(new Error('stopping'));
        return new Promise(() => {});
      },
      { breaker: { failures: 1, openForMs: 5_000 } },
    );
    expect(await actuate(leaving.signal)).toMatchObject({ outcome: 'unknown', detail: 'no answer: stopping' });
    expect(actuator.status().breaker).toBe('closed');
  });

  it('turns wishes away while the breaker is open, and notes no error for that', async () => {
    const { actuator, actuate } = setUp(async () => outage, { breaker: { failures: 1, openForMs: 5_000 } });
    await actuate();
    expect(await actuate()).toMatchObject({ outcome: 'failed', retryAfterMs: 5_000 });
    expect(actuator.status().lastError).toBe('it is down');
    await expect(actuator.admit()).rejects.toThrow(NotAdmitted);
  });

  it('slows down for a complaint, and shares the rate among the members', async () => {
    const complaint = wishResult(actuation('failed', 'too fast'), { complaintMs: 2_000 });
    const { actuator, actuate } = setUp(async () => complaint, { ratePerSecond: 100 });
    actuator.setLiveMembers(2);
    expect(actuator.status().ratePerSecond).toBe(50);
    await actuate();
    expect(actuator.status()).toMatchObject({ ratePerSecond: 25, pausedMs: 2_000, lastError: 'too fast' });
  });

  it('sends nothing in a dry run, nor after its deadline', async () => {
    const { actuate } = setUp(async () => applied, { dryRunIds: ['f'] });
    expect(await actuate()).toMatchObject({ outcome: 'dry-run', detail: 'not sent: would ask for 3' });
    const { actuator, clock } = setUp(async () => applied);
    expect(await actuator.actuate(wish, { deadlineMs: clock.monotonicMs() })).toMatchObject({
      outcome: 'failed',
      detail: 'not sent: its deadline had passed',
    });
  });
});

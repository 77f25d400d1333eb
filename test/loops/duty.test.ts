import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { Duty } from '../../src/loops/duty.ts';
import { Loop } from '../../src/loops/loop.ts';
import { silentMeters } from '../../src/telemetry/meters.ts';
import { FaultyStore, FaultyWorld } from '../support/faulty-connection.ts';
import { HandWoundClock } from '../support/hand-wound-clock.ts';

const ANSWERED = { kind: 'answered', beforeMs: 0, afterMs: 0 } as const;

function aDutyFor() {
  const clock = new HandWoundClock();
  const world = new FaultyWorld({ clock });
  let nonces = 0;
  const candidate = (memberId: string) => {
    const store = new FaultyStore(world, { name: memberId });
    const won: string[] = [];
    const duty = new Duty({
      name: 'discovery',
      memberId,
      keeper: store.duties,
      clock,
      random: { next: () => 0.5, uuid: () => `nonce-${nonces++}` },
      logger: pino({ level: 'silent' }),
      meters: silentMeters,
      settings: { discovery: { dutyRenewMs: 2_000, dutyStopMs: 6_000, dutyExpireMs: 9_000, jitterMs: 2_000 } },
      onWon: () => won.push(memberId),
    });
    const loop = new Loop({
      name: 'tend',
      purpose: 'test',
      periodMs: 2_000,
      hungAfterMs: 60_000,
      clock,
      logger: pino({ level: 'silent' }),
      meters: silentMeters,
      activate: () => duty.activate(),
    });
    loop.start();
    return { duty, loop, store, won };
  };
  return { clock, world, candidate };
}

describe('a duty', () => {
  it('goes to one of two, who keeps it', async () => {
    const { clock, candidate } = aDutyFor();
    const [one, other] = [candidate('m1'), candidate('m2')];
    await clock.wind(60_000);
    expect([one.won, other.won]).toEqual([['m1'], []]);
    expect(one.duty.heldToken()).toBeDefined();
    expect(other.duty.heldToken()).toBeUndefined();
    expect(other.duty.holder()).toBe('m1');
  });

  it('is not worked under while a renewal is slow, and is held again when it comes through in time', async () => {
    const { clock, world, candidate } = aDutyFor();
    const { duty, won } = candidate('m1');
    await clock.wind(4_500);
    const token = duty.heldToken();
    world.outcomeOf = ({ operation }) =>
      operation === 'duties.renew' ? { kind: 'answered', beforeMs: 0, afterMs: 3_500 } : ANSWERED;
    await clock.wind(4_000);
    expect(duty.heldToken()).toBeUndefined();
    expect(duty.isOver()).toBe(false);
    world.outcomeOf = () => ANSWERED;
    await clock.wind(3_000);
    expect(duty.heldToken()).toBe(token);
    expect(won).toEqual(['m1']);
  });

  it('is given up by a holder whose renewals do not come through, before another begins', async () => {
    const { clock, world, candidate } = aDutyFor();
    const [one, other] = [candidate('m1'), candidate('m2')];
    await clock.wind(10_000);
    world.outcomeOf = ({ client }) =>
      client === 'm1' ? { kind: 'lost', applies: 'never', giveUpMs: 5_000 } : ANSWERED;
    for (let waitedMs = 0; waitedMs < 20_000; waitedMs += 250) {
      await clock.wind(250);
      expect(one.duty.heldToken() !== undefined && other.duty.heldToken() !== undefined).toBe(false);
    }
    expect(other.duty.heldToken()).toBeDefined();
    world.outcomeOf = () => ANSWERED;
    await clock.wind(30_000);
    expect(one.duty.heldToken()).toBeUndefined();
    expect(one.duty.isOver()).toBe(true);
    expect(one.duty.holder()).toBe('m2');
  });

  it('is over for a holder the moment that its renewal is refused', async () => {
    const { clock, world, candidate } = aDutyFor();
    const { duty, won } = candidate('m1');
    await clock.wind(5_000);
    const row = world.duties.get('discovery');
    if (!row) throw new Error('nobody has the duty');
    world.duties.set('discovery', { ...row, token: row.token + 1n, holder: 'm9', nonce: 'other', renewals: 0 });
    await clock.wind(2_000);
    expect([duty.heldToken(), duty.isOver(), duty.holder()]).toEqual([undefined, true, 'm9']);
    await clock.wind(5_000);
    expect(won).toEqual(['m1']);
  });

  it('is taken again at once by a holder who doubted itself, and passes on at once when it is released', async () => {
    const { clock, candidate } = aDutyFor();
    const [one, other] = [candidate('m1'), candidate('m2')];
    await clock.wind(10_000);
    const token = one.duty.heldToken() ?? 0n;
    one.duty.timeBroke();
    expect(one.duty.heldToken()).toBeUndefined();
    await clock.wind(2_000);
    expect(one.duty.heldToken()).toBeGreaterThan(token);
    await one.loop.stop();
    await one.duty.release();
    await clock.wind(2_000);
    expect(other.won).toEqual(['m2']);
  });
});

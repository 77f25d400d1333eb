import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../src/adapters/memory/store.ts';
import { MemoryWorld } from '../../src/adapters/memory/world.ts';
import { Membership } from '../../src/loops/membership.ts';
import { type Meters, silentMeters } from '../../src/telemetry/meters.ts';
import { HandWoundClock } from '../support/hand-wound-clock.ts';

const ANSWERED = { kind: 'answered', beforeMs: 0, afterMs: 0 } as const;

function someMembers() {
  const clock = new HandWoundClock();
  const world = new MemoryWorld({ clock });
  const member = (memberId: string) => {
    const store = new MemoryStore(world, { name: memberId });
    const denials: string[] = [];
    const counted = { served: [] as number[], moved: 0 };
    const meters: Meters = {
      ...silentMeters,
      add: (name, value, labels) => {
        if (name === 'starling_holds_total') denials.push(String(labels?.['reason']));
        if (name === 'starling_bucket_moves_total') counted.moved += value;
      },
      set: (name, value) => {
        if (name === 'starling_buckets_owned') counted.served.push(value);
      },
    };
    const told = { shares: 0, members: 0 };
    const membership = new Membership({
      memberId,
      version: 'test',
      address: '',
      weight: 1,
      roster: store.roster,
      clock,
      logger: pino({ level: 'silent' }),
      meters,
      settings: { membership: { beatMs: 1_000, deadAfterMs: 6_000, selfStopMs: 3_000, joinWaitMs: 2_000 } },
      onShareChanged: () => {
        told.shares += 1;
      },
      onMembersChanged: (count) => {
        told.members = count;
      },
    });
    /** Why it may not act on this bucket; undefined when it may. */
    const denial = (bucket: number) => (membership.mayAct(bucket) ? undefined : denials.at(-1));
    return { membership, store, told, denial, counted };
  };
  const beatAll = async (members: readonly { membership: Membership }[], forMs: number) => {
    for (let beatenMs = 0; beatenMs < forMs; beatenMs += 1_000) {
      await Promise.allSettled(members.map(({ membership }) => membership.activate()));
      await clock.wind(1_000);
    }
  };
  return { clock, world, member, beatAll };
}

describe('a member', () => {
  it('has joined when the others have had the time to see it, and says so once', async () => {
    const { member, beatAll } = someMembers();
    const { membership, told } = member('m1');
    expect(membership.hasJoined()).toBe(false);
    await beatAll([{ membership }], 2_000);
    expect([membership.hasJoined(), membership.owned().length, told.shares]).toEqual([false, 1024, 1]);
    await beatAll([{ membership }], 1_000);
    expect([membership.hasJoined(), told.shares]).toEqual([true, 2]);
    await beatAll([{ membership }], 5_000);
    expect(told.shares).toBe(2);
  });

  it('does not count as served, nor as moved, what it does not serve before it has joined', async () => {
    const { member, beatAll } = someMembers();
    const first = member('m1');
    await beatAll([first], 4_000);
    expect([Math.max(...first.counted.served), first.counted.moved]).toEqual([1024, 1024]);
    const second = member('m2');
    await beatAll([first, second], 6_000);
    const share = second.membership.owned().length;
    expect(share).toBeLessThan(700);
    expect(Math.max(...second.counted.served)).toBe(share);
    expect(second.counted.moved).toBe(share);
  });

  it('may act on its own buckets only', async () => {
    const { member, beatAll } = someMembers();
    const both = [member('m1'), member('m2')] as const;
    await beatAll(both, 5_000);
    const [one, other] = both;
    expect(one.membership.owned().length + other.membership.owned().length).toBe(1024);
    expect(one.told.members).toBe(2);
    const [mine = 0] = one.membership.owned();
    expect([one.denial(mine), other.denial(mine)]).toEqual([undefined, 'not-mine']);
    expect(other.membership.ownerOf(mine)).toBe('m1');
  });

  it('may not act while its beats go unanswered, counted from when the last good one was sent', async () => {
    const { clock, world, member, beatAll } = someMembers();
    const one = member('m1');
    expect(one.denial(1)).toBe('never-beaten');
    await beatAll([one], 3_000);
    world.fateOf = ({ operation }) =>
      operation === 'roster.beat' ? { kind: 'answered', beforeMs: 0, afterMs: 1_400 } : ANSWERED;
    void one.membership.activate();
    await clock.wind(1_400);
    await clock.wind(1_600);
    expect(one.denial(1)).toBeUndefined();
    await clock.wind(1);
    expect(one.denial(1)).toBe('beat-too-old');
  });

  it('may not act after a break of time until a beat that was sent later is acknowledged', async () => {
    const { clock, world, member, beatAll } = someMembers();
    const one = member('m1');
    await beatAll([one], 3_000);
    world.fateOf = ({ operation }) =>
      operation === 'roster.beat' ? { kind: 'answered', beforeMs: 0, afterMs: 500 } : ANSWERED;
    void one.membership.activate();
    await clock.wind(100);
    one.membership.timeBroke();
    expect(one.denial(1)).toBe('time-broke');
    await clock.wind(500);
    expect(one.denial(1)).toBe('time-broke');
    void one.membership.activate();
    await clock.wind(500);
    expect(one.denial(1)).toBeUndefined();
  });

  it('that leaves may not act from that moment, whether or not anybody has heard of it', async () => {
    const { member, beatAll } = someMembers();
    const both = [member('m1'), member('m2')] as const;
    await beatAll(both, 5_000);
    const [one, other] = both;
    const [mine = 0] = one.membership.owned();
    one.store.line.cut();
    await expect(one.membership.leave('leaving')).rejects.toThrow();
    expect(one.denial(mine)).toBe('leaving');
    expect(one.membership.hasJoined()).toBe(false);
    one.store.line.mend();
    await one.membership.leave('left');
    await beatAll([other], 1_000);
    expect(other.membership.owned()).toHaveLength(1024);
    expect(other.membership.members().map(({ memberId, isAlive }) => [memberId, isAlive])).toEqual([
      ['m1', false],
      ['m2', true],
    ]);
  });

  it('reports a failed beat or a failed look, and does the other all the same', async () => {
    const { world, member, beatAll } = someMembers();
    const one = member('m1');
    await beatAll([one], 3_000);
    one.store.line.failNext('unavailable', 'roster.list');
    await expect(one.membership.activate()).rejects.toThrow('roster.list');
    expect(world.members.get('m1')?.row.beat).toBe(4);
    one.store.line.failNext('unavailable', 'roster.beat');
    await expect(one.membership.activate()).rejects.toThrow('roster.beat');
    await one.membership.activate();
    expect(world.members.get('m1')?.row.beat).toBe(6);
  });
});

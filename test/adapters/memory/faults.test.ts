import { describe, expect, it } from 'vitest';
import type { StoreError } from '../../../src/ports/store-error.ts';
import { claimOf, memberOf, settlementOf } from '../../contract/store/rows.ts';
import { FaultyStore, FaultyWorld } from '../../support/faulty-connection.ts';
import { HandWoundClock, settle } from '../../support/hand-wound-clock.ts';
import type { PlannedOutcome } from '../../support/planned-outcome.ts';

function fresh() {
  const clock = new HandWoundClock();
  const world = new FaultyWorld({ clock });
  return { clock, world, me: new FaultyStore(world, { name: 'me' }), other: new FaultyStore(world, { name: 'other' }) };
}

const kindOf = (call: Promise<unknown>) =>
  call.then(
    () => 'ok',
    (error: StoreError) => error.kind,
  );
const lost = (outcome: Partial<PlannedOutcome & { kind: 'lost' }> = {}): PlannedOutcome => ({
  kind: 'lost',
  applies: 'now',
  giveUpMs: 500,
  ...outcome,
});

describe('the trouble that a test can make for a memory store', () => {
  it('a slow store answers when the clock has been wound', async () => {
    const { clock, world, me } = fresh();
    world.outcomeOf = () => ({ kind: 'answered', beforeMs: 30, afterMs: 20 });
    let isDone = false;
    const beat = me.roster.beat(memberOf('me')).then(() => {
      isDone = true;
    });
    await clock.wind(29);
    expect(world.members.size).toBe(0);
    await clock.wind(1);
    expect(world.members.size).toBe(1);
    expect(isDone).toBe(false);
    await clock.wind(20);
    expect(isDone).toBe(true);
    await beat;
  });

  it('fails the next call of the kind that was named, once', async () => {
    const { me } = fresh();
    me.connection.failNext('full', 'states.claim');
    expect(await kindOf(me.roster.beat(memberOf('me')))).toBe('ok');
    expect(await kindOf(me.states.claim(1, [claimOf('a')]))).toBe('full');
    expect(await kindOf(me.states.claim(1, [claimOf('a')]))).toBe('ok');
  });

  it('cuts off one client and not the other', async () => {
    const { me, other } = fresh();
    me.connection.cut();
    expect(await kindOf(me.roster.list())).toBe('unavailable');
    expect(await kindOf(other.roster.list())).toBe('ok');
    me.connection.mend();
    expect(await kindOf(me.roster.list())).toBe('ok');
  });

  it('lets a claim apply long after its caller gave up: the nonce finds it, or the token keeps it out', async () => {
    const { clock, me, other } = fresh();
    const claim = claimOf('late');
    me.connection.plan(lost({ applies: { lateMs: 4000 } }), { thenCut: true });
    const results = me.states.claim(1, [claim]);
    await clock.wind(600);
    expect(await results).toEqual([{ versionId: 'late', outcome: 'unknown' }]);
    expect(await other.states.readOne(1, 'late')).toBeUndefined();
    await clock.wind(4000);
    expect(await other.states.readOne(1, 'late')).toMatchObject({ token: claim.token, phase: 'pending' });
    me.connection.mend();
    expect(await me.states.claim(1, [claim])).toEqual([{ versionId: 'late', outcome: 'applied' }]);

    const next = claimOf('late', { observed: claim.token });
    me.connection.plan(lost({ applies: { lateMs: 4000 } }), { thenCut: true });
    const second = me.states.claim(1, [next]);
    await clock.wind(600);
    await second;
    const theirs = claimOf('late', { observed: claim.token, token: claim.token + 2n });
    await other.states.claim(1, [theirs]);
    await clock.wind(4000);
    expect(await other.states.readOne(1, 'late')).toMatchObject({ nonce: theirs.nonce });
  });

  it('reports a write that never arrived as unknown too: its sender cannot know', async () => {
    const { clock, me } = fresh();
    me.connection.plan(lost({ applies: 'never' }));
    const beat = kindOf(me.roster.beat(memberOf('me')));
    await clock.wind(500);
    expect(await beat).toBe('unknown');
    me.connection.plan(lost({ applies: 'never' }), { operation: 'roster.list' });
    const list = kindOf(me.roster.list());
    await clock.wind(500);
    expect(await list).toBe('unavailable');
  });

  it('leaves what a killed client had under way to outcome, and never answers it', async () => {
    const { clock, world, me, other } = fresh();
    world.outcomeOf = ({ client }) => ({ kind: 'answered', beforeMs: client === 'me' ? 30 : 0, afterMs: 0 });
    let isAnswered = false;
    void me.states.claim(1, [claimOf('orphan')]).then(() => {
      isAnswered = true;
    });
    await clock.wind(10);
    me.connection.kill();
    await clock.wind(1000);
    expect(isAnswered).toBe(false);
    expect(await other.states.readOne(1, 'orphan')).toMatchObject({ phase: 'pending' });
  });

  it('never has two conditional writes of one client in flight on one bucket, nor makes other buckets wait', async () => {
    const { clock, world, me } = fresh();
    const inFlight: string[] = [];
    world.outcomeOf = ({ operation }) => {
      inFlight.push(operation);
      return { kind: 'answered', beforeMs: 10, afterMs: 10 };
    };
    const claim = claimOf('a');
    const work = [
      me.states.claim(1, [claim]),
      me.states.claim(1, [claimOf('b')]),
      me.states.settle(1, [settlementOf(claim)]),
      me.states.claim(2, [claimOf('c')]),
    ];
    await settle();
    expect(inFlight).toEqual(['states.claim', 'states.claim']);
    await clock.wind(20);
    expect(inFlight).toHaveLength(3);
    await clock.wind(20);
    expect(inFlight).toEqual(['states.claim', 'states.claim', 'states.claim', 'states.settle']);
    await clock.wind(20);
    expect((await Promise.all(work)).flat().map(({ outcome }) => outcome)).toEqual([
      'applied',
      'applied',
      'settled',
      'applied',
    ]);
  });

  it('drops rows that have aged out when it is swept, and hides them before', async () => {
    const { clock, world, me } = fresh();
    await me.roster.beat(memberOf('active'));
    await me.roster.beat(memberOf('left', { state: 'left' }));
    await clock.wind(30_000);
    expect((await me.roster.list()).map(({ memberId }) => memberId)).toEqual(['active']);
    expect(world.members.size).toBe(2);
    world.sweep();
    expect(world.members.size).toBe(1);
  });
});

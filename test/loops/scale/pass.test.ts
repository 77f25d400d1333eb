import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../../src/domain/policy.ts';
import { sleep } from '../../../src/lib/clock.ts';
import { placeVersion } from '../../../src/sharding/place.ts';
import { aFleet } from '../../support/a-fleet.ts';
import { anActuation, FencedControlPlane } from '../../support/fenced-control-plane.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const ANSWERED = { kind: 'answered', beforeMs: 0, afterMs: 0 } as const;

function aBusyFleet(options: Parameters<typeof aFleet>[0] = {}) {
  const fleet = aFleet(options);
  for (let index = 0; index < 60; index += 1) fleet.run(`v${index}`, { utilisation: 50, instances: 10 });
  return fleet;
}

/** Two parts, which are slow to read for the next pass that begins, and for no other. */
function paced(signals: ReturnType<typeof aFleet>['signals'], clock: ReturnType<typeof aFleet>['clock']) {
  let plans = 0;
  let next: readonly [number, number] | undefined;
  const delays = new Map<string, number>();
  signals.plan = () => {
    plans += 1;
    return [
      { name: `${plans}, first`, buckets: undefined, prefixes: ['v1', 'v2'] },
      { name: `${plans}, second`, buckets: undefined, prefixes: undefined, otherPrefixes: ['v1', 'v2'] },
    ];
  };
  const read = signals.read.bind(signals);
  signals.read = async (part, options) => {
    if (next && part.name.endsWith('first')) {
      delays.set(part.name, next[0]).set(part.name.replace('first', 'second'), next[1]);
      next = undefined;
    }
    await sleep(clock, delays.get(part.name) ?? 0, options.signal);
    return read(part, options);
  };
  return (first: number, second: number) => {
    next = [first, second];
  };
}

describe('a share that is new', () => {
  it('is looked at as soon as the member has joined, not when the next cycle happens to be due', async () => {
    const { clock, join } = aBusyFleet();
    join('m1');
    await clock.wind(MINUTE);
    const { member } = join('m2');
    const joinedMs = clock.wallMs();
    await clock.wind(4 * SECOND);
    expect(member.fleet.size).toBeGreaterThan(10);
    for (const tracked of member.fleet.all()) expect(tracked.latest?.atMs).toBeGreaterThan(joinedMs);
  });

  it('is served within ten seconds of a kill although the control plane keeps everybody waiting', async () => {
    const { clock, controlPlane, signals, join } = aBusyFleet();
    const [first, second] = ['m1', 'm2'].map((memberId) => join(memberId));
    await clock.wind(2 * MINUTE - SECOND);
    const orphans = [...(second?.member.fleet.all() ?? [])].map((tracked) => tracked.version.versionId);
    const [busy] = [...(first?.member.fleet.all() ?? [])].map((tracked) => tracked.version.versionId);
    signals.set(busy ?? '', { utilisation: 95, instances: 10 });
    controlPlane.admit = (signal) => sleep(clock, 14 * SECOND, signal);
    // The next cycle of the first has begun and waits for its one raise to be admitted.
    await clock.wind(2 * SECOND);
    second?.kill();
    const killedMs = clock.wallMs();
    await clock.wind(10 * SECOND);
    for (const versionId of orphans) {
      expect(first?.member.fleet.get(versionId)?.latest?.atMs, versionId).toBeGreaterThan(killedMs);
    }
  });

  it('is served in all its parts before its past is read, however long that takes', async () => {
    const { clock, signals, join } = aBusyFleet();
    paced(signals, clock);
    const [first, second] = ['m1', 'm2'].map((memberId) => join(memberId));
    await clock.wind(2 * MINUTE);
    const orphans = [...(second?.member.fleet.all() ?? [])].map(({ version }) => version.versionId);
    const backfill = signals.backfill.bind(signals);
    signals.backfill = async () => {
      await sleep(clock, 40 * SECOND);
      return backfill();
    };
    second?.kill();
    await clock.wind(10 * SECOND);
    for (const versionId of orphans) expect(first?.member.fleet.get(versionId)?.latest, versionId).toBeDefined();
    // Nor do the next cycles wait for it.
    await clock.wind(15 * SECOND);
    const nowMs = clock.wallMs();
    for (const tracked of first?.member.fleet.all() ?? [])
      expect(tracked.latest?.atMs).toBeGreaterThan(nowMs - 16 * SECOND);
  });

  it('is served between two parts of a long pass', async () => {
    const { clock, signals, join } = aBusyFleet();
    const pace = paced(signals, clock);
    const [first, second] = ['m1', 'm2'].map((memberId) => join(memberId));
    await clock.wind(2 * MINUTE - SECOND);
    const orphans = [...(second?.member.fleet.all() ?? [])].map(({ version }) => version.versionId);
    pace(9 * SECOND, 30 * SECOND);
    await clock.wind(2 * SECOND);
    second?.kill();
    await clock.wind(10 * SECOND);
    for (const versionId of orphans) expect(first?.member.fleet.get(versionId)?.latest, versionId).toBeDefined();
  });

  it('is left to its new owner when it is lost in the middle of a pass', async () => {
    const { clock, signals, join } = aBusyFleet();
    const pace = paced(signals, clock);
    const first = join('m1');
    await clock.wind(2 * MINUTE - SECOND);
    pace(9 * SECOND, 5 * SECOND);
    const second = join('m2');
    await clock.wind(8 * SECOND);
    const latest = (versionId: string) => first.member.fleet.get(versionId)?.latest?.atMs ?? 0;
    const lost = [...second.member.fleet.all()].map(({ version }) => version.versionId);
    const decided = new Map(lost.map((versionId) => [versionId, latest(versionId)]));
    expect(lost.length).toBeGreaterThan(10);
    // The first part has been decided on, and the second is still being read.
    await clock.wind(4 * SECOND);
    for (const versionId of lost) expect(latest(versionId), versionId).toBe(decided.get(versionId));
    await clock.wind(MINUTE);
    expect([first.member.fleet.size + second.member.fleet.size, latest(lost[0] ?? '')]).toEqual([60, 0]);
  });

  it('is not called served while it could not be loaded', async () => {
    const { clock, world, join } = aBusyFleet();
    const [first, second] = ['m1', 'm2'].map((memberId) => join(memberId));
    await clock.wind(2 * MINUTE);
    const gained = second?.member.membership.owned() ?? [];
    second?.kill();
    world.fateOf = ({ client, operation }) =>
      client === 'm1' && operation === 'states.read' ? { kind: 'refused', error: 'unavailable', afterMs: 0 } : ANSWERED;
    await clock.wind(MINUTE);
    expect(first?.member.membership.owned()).toEqual(expect.arrayContaining([...gained]));
    for (const bucket of gained) expect(first?.member.recorder.servedAgeMs(bucket)).toBeUndefined();
    world.fateOf = () => ANSWERED;
    await clock.wind(MINUTE);
    for (const bucket of gained) expect(first?.member.recorder.servedAgeMs(bucket)).toBeLessThan(16 * SECOND);
  });

  it('moves nothing before what people said of it has been read once', async () => {
    const { clock, world, controlPlane, join, run } = aFleet();
    run('v1', { utilisation: 90, instances: 10 });
    let isBlind = true;
    world.fateOf = ({ operation }) =>
      isBlind && operation === 'controls.list' ? { kind: 'refused', error: 'unavailable', afterMs: 0 } : ANSWERED;
    const { member, store } = join('m1');
    await store.controls.put({
      kind: 'pause',
      versionId: 'v1',
      until: clock.wallMs() + MINUTE * 60,
      by: 'me',
      why: 'x',
    });
    await clock.wind(2 * MINUTE);
    expect(controlPlane.sent).toEqual([]);
    expect(member.fleet.get('v1')?.latest?.reasons[0]?.code).toBe('state-unknown');
    isBlind = false;
    await clock.wind(MINUTE);
    expect(controlPlane.sent).toEqual([]);
    expect(member.fleet.get('v1')?.latest?.reasons.map(({ code }) => code)).toContain('paused');
  });
});

describe('the past', () => {
  /** A version that is scaled by its mean demand of ten minutes, which is high although nothing is queued right now. */
  function aVersionWithPast() {
    const fleet = aFleet();
    const policy = {
      ...defaultPolicy('target'),
      windowSeconds: 600,
      stabilisationDownSeconds: 0,
      stepDown: undefined,
      scaleToZero: false,
    };
    fleet.run('v1', { utilisation: 0, instances: 10 }, { policy });
    const past = () =>
      new Map([
        ['v1', Array.from({ length: 9 }, (_, index) => [fleet.clock.wallMs() - (9 - index) * MINUTE, 70] as const)],
      ]);
    return { ...fleet, past };
  }

  it('has to be known before a version is lowered, also where the record of its last owner says that it is well known', async () => {
    const { clock, controlPlane, signals, join, past } = aVersionWithPast();
    signals.set('v1', { utilisation: 70, instances: 10 });
    const { kill } = join('m1');
    await clock.wind(MINUTE);
    signals.set('v1', { utilisation: 77, instances: 10 });
    await clock.wind(2 * MINUTE);
    const wanted = controlPlane.counts.get('v1');
    expect(wanted).toBe(11);
    kill();
    signals.set('v1', { utilisation: 0, instances: 11 });
    signals.past = past();
    signals.backfillState = 'failed';
    join('m2');
    await clock.wind(90 * SECOND);
    expect(controlPlane.counts.get('v1')).toBe(11);
    signals.backfillState = 'read';
    await clock.wind(2 * MINUTE);
    // With the past in view the mean is what it was, so that it falls slowly.
    expect(controlPlane.counts.get('v1')).toBeGreaterThan(5);
  });

  it('is not asked for again and again by a store that cannot tell it, and is lived through instead', async () => {
    const { clock, controlPlane, signals, join } = aVersionWithPast();
    signals.backfillState = 'failed';
    join('m1');
    await clock.wind(9 * MINUTE);
    expect(signals.backfills).toBeLessThanOrEqual(10);
    expect(controlPlane.sent).toEqual([]);
    const asked = signals.backfills;
    await clock.wind(6 * MINUTE);
    expect(signals.backfills - asked).toBeLessThanOrEqual(3);
    expect(controlPlane.counts.get('v1')).toBe(1);
    const lived = signals.backfills;
    await clock.wind(30 * MINUTE);
    expect(signals.backfills).toBe(lived);
  });

  it('is learned within moments of a take-over, and not for what has left again meanwhile', async () => {
    const { clock, signals, join } = aBusyFleet();
    signals.past = new Map(
      Array.from({ length: 60 }, (_, index) => [`v${index}`, [[clock.wallMs(), 50]] as const] as const),
    );
    const backfill = signals.backfill.bind(signals);
    signals.backfill = async () => {
      await sleep(clock, 6 * SECOND);
      return backfill();
    };
    const { member } = join('m1');
    await clock.wind(4 * SECOND);
    const all = [...member.fleet.all()];
    expect(all.filter(({ isPastKnown }) => isPastKnown)).toEqual([]);
    const second = join('m2');
    await clock.wind(8 * SECOND);
    const lost = [...second.member.fleet.all()].map(({ version }) => version.versionId);
    expect(lost.length).toBeGreaterThan(10);
    for (const { isPastKnown } of member.fleet.all()) expect(isPastKnown).toBe(true);
    await clock.wind(MINUTE);
    for (const versionId of lost) expect(member.observer.samplesOf(versionId, clock.wallMs()).utilisation).toEqual([]);
  });

  it('is read for what was taken over, however little that is beside what was there', async () => {
    const { clock, world, signals, join, run } = aFleet();
    for (let index = 0; index < 100; index += 1) run(`v${index}`, { utilisation: 50, instances: 10 });
    const large = join('large', { weight: 30 });
    const small = join('small', { weight: 1 });
    await clock.wind(2 * MINUTE);
    expect(small.member.fleet.size).toBeGreaterThan(0);
    expect(small.member.fleet.size).toBeLessThan(9);
    small.kill();
    // The store is away while the change is noticed, so that the gain comes in with a whole pass.
    world.fateOf = ({ operation }) =>
      operation === 'catalogue.read' ? { kind: 'refused', error: 'unavailable', afterMs: 0 } : ANSWERED;
    await clock.wind(10 * SECOND);
    expect(large.member.membership.owned()).toHaveLength(1024);
    const before = signals.backfills;
    world.fateOf = () => ANSWERED;
    await clock.wind(MINUTE);
    expect(large.member.fleet.size).toBe(100);
    expect(signals.backfills).toBe(before + 1);
  });
});

describe('an unchanged wish', () => {
  it('is sent again when its answer was lost, also to a control plane that checks tokens', async () => {
    const { clock, world, controlPlane, signals, join, run } = aFleet();
    run('v1', { utilisation: 90, instances: 10 });
    controlPlane.fault = (wish) => {
      controlPlane.accept(wish);
      return anActuation({ outcome: 'unknown' });
    };
    const { member } = join('m1');
    await clock.wind(20 * SECOND);
    expect(controlPlane.counts.get('v1')).toBe(12);
    // Meanwhile the load is such that nothing else is asked for.
    signals.set('v1', { utilisation: 50, instances: 10 });
    controlPlane.fault = () => undefined;
    await clock.wind(MINUTE);
    expect(world.states.peek(placeVersion('v1'))?.get('v1')).toMatchObject({ outcome: 'applied', applied: 12 });
    expect(member.fleet.get('v1')?.state?.applied).toBe(12);
    const sends = controlPlane.sent.length;
    await clock.wind(5 * MINUTE);
    expect(controlPlane.sent).toHaveLength(sends);
  });

  it('is sent again where tokens are not checked, also when it was settled by a clock that was ahead', async () => {
    const { clock, controlPlane, signals, join, run } = aFleet({ controlPlane: new FencedControlPlane('plain') });
    run('v1', { utilisation: 90, instances: 10 });
    join('m1');
    await clock.wind(20 * SECOND);
    expect(controlPlane.sent).toHaveLength(1);
    clock.jumpWall(-60 * MINUTE);
    signals.set('v1', { utilisation: 50, instances: 12 });
    await clock.wind(45 * SECOND);
    expect(controlPlane.sent).toHaveLength(2);
  });

  it('is settled in the next cycle when only its settlement was lost, and then no more', async () => {
    const { clock, world, controlPlane, join, run } = aFleet();
    run('v1', { utilisation: 90, instances: 10 });
    world.fateOf = ({ operation }) =>
      operation === 'states.settle' ? { kind: 'lost', applies: 'never', giveUpMs: 100 } : ANSWERED;
    join('m1');
    await clock.wind(20 * SECOND);
    const row = () => world.states.peek(placeVersion('v1'))?.get('v1');
    expect(row()?.phase).toBe('pending');
    world.fateOf = () => ANSWERED;
    await clock.wind(20 * SECOND);
    expect(row()).toMatchObject({ phase: 'settled', applied: 12 });
    const sends = controlPlane.sent.length;
    await clock.wind(10 * MINUTE);
    expect(controlPlane.sent).toHaveLength(sends);
  });

  it('is left alone while the version is paused or not active, though tokens are not checked', async () => {
    const { clock, controlPlane, join, run } = aFleet({ controlPlane: new FencedControlPlane('plain') });
    run('v1', { utilisation: 90, instances: 10 });
    run('v2', { utilisation: 90, instances: 10 });
    const { store } = join('m1');
    await clock.wind(20 * SECOND);
    expect(controlPlane.sent).toHaveLength(2);
    await store.controls.put({
      kind: 'pause',
      versionId: 'v1',
      until: clock.wallMs() + MINUTE * 60,
      by: 'me',
      why: 'x',
    });
    controlPlane.know({ versionId: 'v2', status: 'INACTIVE' });
    await clock.wind(10 * MINUTE);
    expect(controlPlane.sent).toHaveLength(2);
  });
});

describe('a slow pass', () => {
  const parts = ['a', 'b'].map((prefix) => ({ name: prefix, buckets: undefined, prefixes: [prefix] }));

  it('still lowers what it saw first', async () => {
    const { clock, controlPlane, signals, join, run } = aFleet();
    signals.parts = parts;
    run('a1', { utilisation: 10, instances: 10 });
    run('b1', { utilisation: 50, instances: 10 });
    const read = signals.read.bind(signals);
    signals.read = async (part, options) => {
      await sleep(clock, 12 * SECOND, options.signal);
      return read(part, options);
    };
    join('m1');
    await clock.wind(4 * MINUTE);
    expect(controlPlane.counts.get('a1')).toBe(8);
  });

  it('ends and settles what it sends before a stop is over', async () => {
    const { clock, world, controlPlane, signals, join, run } = aFleet();
    signals.parts = parts;
    run('a1', { utilisation: 90, instances: 10 });
    run('b1', { utilisation: 50, instances: 10 });
    const read = signals.read.bind(signals);
    signals.read = async (part, options) => {
      if (part.name === 'b') await sleep(clock, 10 * SECOND, options.signal);
      return read(part, options);
    };
    controlPlane.fault = async (wish) => {
      await sleep(clock, SECOND);
      return controlPlane.accept(wish);
    };
    const { member } = join('m1');
    while (controlPlane.sent.length === 0) await clock.wind(SECOND / 4);
    const operations: string[] = [];
    world.fateOf = ({ operation }) => {
      operations.push(operation);
      return ANSWERED;
    };
    let isStopped = false;
    void member.stop().then(() => {
      isStopped = true;
    });
    await clock.wind(SECOND / 2);
    expect(isStopped).toBe(false);
    expect(world.members.get('m1')?.row.state).toBe('leaving');
    await clock.wind(SECOND);
    expect(isStopped).toBe(true);
    expect(world.members.get('m1')?.row.state).toBe('left');
    expect(world.duties.get('discovery')?.holder).toBe('');
    await clock.wind(10 * SECOND);
    expect(clock.pendingTimers).toBe(0);
    expect(world.ledger.get('a1')?.map(({ outcome }) => outcome)).toEqual(['applied']);
    expect(world.states.peek(placeVersion('a1'))?.get('a1')).toMatchObject({ phase: 'settled', applied: 12 });
    expect(operations.lastIndexOf('states.settle')).toBeLessThan(operations.lastIndexOf('roster.beat'));
  });
});

describe('a poke', () => {
  it('by request looks at everything, also where nothing was gained', async () => {
    const { clock, join } = aBusyFleet();
    const { member } = join('m1');
    await clock.wind(MINUTE + 5 * SECOND);
    const nowMs = clock.wallMs();
    expect([member.poke('scale'), member.poke('nothing')]).toEqual([true, false]);
    await clock.wind(0);
    for (const tracked of member.fleet.all()) expect(tracked.latest?.atMs).toBe(nowMs);
  });

  it('for a change of the share in which nothing was gained reads nothing', async () => {
    const { clock, signals, join } = aBusyFleet();
    join('m1');
    await clock.wind(MINUTE + 5 * SECOND);
    join('m2', { weight: 0 });
    const reads = signals.reads;
    await clock.wind(8 * SECOND);
    expect(signals.reads).toBe(reads);
    // Nor does one that has no share ever read for nothing.
    await clock.wind(MINUTE);
    expect(signals.reads).toBe(reads + 4);
  });
});

describe('a break of time', () => {
  it('that is short takes the right to act until the next beat, and nothing else', async () => {
    const { clock, world, signals, join } = aBusyFleet();
    const { member, store } = join('m1');
    await clock.wind(5 * MINUTE);
    const reads: string[] = [];
    world.fateOf = ({ operation }) => {
      if (operation === 'states.read' || operation === 'catalogue.read') reads.push(operation);
      return ANSWERED;
    };
    const [before, held] = [signals.backfills, member.duty.heldToken()];
    store.line.cut();
    clock.jumpWall(2_500);
    await clock.wind(SECOND);
    expect(member.membership.mayAct(member.membership.owned()[0] ?? 0)).toBe(false);
    store.line.mend();
    await clock.wind(9 * SECOND);
    expect(reads).toEqual([]);
    expect(signals.backfills).toBe(before);
    expect(member.duty.heldToken()).toBe(held);
    expect(member.membership.mayAct(member.membership.owned()[0] ?? 0)).toBe(true);
  });

  it('that is long has everything read again before anything is decided, and forgets no past', async () => {
    const { clock, world, controlPlane, signals, join, run } = aBusyFleet();
    const { member } = join('m1');
    await clock.wind(5 * MINUTE);
    const before = signals.backfills;
    const decidedMs = member.fleet.get('v1')?.latest?.atMs;
    const token = member.duty.heldToken() ?? 0n;
    world.fateOf = ({ operation }) =>
      operation === 'states.read' ? { kind: 'refused', error: 'unavailable', afterMs: 0 } : ANSWERED;
    run('v1', { utilisation: 95, instances: 10 });
    clock.jumpWall(60_000);
    await clock.wind(MINUTE);
    expect(member.fleet.get('v1')?.latest?.atMs).toBe(decidedMs);
    expect(member.duty.heldToken()).toBeGreaterThan(token);
    expect(controlPlane.sent).toEqual([]);
    world.fateOf = () => ANSWERED;
    await clock.wind(MINUTE);
    expect(controlPlane.counts.get('v1')).toBe(12);
    expect(signals.backfills).toBe(before);
    expect(member.observer.samplesOf('v2', clock.wallMs()).utilisation.length).toBeGreaterThan(4);
  });

  it('by a clock that was ahead leaves nothing behind of that time', async () => {
    const { clock, controlPlane, signals, join, run } = aFleet();
    const policy = { ...defaultPolicy('steps'), cooldownUpSeconds: 60, cooldownDownSeconds: 60 };
    run('v1', { utilisation: 90, instances: 10 }, { policy });
    const { member } = join('m1');
    await clock.wind(MINUTE);
    clock.jumpWall(20 * MINUTE);
    signals.skewMs = 20 * MINUTE;
    await clock.wind(SECOND);
    expect(member.fleet.get('v1')?.latest?.reasons[0]?.code).toBe('clock-skew');
    await clock.wind(5 * MINUTE);
    clock.jumpWall(-20 * MINUTE);
    signals.skewMs = 0;
    signals.set('v1', { utilisation: 10, instances: 12 });
    await clock.wind(3 * MINUTE);
    expect(controlPlane.counts.get('v1')).toBe(9);
  });

  it('in the middle of a pass ends what that pass may do', async () => {
    const { clock, controlPlane, signals, join, run } = aFleet();
    signals.parts = ['a', 'b'].map((prefix) => ({ name: prefix, buckets: undefined, prefixes: [prefix] }));
    run('a1', { utilisation: 50, instances: 10 });
    run('b1', { utilisation: 50, instances: 10 });
    const { member, store } = join('m1');
    await clock.wind(5 * MINUTE);
    const read = signals.read.bind(signals);
    signals.read = async (part, options) => {
      if (part.name === 'b') await sleep(clock, 5 * SECOND, options.signal);
      return read(part, options);
    };
    signals.set('a1', { utilisation: 10, instances: 10 });
    // Somewhere in the pass, after the first part was decided.
    await clock.wind(17 * SECOND);
    const decidedMs = member.fleet.get('b1')?.latest?.atMs;
    expect(member.fleet.get('a1')?.latest?.verdict).toBe('lower');
    clock.jumpWall(20_000);
    for (let failures = 0; failures < 3; failures += 1) store.line.failNext('unavailable', 'states.read');
    await clock.wind(10 * SECOND);
    expect(member.membership.mayAct(placeVersion('a1'))).toBe(true);
    expect(controlPlane.sent).toEqual([]);
    expect(member.fleet.get('b1')?.latest?.atMs).toBe(decidedMs);
    await clock.wind(MINUTE);
    expect(controlPlane.counts.get('a1')).toBe(8);
  });
});

import { describe, expect, it } from 'vitest';
import type { Reason } from '../../src/domain/reason.ts';
import { reasonText } from '../../src/domain/reason-text.ts';
import { placeVersion } from '../../src/sharding/place.ts';
import { aFleet } from '../support/a-fleet.ts';
import { anActuation, FencedControlPlane } from '../support/fenced-control-plane.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

describe('one member', () => {
  it('finds a busy version and raises it within two cycles', async () => {
    const { clock, controlPlane, join, run } = aFleet();
    run('v1', { utilisation: 90, instances: 10 });
    join('m1');
    await clock.wind(35 * SECOND);
    expect(controlPlane.counts.get('v1')).toBe(12);
  });

  it('writes once while the wish stays the same, and touches the store no more', async () => {
    const { clock, world, controlPlane, join, run } = aFleet();
    run('v1', { utilisation: 90, instances: 10 });
    join('m1');
    await clock.wind(MINUTE);
    const conditional: string[] = [];
    world.fateOf = ({ operation }) => {
      if (operation === 'states.claim' || operation === 'states.settle') conditional.push(operation);
      return { kind: 'answered', beforeMs: 0, afterMs: 0 };
    };
    await clock.wind(5 * MINUTE);
    expect(controlPlane.sent).toHaveLength(1);
    expect(conditional).toEqual([]);
  });

  it('lowers nothing when all worker metrics vanish, not even after hours', async () => {
    const { clock, controlPlane, signals, join, run } = aFleet();
    for (let index = 0; index < 5; index += 1) run(`v${index}`, { utilisation: 50, instances: 50, calls: index });
    join('m1');
    await clock.wind(5 * MINUTE);
    for (let index = 0; index < 5; index += 1) signals.set(`v${index}`, { calls: index });
    await clock.wind(180 * MINUTE);
    expect(controlPlane.sent.filter((wish) => wish.wanted < 50)).toEqual([]);
  });

  it('asks again for what the control plane failed to take', async () => {
    const { clock, controlPlane, join, run } = aFleet();
    run('v1', { utilisation: 90, instances: 10 });
    controlPlane.fault = () => anActuation({ outcome: 'failed', status: 503, retryAfterMs: 20 * SECOND });
    const { member } = join('m1');
    while (controlPlane.sent.length === 0) await clock.wind(SECOND);
    await clock.wind(15 * SECOND);
    expect(controlPlane.counts.get('v1')).toBeUndefined();
    expect(member.fleet.get('v1')?.latest?.reasons[0]?.code).toBe('control-plane-backoff');
    controlPlane.fault = () => undefined;
    await clock.wind(MINUTE);
    expect(controlPlane.counts.get('v1')).toBe(12);
  });

  it('goes to zero only after the whole idle time, and starts from zero on a call', async () => {
    const { clock, controlPlane, signals, join, run } = aFleet();
    run('v1', { utilisation: 0, instances: 1, calls: 7 });
    join('m1');
    await clock.wind(MINUTE);
    signals.set('v1', { utilisation: 0, instances: 1, calls: 8 });
    await clock.wind(29 * MINUTE);
    expect(controlPlane.counts.get('v1')).not.toBe(0);
    await clock.wind(2 * MINUTE);
    expect(controlPlane.counts.get('v1')).toBe(0);
    signals.set('v1', { utilisation: 0, instances: 0, calls: 9 });
    await clock.wind(MINUTE);
    expect(controlPlane.counts.get('v1')).toBe(1);
  });

  it('freezes when too many would fall at once, and lets the decreases through when an operator releases it', async () => {
    const { clock, controlPlane, signals, join, run } = aFleet();
    for (let index = 0; index < 30; index += 1) run(`v${index}`, { utilisation: 50, instances: 10, calls: 1 });
    const { member, store } = join('m1');
    await clock.wind(2 * MINUTE);
    for (let index = 0; index < 30; index += 1) signals.set(`v${index}`, { utilisation: 5, instances: 10, calls: 2 });
    await clock.wind(2 * MINUTE);
    expect(member.freeze.isFrozen).toBe(true);
    expect(controlPlane.sent.filter((wish) => wish.wanted < 10)).toEqual([]);
    expect(member.fleet.get('v3')?.latest).toMatchObject({ verdict: 'keep', wanted: 10 });
    expect(member.fleet.get('v3')?.latest?.reasons.map((reason) => reason.code)).toContain('fleet-frozen');
    await store.controls.put({ kind: 'freeze-release', until: clock.wallMs() + 10 * MINUTE, by: 'me', why: 'night' });
    await clock.wind(MINUTE);
    expect(controlPlane.counts.get('v3')).toBe(8);
  });

  it('obeys a pause and an override until they end', async () => {
    const { clock, controlPlane, join, run } = aFleet();
    run('v1', { utilisation: 90, instances: 10 });
    const { store } = join('m1');
    await store.controls.put({
      kind: 'pause',
      versionId: 'v1',
      until: clock.wallMs() + 5 * MINUTE,
      by: 'me',
      why: 'x',
    });
    await clock.wind(4 * MINUTE);
    expect(controlPlane.sent).toEqual([]);
    await store.controls.put({
      kind: 'override',
      versionId: 'v1',
      wanted: 33,
      until: clock.wallMs() + 9 * MINUTE,
      by: 'me',
      why: 'x',
    });
    await clock.wind(2 * MINUTE);
    expect(controlPlane.counts.get('v1')).toBe(33);
  });

  it('decides nothing while its clock and the store of its signals are far apart', async () => {
    const { clock, controlPlane, signals, join, run } = aFleet();
    run('v1', { utilisation: 90, instances: 10 });
    signals.skewMs = 3_600_000;
    const { member } = join('m1');
    await clock.wind(MINUTE);
    expect(controlPlane.sent).toEqual([]);
    expect(member.fleet.get('v1')?.latest?.reasons[0]?.code).toBe('clock-skew');
    expect(reasonText(member.fleet.get('v1')?.latest?.reasons[0] as Reason)).toContain('60 min');
    signals.skewMs = 0;
    await clock.wind(2 * MINUTE);
    expect(controlPlane.counts.get('v1')).toBe(12);
  });

  it('goes by the last known bounds while the control plane is silent, also after a restart, and never by a default', async () => {
    const { clock, controlPlane, signals, join, run } = aFleet();
    run('v1', { utilisation: 90, instances: 10 }, { instancesMax: 13 });
    const { kill } = join('m1');
    await clock.wind(MINUTE);
    expect(controlPlane.counts.get('v1')).toBe(12);
    kill();
    run('v2', { utilisation: 90, instances: 10 });
    controlPlane.isSourceDown = true;
    controlPlane.targets.clear();
    signals.set('v1', { utilisation: 90, instances: 12 });
    join('m2');
    await clock.wind(2 * MINUTE);
    expect(controlPlane.counts.get('v1')).toBe(13);
    expect(controlPlane.counts.get('v2')).toBeUndefined();
  });

  it('claims nothing for a version that is barred, also when its bounds were known before', async () => {
    const { clock, signals, controlPlane, join, run } = aFleet();
    run('v1', { utilisation: 90, instances: 10 });
    const { member } = join('m1');
    await clock.wind(MINUTE);
    const sent = controlPlane.sent.length;
    expect(sent).toBeGreaterThan(0);
    const token = member.fleet.get('v1')?.state?.token;
    controlPlane.targets.set('v1', { state: 'barred', detail: 'another scales it' });
    signals.set('v1', { utilisation: 99, instances: 12 });
    await clock.wind(5 * MINUTE);
    expect(controlPlane.sent).toHaveLength(sent);
    expect(member.fleet.get('v1')).toMatchObject({
      state: { token },
      latest: { verdict: 'abstain', reasons: [{ code: 'barred', facts: { detail: 'another scales it' } }] },
    });
    controlPlane.know({ versionId: 'v1' });
    await clock.wind(MINUTE);
    expect(controlPlane.sent.length).toBeGreaterThan(sent);
  });

  it('discovers as soon as it has the duty', async () => {
    const { clock, world, join, run } = aFleet();
    run('v1', { utilisation: 50, instances: 10 });
    join('m1');
    await clock.wind(0);
    expect(world.active.peek(placeVersion('v1'))?.get('v1')).toBeDefined();
  });

  it('has a version that discovery just found in hand by the next cycle but one', async () => {
    const { clock, join, run } = aFleet();
    run('v1', { utilisation: 50, instances: 10 });
    const { member } = join('m1');
    await clock.wind(80 * SECOND);
    run('v2', { utilisation: 50, instances: 10 });
    await clock.wind(30 * SECOND);
    expect(member.fleet.get('v2')?.latest?.verdict).toBe('keep');
  });

  it('keeps versions through an outage of the signals that outlasts the life of their rows', async () => {
    const { clock, world, signals, join, run } = aFleet();
    run('v1', { utilisation: 50, instances: 10 });
    join('m1');
    await clock.wind(MINUTE);
    signals.darkParts.add('all');
    signals.state = 'failed';
    await clock.wind(90 * MINUTE);
    const bucket = placeVersion('v1');
    const row = world.active.peek(bucket)?.get('v1');
    expect(row && row.expiresMs > clock.wallMs()).toBe(true);
  });

  it('lets versions age out that stopped showing anything', async () => {
    const { clock, signals, join, run } = aFleet();
    run('v1', { utilisation: 50, instances: 10 });
    run('v2', { utilisation: 50, instances: 10 });
    const { member } = join('m1');
    await clock.wind(MINUTE);
    expect(member.fleet.size).toBe(2);
    signals.discoverable.delete('v2');
    await clock.wind(42 * MINUTE);
    expect(member.fleet.size).toBe(1);
  });

  it('reads the past once at its start, not for every newborn', async () => {
    const { clock, signals, join, run } = aFleet();
    for (let index = 0; index < 40; index += 1) run(`v${index}`, { utilisation: 50, instances: 10 });
    join('m1');
    await clock.wind(2 * MINUTE);
    const atStart = signals.backfills;
    expect(atStart).toBeGreaterThan(0);
    run('newborn', { utilisation: 50, instances: 1 });
    await clock.wind(3 * MINUTE);
    expect(signals.backfills).toBe(atStart);
  });

  it('sends an unchanged wish again where the control plane checks no tokens', async () => {
    const { clock, controlPlane, join, run } = aFleet({ controlPlane: new FencedControlPlane('plain') });
    run('v1', { utilisation: 90, instances: 10 });
    join('m1');
    await clock.wind(5 * MINUTE);
    const wishes = controlPlane.sent.map((wish) => wish.wanted);
    expect(wishes.length).toBeGreaterThanOrEqual(4);
    expect(new Set(wishes)).toEqual(new Set([12]));
  });
});

describe('several members', () => {
  function aBusyFleet() {
    const fleet = aFleet();
    for (let index = 0; index < 60; index += 1) fleet.run(`v${index}`, { utilisation: 50, instances: 10 });
    return fleet;
  }

  it('share the versions and evaluate each once', async () => {
    const { clock, join } = aBusyFleet();
    const members = ['m1', 'm2', 'm3'].map((memberId) => join(memberId).member);
    await clock.wind(2 * MINUTE);
    const sizes = members.map((member) => member.fleet.size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(60);
    expect(Math.min(...sizes)).toBeGreaterThan(5);
    expect(members.filter((member) => member.duty.heldToken() !== undefined)).toHaveLength(1);
  });

  it('serve the versions of a killed one within ten seconds', async () => {
    const { clock, join } = aBusyFleet();
    const [first, second, third] = ['m1', 'm2', 'm3'].map((memberId) => join(memberId));
    await clock.wind(2 * MINUTE + 7 * SECOND);
    const orphans = [...(second?.member.fleet.all() ?? [])].map((tracked) => tracked.version.versionId);
    expect(orphans.length).toBeGreaterThan(5);
    second?.kill();
    const killedMs = clock.wallMs();
    await clock.wind(10 * SECOND);
    const servedMs = orphans.map((versionId) => {
      const served = [first, third].map((each) => each?.member.fleet.get(versionId)?.latest?.atMs ?? 0);
      return Math.max(...served);
    });
    expect(Math.min(...servedMs)).toBeGreaterThan(killedMs);
  });

  it('take over within two seconds from one that stops, which gives its duty back', async () => {
    const { clock, world, join } = aBusyFleet();
    const [first, second] = ['m1', 'm2'].map((memberId) => join(memberId));
    await clock.wind(2 * MINUTE + 7 * SECOND);
    const orphans = [...(first?.member.fleet.all() ?? [])].map((tracked) => tracked.version.versionId);
    const stoppedMs = clock.wallMs();
    void first?.member.stop();
    await clock.wind(2 * SECOND);
    for (const versionId of orphans) {
      expect(second?.member.fleet.get(versionId)?.latest?.atMs).toBeGreaterThanOrEqual(stoppedMs);
    }
    await clock.wind(3 * SECOND);
    expect(world.duties.get('discovery')?.holder).toBe('m2');
  });

  it('declare no member dead in a store outage of four minutes, and none takes everything afterwards', async () => {
    const { clock, controlPlane, signals, join, run } = aBusyFleet();
    const joined = ['m1', 'm2', 'm3'].map((memberId) => join(memberId));
    await clock.wind(2 * MINUTE);
    const before = joined.map(({ member }) => member.membership.owned().length);
    for (const { store } of joined) store.line.cut();
    run('v1', { utilisation: 95, instances: 10 });
    signals.set('v1', { utilisation: 95, instances: 10 });
    await clock.wind(4 * MINUTE);
    expect(controlPlane.sent).toEqual([]);
    let mostOwned = 0;
    joined[0]?.store.line.mend();
    for (let second = 0; second < 5; second += 1) {
      await clock.wind(SECOND);
      mostOwned = Math.max(mostOwned, joined[0]?.member.membership.owned().length ?? 0);
    }
    expect(mostOwned).toBe(before[0]);
    for (const { store } of joined) store.line.mend();
    await clock.wind(MINUTE);
    expect(joined.map(({ member }) => member.membership.owned().length)).toEqual(before);
    expect(controlPlane.counts.get('v1')).toBe(12);
  });
});

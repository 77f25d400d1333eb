import { afterAll, beforeAll, expect, it } from 'vitest';
import { AutoscalerRig, FAST } from '../../support/autoscaler-rig.ts';
import { until } from '../../support/member-process.ts';
import { type RunningMember, untilShared } from '../../support/running-member.ts';
import type { StoreKind } from '../../support/timeseries/timeseries-server.ts';
import { expectOrderlyWrites, loweredWrites } from './writes.ts';

const BUSY_LOAD = 2.5;
/** At the default target of 0.7 running calls per instance. */
const BUSY_WANTED = 4;

/** The promise is 10 s; a busy machine that runs tests gets some more. The benchmark measures it exactly. */
const SERVED_AFTER_KILL_MS = 15_000;
/** The promise is 2 s. A hand-over that fails is noticed as a death is, which takes 6 s and more. */
const SERVED_AFTER_STOP_MS = 5_000;
/** Twice as long as it takes to be thought dead. */
const STORE_OUTAGE_MS = 12_000;

/**
 * One story, told in order: three replicas find a fleet and keep it at its size; one is killed, one is stopped, and their
 * versions go on being served.
 */
export function threeReplicas(options: {
  versions: number;
  timeseries: StoreKind;
  store: () => string | undefined;
  /** Takes the store away from everybody; what it resolves with brings it back. */
  breakStore: (rig: AutoscalerRig) => Promise<() => Promise<void> | void>;
}): void {
  let rig: AutoscalerRig;
  let members: RunningMember[];

  beforeAll(async () => {
    const store = options.store();
    rig = await AutoscalerRig.start({
      timeseries: options.timeseries,
      scrapeMs: 1_000,
      flags: FAST,
      ...(store !== undefined && { store }),
    });
    for (let index = 0; index < options.versions; index += 1) addVersion(index);
    rig.fleet.start();
    members = await Promise.all([rig.join(), rig.join(), rig.join()]);
  });

  afterAll(async () => {
    await rig?.stop();
  });

  type Kind = 'quiet' | 'called' | 'busy';
  const kinds = new Map<string, Kind>();

  function addVersion(index: number): string {
    const versionId = `version-${index}`;
    const kind = (['quiet', 'called', 'busy', 'busy'] as const)[index % 4] ?? 'quiet';
    kinds.set(versionId, kind);
    // Never called with an instance running; called with none running; called and loaded.
    if (kind === 'quiet') rig.add({ versionId });
    else if (kind === 'called') rig.add({ versionId, instances: 0, callsPerSecond: 2 });
    else rig.add({ versionId, load: BUSY_LOAD, callsPerSecond: 2 });
    return versionId;
  }

  const active = (versionId: string) => rig.controlPlane.fleet.find(versionId)?.active ?? 0;
  const ofKind = (kind: Kind) => [...kinds].flatMap(([versionId, of]) => (of === kind ? [versionId] : []));

  async function holders(): Promise<RunningMember[]> {
    const held = await Promise.all(members.map((member) => member.metric('starling_duty_held', { duty: 'discovery' })));
    return members.filter((_, index) => held[index] === 1);
  }

  /** Resolves with the seconds from `sinceMs` to the last of these buckets' evaluation by one of the survivors. */
  async function untilEvaluated(buckets: readonly number[], sinceMs: number, withinMs: number): Promise<number> {
    const first = new Map<number, number>();
    await until(`${buckets.length} buckets of another are evaluated`, withinMs * 2, async () => {
      for (const evaluated of await Promise.all(members.map((member) => member.evaluated()))) {
        for (const bucket of buckets) {
          const atMs = evaluated.get(bucket);
          if (atMs !== undefined && atMs >= sinceMs && !first.has(bucket)) first.set(bucket, atMs);
        }
      }
      return first.size === buckets.length;
    });
    return Math.max(...first.values()) - sinceMs;
  }

  async function bucketsOf(member: RunningMember): Promise<number[]> {
    const owners = await member.owners();
    return owners.flatMap((owner, bucket) => (owner === member.memberId ? [bucket] : []));
  }

  it('discovers every version that has instances, calls, or both', { timeout: 90_000 }, async () => {
    await untilShared(members);
    const found = await until('all are found', 60_000, async () => {
      const versions = await members[0]?.versions();
      return versions?.length === options.versions && versions;
    });
    expect(new Set(found.map(({ versionId }) => versionId))).toEqual(new Set(kinds.keys()));
  });

  it('raises busy versions, starts called ones, and leaves the rest as it is', { timeout: 90_000 }, async () => {
    await until('busy versions have what they need', 60_000, () =>
      ofKind('busy').every((versionId) => active(versionId) >= BUSY_WANTED),
    );
    await until('called versions have an instance', 60_000, () =>
      ofKind('called').every((versionId) => active(versionId) >= 1),
    );
    const quiet = new Set(ofKind('quiet'));
    expect(rig.controlPlane.fleet.history.filter(({ versionId }) => quiet.has(versionId))).toEqual([]);
  });

  it('has exactly one replica evaluate each version', { timeout: 60_000 }, async () => {
    await until('each has one judge, and all agree on who it is', 30_000, async () => {
      const views = await Promise.all(members.map((member) => member.versions()));
      return [...kinds.keys()].every((versionId) => {
        const seen = views.map((view) => view.find((each) => each.versionId === versionId));
        const judges = members.filter((_, index) => seen[index]?.latest);
        return judges.length === 1 && seen.every((each) => each?.owner === judges[0]?.memberId);
      });
    });
    const shares = await Promise.all(members.map(async (member) => (await member.status()).bucketsOwned));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(1024);
    // Rendezvous hashing deals fairly: nobody has less than half of an even share.
    expect(Math.min(...shares)).toBeGreaterThan(1024 / 6);
  });

  it('has one discovery holder', { timeout: 30_000 }, async () => {
    await until('somebody has the duty', 20_000, async () => (await holders()).length === 1);
    for (let look = 0; look < 10; look += 1) expect((await holders()).length).toBeLessThanOrEqual(1);
  });

  it('continues with the same buckets after an outage of the store in which no replica could write a heartbeat', {
    timeout: 120_000,
  }, async () => {
    const shares = async () => Promise.all(members.map(async (member) => (await member.status()).bucketsOwned));
    const before = await shares();
    const changes = () =>
      members.map(({ process }) => process.lines.filter(({ event }) => event === 'members.changed').slice(1));
    const changesBefore = changes().map((lines) => lines.length);
    const counts = new Map([...kinds.keys()].map((versionId) => [versionId, active(versionId)]));
    const writesBefore = rig.controlPlane.fleet.history.length;

    const end = await options.breakStore(rig);
    const [stepped = ''] = ofKind('busy');
    rig.fleet.setLoad(stepped, 2 * BUSY_LOAD);
    await new Promise((resolve) => setTimeout(resolve, STORE_OUTAGE_MS));
    // What cannot be claimed is not sent; and a store that is away makes nobody unhealthy.
    const writesMeanwhile = rig.controlPlane.fleet.history.slice(writesBefore);
    for (const member of members) expect((await member.health('/livez')).status).toBe(200);
    await end();

    await until('the step is answered', 30_000, () => active(stepped) > (counts.get(stepped) ?? 0));
    expect(writesMeanwhile).toEqual([]);
    await untilShared(members);
    expect(await shares()).toEqual(before);
    const taken = changes().flatMap((lines, index) => lines.slice(changesBefore[index]).map(({ owned }) => owned));
    expect(taken, 'nobody takes everything').not.toContain(1024);
    expect(loweredWrites(rig.controlPlane.fleet.history.slice(writesBefore), counts)).toEqual([]);
  });

  it('takes over the versions of a killed replica that held the discovery duty', { timeout: 120_000 }, async () => {
    const [victim] = await until('the duty is held', 20_000, async () => {
      const found = await holders();
      return found.length === 1 && found;
    });
    if (!victim) throw new Error('nobody has the duty');
    const buckets = await bucketsOf(victim);
    const versions = (await victim.versions()).filter(({ owner }) => owner === victim.memberId);
    const stepped = versions.map(({ versionId }) => versionId).filter((versionId) => kinds.get(versionId) === 'busy');
    expect(stepped.length).toBeGreaterThan(0);
    const before = new Map(stepped.map((versionId) => [versionId, active(versionId)]));
    const killedMs = Date.now();
    victim.process.kill('SIGKILL');
    // A step in the load at the moment of the kill: nobody but another can have seen it.
    for (const versionId of stepped) rig.fleet.setLoad(versionId, 2 * BUSY_LOAD + 3);
    members = members.filter((member) => member !== victim);
    expect(await untilEvaluated(buckets, killedMs, SERVED_AFTER_KILL_MS)).toBeLessThan(SERVED_AFTER_KILL_MS);
    await until('the step is answered', 30_000, () =>
      stepped.every((versionId) => active(versionId) > (before.get(versionId) ?? 0)),
    );
  });

  it('discovers new versions after the death of the duty holder', { timeout: 90_000 }, async () => {
    const versionId = addVersion(options.versions + ((3 - (options.versions % 4) + 4) % 4));
    await until('another has the duty', 30_000, async () => (await holders()).length === 1);
    await until('the newborn is raised', 30_000, () => active(versionId) >= BUSY_WANTED);
  });

  it('takes over at once from a stopped replica', { timeout: 120_000 }, async () => {
    members.push(await rig.join());
    await untilShared(members);
    const [leaver] = members;
    if (!leaver) throw new Error('there is no replica');
    const buckets = await bucketsOf(leaver);
    const stoppedMs = Date.now();
    leaver.process.kill('SIGTERM');
    members = members.filter((member) => member !== leaver);
    const servedMs = await untilEvaluated(buckets, stoppedMs, SERVED_AFTER_STOP_MS);
    expect(await leaver.process.ended).toEqual({ code: 0, signal: null });
    expect(Date.now() - stoppedMs).toBeLessThan(8_000);
    expect(servedMs).toBeLessThan(SERVED_AFTER_STOP_MS);
    expect(leaver.process.stderr).toBe('');
    await untilShared(members);
  });

  it('never had a token go back, or two replicas with one token', () => {
    expectOrderlyWrites(rig.controlPlane);
    const writers = new Set(rig.controlPlane.seen.map(({ headers }) => headers['user-agent']));
    expect(writers.size).toBe(4);
  });
}

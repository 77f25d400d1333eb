import type { Part } from '../../../src/domain/part.ts';
import type { AutoscalerSettings } from '../../../src/loops/autoscaler.ts';
import { FREEZE_DEFAULTS } from '../../../src/scaling/fleet-freeze.ts';
import { SETTINGS } from '../../support/a-fleet.ts';
import { type ChaosMember, ChaosWorld, type Weather } from './chaos-world.ts';
import { type ChaosEvent, checkHistory, type Rules } from './history.ts';

const SECOND = 1_000;
const VERSIONS = 40;
const TROUBLE_MS = 180 * SECOND;
const MEMBERS_MAX = 4;
/** Of some versions, the stabilisation window. */
const STEADY_SECONDS = 60;
/** A member whose clock is not yet known to be wrong may end it too early by so much. */
const STEADY_SLACK_MS = 25 * SECOND;
const ONE_PART: Part[] = [{ name: 'all', buckets: undefined, prefixes: undefined }];
const TWO_PARTS: Part[] = [
  { name: 'some', buckets: undefined, prefixes: ['v1', 'v2'] },
  { name: 'others', buckets: undefined, prefixes: undefined, otherPrefixes: ['v1', 'v2'] },
];

export interface ChaosReport {
  /** Promises that were broken, in words. */
  readonly broken: readonly string[];
  readonly history: readonly ChaosEvent[];
  readonly fenced: number;
}

/** One run: trouble for three minutes, then none, and everything must come right. */
export async function runChaos(seed: number): Promise<ChaosReport> {
  const isFenced = seed % 4 !== 0;
  const settings: Partial<AutoscalerSettings> = {
    // One fleet in two has no freeze, so that lowerings are seen too.
    freeze: { ...FREEZE_DEFAULTS, enabled: seed % 2 !== 0 },
    scaling: {
      ...SETTINGS.scaling,
      // So that the last back-off ends within the time given to come right.
      retryDelayMaxMs: 20 * SECOND,
      goneDelayMaxMs: 20 * SECOND,
      stateRefreshMs: 60 * SECOND,
    },
  };
  const world = new ChaosWorld({ seed, isFenced, parts: seed % 3 === 0 ? TWO_PARTS : ONE_PART, settings });
  const { random, clock } = world;
  for (let index = 0; index < VERSIONS; index += 1) {
    const kind = index < 2 ? 'dry' : index < 4 ? 'inactive' : 'v';
    const isTarget = index % 3 === 0;
    const min = random.between(0, 2);
    const instances = random.between(Math.max(1, min), 20);
    world.run({
      versionId: `${kind}${index}`,
      min,
      max: random.between(20, 60),
      isTarget,
      steadySeconds: isTarget && index % 2 === 0 ? STEADY_SECONDS : 0,
      load: instances * random.next(),
      instances,
    });
  }
  for (let index = 0; index < 3; index += 1) {
    world.join();
    await clock.wind(random.between(0, 3 * SECOND));
  }

  while (clock.monotonicMs() < TROUBLE_MS) {
    makeTrouble(world);
    live(world);
    await clock.wind(random.between(SECOND / 10, 4 * SECOND));
  }
  await endTrouble(world);

  const rules: Rules = {
    bounds: new Map([...world.versions.values()].map((version) => [version.versionId, version])),
    untouchable: new Set(
      [...world.versions.values()].filter((each) => each.isUntouchable).map((each) => each.versionId),
    ),
    isFenced,
    selfStopMs: 3 * SECOND,
    sleepSlackMs: 2 * SECOND,
    claimDeadlineMs: 3 * SECOND,
    evidenceMs: 35 * SECOND,
    pauseHeardMs: 65 * SECOND,
    sendsPerMinute: 16,
    steadyMs: new Map(
      [...world.versions.values()].map((each) => [each.versionId, each.steadySeconds * SECOND - STEADY_SLACK_MS]),
    ),
  };
  const broken = checkHistory(world.history, rules);
  broken.push(...findUnhealed(world), ...(await findUnmoved(world, { isFrozen: settings.freeze?.enabled === true })));
  const sent = world.history.filter(({ kind }) => kind === 'sent').length;
  const accepted = world.history.filter(({ kind }) => kind === 'accepted').length;
  return { broken, history: world.history, fenced: sent - accepted };
}

/** One thing that goes wrong, or right again. */
function makeTrouble(world: ChaosWorld): void {
  const { random, weather, members, clock, controlPlane } = world;
  const alive = members.filter(({ state }) => state === 'alive');
  const one = alive.length > 0 ? random.pick(alive) : undefined;
  const present = members.filter(({ state }) => state === 'alive' || state === 'paused').length;
  const troubles: Array<() => void> = [
    () => {
      if (one && alive.length > 1) world.kill(one);
    },
    () => {
      if (one && alive.length > 1) world.stop(one);
    },
    () => {
      if (present < MEMBERS_MAX) world.join();
    },
    () => {
      if (present < MEMBERS_MAX) world.join();
    },
    () => {
      if (one) world.pause(one, { forMs: random.between(SECOND, 30 * SECOND), isAsleep: random.isLucky(0.3) });
    },
    () => {
      one?.store.connection.cut();
      if (one) clock.after(random.between(SECOND, 20 * SECOND), () => one.store.connection.mend());
    },
    () => {
      for (const { store } of alive) {
        store.connection.cut();
        clock.after(random.between(SECOND, 20 * SECOND), () => store.connection.mend());
      }
    },
    () => {
      weather.store = random.pick([0, 0, 0.1, 0.4, 0.8]);
    },
    () => {
      const kinds: Weather['controlPlane'][] = ['well', 'well', 'slow', 'silent', 'failing', 'refusing', 'throttled'];
      weather.controlPlane = random.pick(kinds);
    },
    () => {
      weather.readMs = random.pick([0, 0, 1_000, 8_000]);
    },
    () => {
      if (one) one.signals.state = random.pick(['read', 'read', 'partial', 'failed'] as const);
    },
    () => {
      const state = random.pick(['read', 'partial', 'failed'] as const);
      for (const { signals } of alive) signals.state = state;
    },
    () => {
      const isShown = random.isLucky(0.4);
      for (const version of world.versions.values()) {
        if (random.isLucky(0.5)) version.isShown = isShown;
        world.show(version.versionId);
      }
    },
    () => {
      if (one) one.clock.wallOffsetMs = random.pick([0, 0, -3_000, 3_000, -3_600_000, 3_600_000, 20_000]);
    },
    () => {
      world.pauseVersion(random.pick([...world.versions.values()]));
    },
    () => {
      controlPlane.isSourceDown = random.isLucky(0.5);
    },
  ];
  if (random.isLucky(0.5)) random.pick(troubles)();
}

/** What goes on anyhow. */
function live(world: ChaosWorld): void {
  const { random } = world;
  for (const version of world.versions.values()) {
    if (random.isLucky(0.03)) version.load = random.isLucky(0.2) ? 0 : random.next() * 30;
    if (version.load > 0 && random.isLucky(0.5)) version.calls += 1;
    world.show(version.versionId);
  }
}

async function endTrouble(world: ChaosWorld): Promise<void> {
  const { random, weather, members, clock, controlPlane } = world;
  Object.assign(weather, { store: 0, controlPlane: 'well', readMs: 0 });
  controlPlane.isSourceDown = false;
  for (const version of world.versions.values()) {
    version.isShown = true;
    world.show(version.versionId);
  }
  for (const { store, signals, clock: own } of members) {
    store.connection.mend();
    signals.state = 'read';
    own.wallOffsetMs = 0;
  }
  if (!members.some(({ state }) => state === 'alive')) world.join();
  // Whoever still sleeps wakes within this time, and what is on its way arrives.
  await clock.wind(30 * SECOND);
  await clock.wind(60 * SECOND);
  // Between two cycles of all members, when nothing is in flight.
  await clock.wind(random.between(0, 3 * SECOND));
}

/** After the trouble: one owner each, evaluated lately, and the control plane wants what its owner decides. */
function findUnhealed(world: ChaosWorld): string[] {
  const { clock, versions } = world;
  const members = world.members.filter(({ state }) => state === 'alive');
  const wrong: string[] = [];
  for (const { versionId, isUntouchable, isPaused } of versions.values()) {
    const owner = ownerOf(members, versionId);
    if (!owner) {
      wrong.push(`${versionId} is not with exactly one of ${members.map(({ memberId }) => memberId).join()}`);
      continue;
    }
    const tracked = owner.autoscaler.fleet.get(versionId);
    const latest = tracked?.latest;
    if (!latest || clock.wallMs() - latest.atMs > 16 * SECOND) {
      wrong.push(`${versionId} was last evaluated at ${latest?.atMs} by ${owner.memberId}, now is ${clock.wallMs()}`);
    }
    if (isUntouchable || isPaused) continue;
    const count = world.countOf(versionId);
    if (latest?.wanted !== count) {
      const why = latest?.reasons.map(({ code }) => code).join();
      wrong.push(
        `${versionId}: ${owner.memberId} decided ${latest?.verdict} ${latest?.wanted} (${why}), it is ${count}`,
      );
    }
    const { state } = tracked ?? {};
    if (state && (state.phase !== 'settled' || state.applied !== world.controlPlane.counts.get(versionId))) {
      wrong.push(
        `${versionId}: ${owner.memberId} holds ${state.phase} ${state.applied} (${state.outcome}) for ${count}`,
      );
    }
  }
  return wrong;
}

/** Every version still answers to its load, by the rule of its policy as a child would work it out. */
async function findUnmoved(world: ChaosWorld, { isFrozen }: { isFrozen: boolean }): Promise<string[]> {
  const wrong: string[] = [];
  world.doInstancesFollow = false;
  const moving = [...world.versions.values()].filter(({ isUntouchable, isPaused }) => !isUntouchable && !isPaused);
  const press = async (utilisation: number, forMs: number) => {
    for (const version of moving) {
      version.instances = Math.max(1, version.instances);
      version.load = (version.instances * utilisation) / 100;
      version.calls += 1;
      world.show(version.versionId);
    }
    const before = new Map(moving.map(({ versionId }) => [versionId, world.countOf(versionId)]));
    await world.clock.wind(forMs);
    return before;
  };
  const within = ({ min, max }: { min: number; max: number }, count: number) => Math.min(max, Math.max(min, count));
  const by = (count: number, factor: number) => Math.fround(Math.fround(count) * Math.fround(factor));

  const beforeRise = await press(95, 40 * SECOND);
  for (const version of moving) {
    const { versionId, instances, isTarget } = version;
    const asked = isTarget ? Math.ceil((instances * 0.95) / 0.7) : Math.ceil(by(instances, 1.2));
    const due = within(version, Math.max(beforeRise.get(versionId) ?? 0, asked));
    const count = world.countOf(versionId);
    if (isTarget ? count < within(version, asked) : count !== due)
      wrong.push(`${versionId} of ${instances} at 95 % went from ${beforeRise.get(versionId)} to ${count}, not ${due}`);
  }

  const beforeFall = await press(5, 150 * SECOND);
  for (const version of moving) {
    if (version.isTarget) continue;
    const { versionId, instances } = version;
    const standing = beforeFall.get(versionId) ?? 0;
    const asked = within(version, Math.min(standing, Math.max(1, Math.floor(by(instances, 0.8)))));
    const count = world.countOf(versionId);
    if (!isFrozen && count !== asked)
      wrong.push(`${versionId} of ${instances} at 5 % went from ${standing} to ${count}, not ${asked}`);
  }
  return wrong;
}

function ownerOf(members: readonly ChaosMember[], versionId: string): ChaosMember | undefined {
  const owners = members.filter(({ autoscaler }) => {
    const tracked = autoscaler.fleet.get(versionId);
    return tracked !== undefined && autoscaler.membership.owns(tracked.version.bucket);
  });
  return owners.length === 1 ? owners[0] : undefined;
}

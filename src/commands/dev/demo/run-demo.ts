import { styleText } from 'node:util';
import { type Clock, sleep } from '../../../lib/clock.ts';
import type { AdminClient } from '../../../wiring/fleet/admin-client.ts';
import { type FleetFunction, readFunctions, readMembers } from '../../../wiring/fleet/fleet.ts';
import { wantedOf } from '../../fleet-table.ts';
import type { LiveArea } from '../live-area.ts';
import { AppliedChanges } from './applied-changes.ts';
import { Callers } from './callers.ts';
import {
  CALL_MS,
  DEMO_FUNCTIONS,
  type DemoName,
  definitionOf,
  type Goal,
  PHASES,
  type Phase,
  type Sight,
} from './demo-script.ts';
import { clock as clockFace, demoView } from './demo-view.ts';
import { PlatformClient } from './platform-client.ts';
import { Sightings, type Standing } from './sightings.ts';

const LOOK_EVERY_MS = 500;

interface Player {
  readonly name: DemoName;
  readonly versionId: string;
  readonly callers: Callers;
  standing: Standing;
}

/** Registers the functions, drives the load, and shows what comes of it. Returns when it is over; rejects when the signal aborts. */
export async function runDemo(options: {
  platformUrl: string;
  /** The autoscaler, asked what it wants. */
  admin: AdminClient;
  pace: keyof typeof PHASES;
  area: LiveArea;
  clock: Clock;
  signal: AbortSignal;
  /** What has to be typed to be told why. */
  explain: (versionId: string) => string;
  /** The page of a version in the console. */
  pageOf: (versionId: string) => string;
}): Promise<void> {
  const { platformUrl, admin, pace, area, clock, signal, explain, pageOf } = options;
  const client = new PlatformClient({ url: platformUrl, signal });
  const players: Player[] = [];
  for (const each of DEMO_FUNCTIONS) {
    const call = () => client.invoke(each.name, { ms: CALL_MS });
    players.push({
      name: each.name,
      versionId: await client.register(definitionOf(each), each.name),
      callers: new Callers({ call, clock, signal }),
      standing: { wanted: undefined, wish: undefined, instances: 0 },
    });
  }
  const changes = new AppliedChanges({ admin });
  // What an earlier demo left is not to be taken for this one's.
  await Promise.all(players.map(({ versionId }) => changes.take(versionId)));
  // What was never called is not the autoscaler's business yet.
  await Promise.all(players.map(({ name }) => client.invoke(name, { ms: 1 })));
  const sightings = new Sightings();
  const phases = PHASES[pace];
  const wholeMs = phases.reduce((sum, { lastsMs }) => sum + lastsMs, 0);
  const beganMs = clock.monotonicMs();
  let passedMs = 0;
  for (const phase of phases) {
    if (!area.isLive) area.say(`demo: ${phase.name}: ${phase.says}`);
    for (const { name, callers } of players) callers.set(phase.callers[name] ?? 0);
    const phaseMs = clock.monotonicMs();
    let spentMs = 0;
    while (!isOver(phase, spentMs, sightings)) {
      await sleep(clock, LOOK_EVERY_MS, signal);
      spentMs = clock.monotonicMs() - phaseMs;
      await look({ client, admin, changes, players, sightings, area, elapsedMs: clock.monotonicMs() - beganMs });
      area.show(
        demoView(
          {
            phase,
            share: (passedMs + Math.min(spentMs, phase.lastsMs)) / wholeMs,
            elapsedMs: clock.monotonicMs() - beganMs,
            functions: players.map(({ name, versionId, callers, standing }) => ({
              name,
              versionId,
              callers: callers.count,
              ...standing,
            })),
            sightings,
          },
          (format, text) => styleText(format, text, { stream: process.stdout }),
        ),
      );
    }
    passedMs += phase.lastsMs;
  }
  for (const { callers } of players) callers.set(0);
  area.clear();
  area.say(ending({ players, sightings, explain, pageOf, tookMs: clock.monotonicMs() - beganMs }));
}

function isOver(phase: Phase, spentMs: number, sightings: Sightings): boolean {
  if (spentMs < phase.lastsMs) return false;
  return spentMs >= phase.atMostMs || isReached(phase.until, sightings);
}

function isReached({ seen, asleep = [], inHand = {}, eased = {} }: Goal, sightings: Sightings): boolean {
  if (seen !== undefined && !sightings.has(seen)) return false;
  return sightings.areAsleep(asleep) && sightings.areInHand(inHand) && sightings.areEased(eased);
}

/** One look at both. What fails is left out; the next look is soon. */
async function look(options: {
  client: PlatformClient;
  admin: AdminClient;
  changes: AppliedChanges;
  players: readonly Player[];
  sightings: Sightings;
  area: LiveArea;
  elapsedMs: number;
}): Promise<void> {
  const { client, admin, changes, players, sightings, area, elapsedMs } = options;
  const [fleet, counts] = await Promise.all([fleetOf(admin), client.instances()]).catch(() => []);
  if (!fleet || !counts) return;
  for (const player of players) {
    const { name, versionId, standing: before } = player;
    const version = fleet.get(versionId);
    const wanted = (version && wantedOf(version)) ?? before.wanted;
    const instances = counts.get(versionId) ?? 0;
    player.standing = { wanted, wish: version?.applied ?? before.wish, instances };
    const sights = sightings.look(name, player.standing, await changes.take(versionId).catch(() => []));
    const isChanged = wanted !== before.wanted || instances !== before.instances;
    if (sights.length === 0 && (area.isLive || !isChanged)) continue;
    const told = `${name}: wanted ${wanted ?? 'not known yet'}, running ${instances}${tell(sights)}`;
    area.say(`  ${clockFace(elapsedMs)}  ${told}`);
  }
}

async function fleetOf(admin: AdminClient): Promise<ReadonlyMap<string, FleetFunction>> {
  const functions = await readFunctions(admin, await readMembers(admin));
  return new Map(functions.map((version) => [version.versionId, version]));
}

function tell(sights: readonly Sight[]): string {
  return sights.length === 0 ? '' : ` (${sights.join(', ')})`;
}

function ending(options: {
  players: readonly Player[];
  sightings: Sightings;
  explain: (versionId: string) => string;
  pageOf: (versionId: string) => string;
  tookMs: number;
}): string {
  const { players, sightings, explain, pageOf, tookMs } = options;
  const answered = players.reduce((sum, { callers }) => sum + callers.answered, 0);
  const failed = players.reduce((sum, { callers }) => sum + callers.failed, 0);
  const { missing } = sightings;
  const verdict =
    missing.length === 0 ? 'scaled up, down, to zero and from zero' : `not seen within its time: ${missing.join(', ')}`;
  const burst = players.find(({ name }) => name === 'demo-burst')?.versionId ?? '';
  return [
    `The demo is over after ${clockFace(tookMs)}: ${verdict}. ${answered} calls answered, ${failed} failed.`,
    `What it did: ${pageOf(burst)}`,
    `Why it did it: ${explain(burst)}`,
    'Everything runs on; Ctrl-C stops it.',
  ].join('\n');
}

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
  type Milestone,
  PHASES,
  type Phase,
} from './demo-script.ts';
import { clock as clockFace, demoView } from './demo-view.ts';
import { type InstanceCounts, Milestones } from './milestones.ts';
import { PlatformClient } from './platform-client.ts';

const LOOK_EVERY_MS = 500;

interface DemoRun {
  readonly name: DemoName;
  readonly versionId: string;
  readonly callers: Callers;
  counts: InstanceCounts;
}

interface DemoOptions {
  readonly platformUrl: string;
  /** The autoscaler, asked what it wants. */
  readonly admin: AdminClient;
  readonly pace: keyof typeof PHASES;
  readonly area: LiveArea;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The command that explains a version's decisions. */
  readonly explain: (versionId: string) => string;
  /** The page of a version in the console. */
  readonly pageOf: (versionId: string) => string;
}

/** Registers the functions, drives the load, and shows what comes of it. Returns when it is over; rejects when the signal aborts. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const { platformUrl, admin, pace, area, clock, signal } = options;
  const client = new PlatformClient({ url: platformUrl, signal });
  const runs: DemoRun[] = [];
  for (const each of DEMO_FUNCTIONS) {
    const call = () => client.invoke(each.name, { ms: CALL_MS });
    runs.push({
      name: each.name,
      versionId: await client.register(definitionOf(each), each.name),
      callers: new Callers({ call, clock, signal }),
      counts: { wanted: undefined, wish: undefined, instances: 0 },
    });
  }
  const changes = new AppliedChanges(admin);
  // What an earlier demo left is not to be taken for this one's.
  await Promise.all(runs.map(({ versionId }) => changes.take(versionId)));
  // What was never called is not the autoscaler's business yet.
  await Promise.all(runs.map(({ name }) => client.invoke(name, { ms: 1 })));
  const milestones = new Milestones();
  const phases = PHASES[pace];
  const wholeMs = phases.reduce((sum, { lastsMs }) => sum + lastsMs, 0);
  const beganMs = clock.monotonicMs();
  let passedMs = 0;
  for (const phase of phases) {
    if (!area.isLive) area.say(`demo: ${phase.name}: ${phase.says}`);
    for (const { name, callers } of runs) callers.set(phase.callers[name] ?? 0);
    const phaseMs = clock.monotonicMs();
    let spentMs = 0;
    while (!isOver(phase, spentMs, milestones)) {
      await sleep(clock, LOOK_EVERY_MS, signal);
      spentMs = clock.monotonicMs() - phaseMs;
      await look({ client, admin, changes, runs, milestones, area, elapsedMs: clock.monotonicMs() - beganMs });
      area.show(
        demoView(
          {
            phase,
            share: (passedMs + Math.min(spentMs, phase.lastsMs)) / wholeMs,
            elapsedMs: clock.monotonicMs() - beganMs,
            functions: runs,
            milestones,
          },
          (format, text) => styleText(format, text, { stream: process.stdout }),
        ),
      );
    }
    passedMs += phase.lastsMs;
  }
  for (const { callers } of runs) callers.set(0);
  area.clear();
  area.say(ending(runs, { ...options, milestones, tookMs: clock.monotonicMs() - beganMs }));
}

function isOver(phase: Phase, spentMs: number, milestones: Milestones): boolean {
  if (spentMs < phase.lastsMs) return false;
  return spentMs >= phase.atMostMs || isReached(phase.until, milestones);
}

function isReached({ seen, atZero = [], running = {}, lowered = {} }: Goal, milestones: Milestones): boolean {
  if (seen !== undefined && !milestones.has(seen)) return false;
  return milestones.areAtZero(atZero) && milestones.areRunning(running) && milestones.areLowered(lowered);
}

/** One look at both. What fails is left out; the next look is soon. */
async function look(options: {
  client: PlatformClient;
  admin: AdminClient;
  changes: AppliedChanges;
  runs: readonly DemoRun[];
  milestones: Milestones;
  area: LiveArea;
  elapsedMs: number;
}): Promise<void> {
  const { client, admin, changes, runs, milestones, area, elapsedMs } = options;
  const [fleet, counts] = await Promise.all([fleetOf(admin), client.instances()]).catch(() => []);
  if (!fleet || !counts) return;
  for (const run of runs) {
    const { name, versionId, counts: before } = run;
    const version = fleet.get(versionId);
    const wanted = (version && wantedOf(version)) ?? before.wanted;
    const instances = counts.get(versionId) ?? 0;
    run.counts = { wanted, wish: version?.applied ?? before.wish, instances };
    const reached = milestones.look(name, run.counts, await changes.take(versionId).catch(() => []));
    const isChanged = wanted !== before.wanted || instances !== before.instances;
    if (reached.length === 0 && (area.isLive || !isChanged)) continue;
    const line = `${name}: wanted ${wanted ?? 'not known yet'}, running ${instances}${listOf(reached)}`;
    area.say(`  ${clockFace(elapsedMs)}  ${line}`);
  }
}

async function fleetOf(admin: AdminClient): Promise<ReadonlyMap<string, FleetFunction>> {
  const functions = await readFunctions(admin, await readMembers(admin));
  return new Map(functions.map((version) => [version.versionId, version]));
}

function listOf(reached: readonly Milestone[]): string {
  return reached.length === 0 ? '' : ` (${reached.join(', ')})`;
}

function ending(
  runs: readonly DemoRun[],
  facts: Pick<DemoOptions, 'explain' | 'pageOf'> & { milestones: Milestones; tookMs: number },
): string {
  const { milestones, explain, pageOf, tookMs } = facts;
  const answered = runs.reduce((sum, { callers }) => sum + callers.answered, 0);
  const failed = runs.reduce((sum, { callers }) => sum + callers.failed, 0);
  const { missing } = milestones;
  const verdict =
    missing.length === 0 ? 'scaled up, down, to zero and from zero' : `not seen within its time: ${missing.join(', ')}`;
  const burst = runs.find(({ name }) => name === 'demo-burst')?.versionId ?? '';
  return [
    `The demo is over after ${clockFace(tookMs)}: ${verdict}. ${answered} calls answered, ${failed} failed.`,
    `What it did: ${pageOf(burst)}`,
    `Why it did it: ${explain(burst)}`,
    'Everything runs on; Ctrl-C stops it.',
  ].join('\n');
}

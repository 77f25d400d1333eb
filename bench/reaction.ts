import { parseArgs } from 'node:util';
import { systemRandom } from '../src/lib/random.ts';
import { AutoscalerRig } from '../test/support/autoscaler-rig.ts';
import { LiveFleet } from '../test/support/live-fleet.ts';
import { until } from '../test/support/member-process.ts';
import { untilShared } from '../test/support/running-member.ts';
import { STORE_KINDS, type StoreKind, timeseriesAvailability } from '../test/support/timeseries/timeseries-server.ts';
import { type BenchOptions, type BenchResult, BenchUsage, spread } from './report.ts';

/** Running calls of a version at rest, and after its step; three instances carry 2.1 at the default target of 0.7. */
const LOAD = 2.05;
const STEPPED_LOAD = 11;
const INSTANCES = 3;
/** Moments of the scrape interval at which targets are scraped. */
const PHASES = 10;
/** Rates of the shipped profile look back this many scrapes. */
const RATE_SCRAPES = 5;

interface Plan {
  readonly timeseries: StoreKind;
  readonly steps: number;
  readonly scrapeSeconds: number;
  readonly cycleSeconds: number;
  readonly settleSeconds: number;
  /** The steps fall at random moments of this span. */
  readonly overSeconds: number;
}

interface Step {
  readonly versionId: string;
  readonly atMs: number;
  /** The first scrape that can have seen it. */
  scrapedMs: number | undefined;
}

/**
 * A fleet at rest, one replica, and steps in the load of single versions at random moments of the scrape and of the cycle.
 * The clock runs from the step itself to the moment at which the control plane has the higher count.
 */
export async function run({ isQuick, args, say }: BenchOptions): Promise<BenchResult> {
  const plan = planOf(args, isQuick);
  const { steps, scrapeSeconds, cycleSeconds, settleSeconds } = plan;
  const seconds = plan.overSeconds + 3 * (scrapeSeconds + cycleSeconds) + settleSeconds + 15;
  const time = seconds < 60 ? 'under a minute' : `about ${Math.ceil(seconds / 60)} minutes`;
  say(
    `reaction: ${steps} steps in the load, scrape ${scrapeSeconds} s, cycle ${cycleSeconds} s, settle ${settleSeconds} s, ` +
      `on ${plan.timeseries}; takes ${time}`,
  );
  const found = await timeseriesAvailability(plan.timeseries);
  if (!found.available) throw new BenchUsage(`${plan.timeseries} is not available: ${found.why}`);
  const figures = await measure(plan, say);
  const software = { [plan.timeseries]: found.version, sqlite: process.versions['sqlite'] ?? '' };
  return { software, figures, notes: NOTES };
}

const NOTES = [
  'seconds: from a step in the load to the accepted write; the next scrape is the first that can show it',
  'floorSeconds: scrape interval and cycle, the worst that pure waiting comes to; settleSeconds, for which the newest samples are left to arrive, come on top',
  'sampleSeconds: from the first scrape after the step to the accepted write; a step right before a scrape shows only in the next',
];

async function measure(plan: Plan, say: (line: string) => void): Promise<Record<string, unknown>> {
  const { steps: count, scrapeSeconds, cycleSeconds, settleSeconds } = plan;
  const rig = await AutoscalerRig.start({
    timeseries: plan.timeseries,
    scrapeMs: scrapeSeconds * 1000,
    flags: [
      ...['--timeseries-scrape-interval', `${scrapeSeconds}s`, '--timeseries-settle', `${settleSeconds}s`],
      ...['--scaling-interval', `${cycleSeconds}s`, '--discovery-interval', `${cycleSeconds}s`],
      ...['--timeseries-timeout', `${Math.min(10, cycleSeconds)}s`],
    ],
  });
  const ends: (() => Promise<void>)[] = [];
  try {
    const { controlPlane } = rig;
    const fleets = await scrapedInPhases(rig, plan);
    ends.push(...fleets.map((fleet) => () => fleet.stop()));
    const member = await rig.join();
    await untilShared([member]);
    await until('every version is kept as it is', 60_000 + 3_000 * cycleSeconds, async () => {
      const versions = await member.versions();
      return versions.filter(({ latest }) => latest?.verdict === 'keep').length === count;
    });
    if (controlPlane.fleet.history.length > 0) throw new Error('the fleet is not at rest: something was written');

    const steps: Step[] = [];
    for (const fleet of fleets) {
      fleet.onWritten = (atMs) => {
        for (const step of steps) if (step.atMs <= atMs && fleet.versions.has(step.versionId)) step.scrapedMs ??= atMs;
      };
    }
    say(`${count} steps over ${plan.overSeconds} s`);
    const timers = fleets.flatMap((fleet) =>
      [...fleet.versions.keys()].map((versionId) =>
        setTimeout(
          () => {
            fleet.setLoad(versionId, STEPPED_LOAD);
            steps.push({ versionId, atMs: Date.now(), scrapedMs: undefined });
          },
          systemRandom.next() * plan.overSeconds * 1000,
        ),
      ),
    );
    const answeredMs = () => {
      const first = new Map<string, number>();
      for (const { versionId, atMs, outcome } of controlPlane.fleet.history)
        if (outcome === 'applied' && !first.has(versionId)) first.set(versionId, atMs);
      return first;
    };
    const withinMs = (plan.overSeconds + 4 * (scrapeSeconds + cycleSeconds) + 60) * 1000;
    let told = 0;
    await until('every step is answered', withinMs, () => {
      const answered = answeredMs().size;
      if (answered >= told + count / 4) {
        told = answered;
        say(`${answered} of ${count} answered`);
      }
      return answered === count;
    }).finally(() => timers.forEach(clearTimeout));
    const first = answeredMs();
    const since = (step: Step, fromMs: number) => ((first.get(step.versionId) ?? Number.NaN) - fromMs) / 1000;
    return {
      steps: count,
      seconds: spread(steps.map((step) => since(step, step.atMs))),
      floorSeconds: scrapeSeconds + cycleSeconds,
      settleSeconds,
      scrapeSeconds,
      cycleSeconds,
      sampleSeconds: spread(steps.map((step) => since(step, step.scrapedMs ?? Number.NaN))),
    };
  } finally {
    for (const end of ends) await end();
    await rig.stop();
  }
}

/** Every target has its own moment within the scrape interval, as in a real store. The versions take turns among them. */
async function scrapedInPhases(rig: AutoscalerRig, plan: Plan): Promise<LiveFleet[]> {
  const scrapeMs = plan.scrapeSeconds * 1000;
  const { controlPlane, timeseries } = rig;
  const fleets = Array.from(
    { length: PHASES },
    () =>
      new LiveFleet({
        url: timeseries.url,
        everyMs: scrapeMs,
        countOf: (versionId) => controlPlane.fleet.find(versionId)?.active,
      }),
  );
  for (let index = 0; index < plan.steps; index += 1) {
    const versionId = `version-${index}`;
    const live = fleets[index % PHASES]?.add({ versionId, instances: INSTANCES, load: LOAD, callsPerSecond: 1 });
    if (live) controlPlane.fleet.put({ versionId, functionId: live.functionId, activeInstances: INSTANCES });
  }
  for (const fleet of fleets) {
    await fleet.writePast((RATE_SCRAPES + 2) * scrapeMs);
    fleet.start();
    await new Promise((resolve) => setTimeout(resolve, scrapeMs / PHASES));
  }
  return fleets;
}

function planOf(args: readonly string[], isQuick: boolean): Plan {
  const { values } = parseArgs({
    args: [...args],
    options: {
      timeseries: { type: 'string', default: 'prometheus' },
      steps: { type: 'string', default: isQuick ? '20' : '100' },
      scrape: { type: 'string', default: isQuick ? '4' : '15' },
      cycle: { type: 'string', default: isQuick ? '4' : '15' },
      settle: { type: 'string', default: isQuick ? '1' : '5' },
      over: { type: 'string', default: isQuick ? '12' : '120' },
    },
  });
  const timeseries = STORE_KINDS.find((kind) => kind === values.timeseries);
  if (!timeseries) throw new BenchUsage(`--timeseries takes ${STORE_KINDS.join(' or ')}`);
  const whole = (flag: 'steps' | 'scrape' | 'cycle' | 'settle' | 'over', least: number) => {
    const value = Number(values[flag]);
    if (!Number.isInteger(value) || value < least)
      throw new BenchUsage(`--${flag} takes a whole number from ${least}, in seconds where it is a time`);
    return value;
  };
  return {
    timeseries,
    steps: whole('steps', 1),
    scrapeSeconds: whole('scrape', 1),
    cycleSeconds: whole('cycle', 1),
    settleSeconds: whole('settle', 0),
    overSeconds: whole('over', 1),
  };
}

import { parseArgs } from 'node:util';
import { migrate } from '../src/adapters/cassandra/schema/migrate.ts';
import { systemRandom } from '../src/lib/random.ts';
import { AutoscalerRig } from '../test/support/autoscaler-rig.ts';
import { startCassandra } from '../test/support/cassandra/cassandra-cluster.ts';
import { CASSANDRA_VERSION } from '../test/support/cassandra/cassandra-jars.ts';
import { connectionTo } from '../test/support/cassandra/store-harness.ts';
import { until } from '../test/support/member-process.ts';
import { type RunningMember, untilShared } from '../test/support/running-member.ts';
import { STORE_KINDS, type StoreKind, timeseriesAvailability } from '../test/support/timeseries/timeseries-server.ts';
import { type BenchOptions, type BenchResult, BenchUsage, rounded, spread } from './report.ts';

const REPLICAS = 3;
const SCRAPE_MS = 15_000;
const LOOK_EVERY_MS = 100;
const GIVE_UP_AFTER_MS = 60_000;

interface Plan {
  readonly store: 'sqlite' | 'cassandra';
  readonly timeseries: StoreKind;
  readonly versions: number;
  readonly rounds: number;
}

interface Measured {
  /** From the signal to the last bucket's evaluation by another replica. */
  readonly servedSeconds: number;
  readonly exitSeconds: number;
}

/**
 * Three replicas with the timings of production share a fleet at rest. One of them is killed, or told to stop, at a random
 * moment; the clock runs until every bucket that it had was evaluated by another. Then it is replaced, and so on.
 */
export async function run({ isQuick, args, say }: BenchOptions): Promise<BenchResult> {
  const plan = planOf(args, isQuick);
  const minutes = isQuick ? 'under a minute' : `about ${Math.ceil(1 + plan.rounds * 0.45)} minutes`;
  say(
    `takeover: ${plan.rounds} × kill -9 and ${plan.rounds} × SIGTERM of one of ${REPLICAS} replicas, ${plan.versions} versions, ` +
      `${plan.store} and ${plan.timeseries}; takes ${minutes}`,
  );
  const found = await timeseriesAvailability(plan.timeseries);
  if (!found.available) throw new BenchUsage(`${plan.timeseries} is not available: ${found.why}`);
  const cluster = plan.store === 'cassandra' ? await startCassandra({ onProgress: say }) : undefined;
  try {
    if (cluster) await migrate(connectionTo(cluster));
    const storeVersion = cluster ? { cassandra: CASSANDRA_VERSION } : { sqlite: process.versions['sqlite'] ?? '' };
    const figures = await measure(plan, {
      say,
      ...(cluster && {
        store: `cassandra://${cluster.contactPoints[0]}:${cluster.port}/starling?dc=${cluster.dataCenter}`,
      }),
    });
    return { software: { [plan.timeseries]: found.version, ...storeVersion }, figures, notes: NOTES };
  } finally {
    await cluster?.stop();
  }
}

const NOTES = [
  'from the signal until every bucket of the replica was evaluated by another; beat 1 s, dead after 6 s, cycle 15 s',
  'exitSeconds: from SIGTERM to the end of the process',
];

async function measure(
  plan: Plan,
  { say, store }: { say: (line: string) => void; store?: string },
): Promise<Record<string, unknown>> {
  const rig = await AutoscalerRig.start({
    timeseries: plan.timeseries,
    scrapeMs: SCRAPE_MS,
    ...(store !== undefined && { store }),
  });
  try {
    for (let index = 0; index < plan.versions; index += 1) {
      rig.add({ versionId: `version-${index}`, instances: 3, load: 2, callsPerSecond: 1 });
    }
    await rig.fleet.writePast(5 * 60_000);
    rig.fleet.start();
    say(`starting ${REPLICAS} replicas`);
    const members = await Promise.all(Array.from({ length: REPLICAS }, () => rig.join()));
    await untilAtRest(members, plan.versions);

    const kills: Measured[] = [];
    const stops: Measured[] = [];
    for (const [signal, measured] of [
      ['SIGKILL', kills],
      ['SIGTERM', stops],
    ] as const) {
      for (let round = 1; round <= plan.rounds; round += 1) {
        const taken = await takeOver(members, signal);
        measured.push(taken);
        say(`${signal} ${round} of ${plan.rounds}: served after ${taken.servedSeconds.toFixed(2)} s`);
        members.push(await rig.join());
        await untilAtRest(members, plan.versions);
      }
    }
    const served = (measured: readonly Measured[]) => measured.map(({ servedSeconds }) => servedSeconds);
    return {
      versions: plan.versions,
      kills: kills.length,
      killSeconds: spread(served(kills)),
      stops: stops.length,
      stopSeconds: spread(served(stops)),
      exitSeconds: spread(stops.map(({ exitSeconds }) => exitSeconds)),
      eachKillSeconds: served(kills)
        .sort((a, b) => a - b)
        .map(rounded),
      eachStopSeconds: served(stops)
        .sort((a, b) => a - b)
        .map(rounded),
    };
  } finally {
    await rig.stop();
  }
}

/** Every replica serves its share, every version has been judged, and some time has passed that nothing depends on. */
async function untilAtRest(members: readonly RunningMember[], versions: number): Promise<void> {
  await untilShared(members, GIVE_UP_AFTER_MS);
  await until('every version is judged', GIVE_UP_AFTER_MS, async () => {
    const views = await Promise.all(members.map((member) => member.versions()));
    const judged = views.flatMap((view) => view.filter(({ latest }) => latest !== null));
    return judged.length === versions;
  });
  // The phase of the beats and of the cycles is left to chance.
  await pause(systemRandom.next() * 3_000);
}

async function takeOver(members: RunningMember[], signal: 'SIGKILL' | 'SIGTERM'): Promise<Measured> {
  const index = Math.floor(systemRandom.next() * members.length);
  const [victim] = members.splice(index, 1);
  if (!victim) throw new Error('there is nobody to end');
  const owners = await victim.owners();
  const due = new Set(owners.flatMap((owner, bucket) => (owner === victim.memberId ? [bucket] : [])));
  const versions = (await victim.versions()).flatMap(({ versionId, bucket }) => (due.has(bucket) ? [versionId] : []));

  const signalledMs = Date.now();
  let exitedMs = signalledMs;
  const exit = victim.process.ended.then(() => {
    exitedMs = Date.now();
  });
  victim.process.kill(signal);
  let lastMs = 0;
  while (due.size > 0) {
    if (Date.now() - signalledMs > GIVE_UP_AFTER_MS) throw new Error(`${due.size} buckets are served by nobody`);
    for (const evaluated of await Promise.all(members.map((member) => member.evaluated()))) {
      for (const bucket of due) {
        const atMs = evaluated.get(bucket);
        if (atMs === undefined || atMs < signalledMs) continue;
        due.delete(bucket);
        lastMs = Math.max(lastMs, atMs);
      }
    }
    await pause(LOOK_EVERY_MS);
  }
  await exit;
  await demandJudged(members, versions, signalledMs);
  return { servedSeconds: (lastMs - signalledMs) / 1000, exitSeconds: (exitedMs - signalledMs) / 1000 };
}

/** That a bucket counts as evaluated is the replica's own word; its versions must bear it out. */
async function demandJudged(members: readonly RunningMember[], versions: readonly string[], sinceMs: number) {
  const views = await Promise.all(members.map((member) => member.versions()));
  const judged = new Set(
    views.flat().flatMap(({ versionId, latest }) => (latest && Date.parse(latest.at) >= sinceMs ? [versionId] : [])),
  );
  const left = versions.filter((versionId) => !judged.has(versionId));
  if (left.length > 0)
    throw new Error(`${left.length} versions were not judged though their buckets count as evaluated`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function planOf(args: readonly string[], isQuick: boolean): Plan {
  const { values } = parseArgs({
    args: [...args],
    options: {
      store: { type: 'string', default: 'sqlite' },
      timeseries: { type: 'string', default: 'prometheus' },
      versions: { type: 'string', default: isQuick ? '60' : '200' },
      rounds: { type: 'string', default: isQuick ? '1' : '10' },
    },
  });
  const { store } = values;
  const timeseries = STORE_KINDS.find((kind) => kind === values.timeseries);
  const [versions, rounds] = [Number(values.versions), Number(values.rounds)];
  if (store !== 'sqlite' && store !== 'cassandra') throw new BenchUsage('--store takes sqlite or cassandra');
  if (!timeseries) throw new BenchUsage(`--timeseries takes ${STORE_KINDS.join(' or ')}`);
  if (!Number.isInteger(versions) || versions < 1) throw new BenchUsage('--versions takes a number');
  if (!Number.isInteger(rounds) || rounds < 1) throw new BenchUsage('--rounds takes a number');
  return { store, timeseries, versions, rounds };
}

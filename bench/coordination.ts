import { parseArgs } from 'node:util';
import cassandra from 'cassandra-driver';
import pino from 'pino';
import { migrate } from '../src/adapters/cassandra/schema/migrate.ts';
import { CassandraStore } from '../src/adapters/cassandra/store.ts';
import { systemClock } from '../src/adapters/system/clock.ts';
import { nextToken } from '../src/domain/fencing-token.ts';
import type { Claim, Settlement } from '../src/domain/function-state.ts';
import { forEachLimited } from '../src/lib/limiter.ts';
import { systemRandom } from '../src/lib/random.ts';
import { Autoscaler } from '../src/loops/autoscaler.ts';
import { placeVersion } from '../src/sharding/place.ts';
import type { Labels, Meters } from '../src/telemetry/meters.ts';
import { SETTINGS } from '../test/support/a-fleet.ts';
import { type CassandraCluster, startCassandra } from '../test/support/cassandra/cassandra-cluster.ts';
import { CASSANDRA_VERSION } from '../test/support/cassandra/cassandra-jars.ts';
import { FencedControlPlane } from '../test/support/fenced-control-plane.ts';
import { ScriptedSignals } from '../test/support/scripted-signals.ts';
import { type BenchOptions, type BenchResult, BenchUsage, rounded } from './report.ts';

const BUCKETS_IN_FLIGHT = 32;
const IDLE_CYCLES = 3;
const WANTED = 3;

/**
 * One replica claims and settles every version of a fleet, once to create the rows and once as a change of the whole
 * fleet would. Then the real loops run over the same fleet with steady load, and the conditional writes are counted.
 */
export async function run({ isQuick, args, say }: BenchOptions): Promise<BenchResult> {
  const { values } = parseArgs({
    args: [...args],
    options: { nodes: { type: 'string' }, versions: { type: 'string' }, paxos: { type: 'string', default: 'v2' } },
  });
  const nodes = Number(values.nodes ?? (isQuick ? 1 : 3)) === 3 ? 3 : 1;
  const versions = Number(values.versions ?? (isQuick ? 2000 : 10_000));
  if (!Number.isInteger(versions) || versions < 1)
    throw new BenchUsage(`--versions takes a number, not ${values.versions}`);
  const paxos = values.paxos === 'v1' ? 'v1' : 'v2';
  const minutes = isQuick ? 'half a minute' : 'one to two minutes';
  say(`coordination: ${versions} versions on ${nodes} Cassandra node(s), Paxos ${paxos}; takes ${minutes}`);
  const cluster = await startCassandra({ nodes, paxos, onProgress: say });
  try {
    const figures = await measure(cluster, { nodes, versions, say });
    const software = { cassandra: CASSANDRA_VERSION, 'cassandra-driver': String(cassandra.version), paxos };
    return { software, figures, notes: NOTES };
  } finally {
    await cluster.stop();
  }
}

const NOTES = [
  'nodes and client share this machine',
  'writeTimeouts counts every conditional write without a definite answer; idleLwts those for versions in three whole cycles of steady load',
];

async function measure(
  cluster: CassandraCluster,
  { nodes, versions, say }: { nodes: number; versions: number; say: (line: string) => void },
): Promise<Record<string, unknown>> {
  const { contactPoints, port, dataCenter } = cluster;
  const connection = { clock: systemClock, contactPoints, port, localDataCenter: dataCenter, keyspace: 'bench' };
  say('making the tables');
  await migrate({ ...connection, replication: { [dataCenter]: nodes } });
  const counter = new StatementCounter();
  const store = await CassandraStore.open({ ...connection, meters: counter });
  try {
    const byBucket = Map.groupBy(versionIds(versions), (versionId) => placeVersion(versionId));
    say('creating the rows');
    const first = await claimAndSettle(store, byBucket, undefined);
    say('changing every version');
    const second = await claimAndSettle(store, byBucket, first.tokens);
    const writeTimeouts = counter.inDoubt();
    say(`claimed in ${rounded(second.claimSeconds)} s, settled in ${rounded(second.settleSeconds)} s`);
    say(`running ${IDLE_CYCLES} cycles of steady load`);
    const idleLwts = await countIdle(store, { byBucket, counter });
    return {
      nodes,
      versions,
      claimSeconds: rounded(second.claimSeconds),
      settleSeconds: rounded(second.settleSeconds),
      writeTimeouts,
      idleLwts,
      firstClaimSeconds: rounded(first.claimSeconds),
      firstSettleSeconds: rounded(first.settleSeconds),
      claimBatches: byBucket.size,
    };
  } finally {
    await store.close();
  }
}

function versionIds(count: number): string[] {
  return Array.from({ length: count }, () => systemRandom.uuid());
}

async function claimAndSettle(
  store: CassandraStore,
  byBucket: ReadonlyMap<number, readonly string[]>,
  observed: ReadonlyMap<string, bigint> | undefined,
): Promise<{ claimSeconds: number; settleSeconds: number; tokens: Map<string, bigint> }> {
  const claims = new Map<number, Claim[]>();
  for (const [bucket, ids] of byBucket) {
    claims.set(
      bucket,
      ids.map((versionId) => claimOf(versionId, observed?.get(versionId))),
    );
  }
  const claimSeconds = await timed(() =>
    forEachLimited(claims, BUCKETS_IN_FLIGHT, async ([bucket, ofBucket]) => {
      demand(await store.states.claim(bucket, ofBucket), 'applied');
    }),
  );
  const settleSeconds = await timed(() =>
    forEachLimited(claims, BUCKETS_IN_FLIGHT, async ([bucket, ofBucket]) => {
      demand(await store.states.settle(bucket, ofBucket.map(settlementOf)), 'settled');
    }),
  );
  const tokens = [...claims.values()].flat().map(({ versionId, token }) => [versionId, token] as const);
  return { claimSeconds, settleSeconds, tokens: new Map(tokens) };
}

function claimOf(versionId: string, observed: bigint | undefined): Claim {
  const claimedMs = Date.now();
  return {
    versionId,
    observed,
    token: nextToken(observed, claimedMs),
    nonce: systemRandom.uuid(),
    holder: `bench/${process.pid}`,
    wanted: WANTED,
    previous: observed === undefined ? undefined : WANTED - 1,
    reason: 'load-above-target',
    claimedMs,
    memo: '{}',
  };
}

function settlementOf({ versionId, token, nonce, wanted, memo }: Claim): Settlement {
  const applied = { applied: wanted, appliedToken: token, outcome: 'applied' as const };
  return { versionId, token, nonce, ...applied, settledMs: Date.now(), memo };
}

function demand(results: readonly { versionId: string; outcome: string }[], outcome: string): void {
  const other = results.find((result) => result.outcome !== outcome);
  if (other) throw new Error(`${other.versionId} ended as ${other.outcome}, not as ${outcome}`);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) / 1000;
}

/** The loops of a real member over the same rows, with load that asks for what is there. */
async function countIdle(
  store: CassandraStore,
  { byBucket, counter }: { byBucket: ReadonlyMap<number, readonly string[]>; counter: StatementCounter },
): Promise<number> {
  const signals = new ScriptedSignals(() => Date.now());
  const controlPlane = new FencedControlPlane();
  for (const [bucket, ids] of byBucket) {
    const rows = ids.map((versionId) => {
      const identity = { versionId, functionId: `function-${versionId}`, account: 'bench' };
      signals.set(versionId, { utilisation: 50, instances: WANTED, calls: 1 });
      signals.discoverable.set(versionId, identity);
      controlPlane.know(identity);
      return { ...identity, bucket, profiles: ['worker-threads'], seenMs: Date.now(), discoveryToken: 0n };
    });
    await store.catalogue.enrol(bucket, rows, { ttlSeconds: 1800 });
  }
  const member = new Autoscaler({
    memberId: `bench/${systemRandom.uuid()}`,
    version: 'bench',
    address: '',
    weight: 1,
    store,
    reader: signals,
    targets: controlPlane,
    actuator: controlPlane,
    clock: systemClock,
    random: systemRandom,
    logger: pino({ level: 'silent' }),
    meters: counter,
    settings: {
      ...SETTINGS,
      scaling: { ...SETTINGS.scaling, intervalMs: 2000 },
      discovery: { ...SETTINGS.discovery, intervalMs: 600_000 },
    },
  });
  const versions = signals.discoverable.size;
  counter.forget();
  member.start();
  try {
    await until(() => counter.decisions('keep') >= IDLE_CYCLES * versions, 60_000);
    const idleLwts = counter.ofVersions();
    // A count that cannot count would be zero too: one version that must change has to show.
    const [busy] = signals.discoverable.keys();
    signals.set(busy ?? '', { utilisation: 95, instances: WANTED, calls: 2 });
    await until(() => counter.ofVersions() > idleLwts, 60_000);
    return idleLwts;
  } finally {
    await member.stop();
  }
}

async function until(condition: () => boolean, timeoutMs: number): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`nothing happened within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const OF_VERSIONS = ['claim', 'settle', 'forget'];

/** Counts the statements that the store reports, and the decisions of the loops. */
class StatementCounter implements Meters {
  readonly #counts = new Map<string, number>();
  readonly #decisions = new Map<unknown, number>();

  add(name: string, value: number, labels: Labels = {}): void {
    if (name !== 'starling_decisions_total') return;
    const { verdict } = labels;
    this.#decisions.set(verdict, (this.#decisions.get(verdict) ?? 0) + value);
  }

  set(): void {}

  decisions(verdict: string): number {
    return this.#decisions.get(verdict) ?? 0;
  }

  record(name: string, _value: number, labels: Labels = {}): void {
    if (name !== 'starling_store_request_seconds') return;
    const key = `${labels['operation']} ${labels['outcome']}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  forget(): void {
    this.#counts.clear();
  }

  ofVersions(): number {
    return this.#sum((operation) => OF_VERSIONS.includes(operation));
  }

  inDoubt(): number {
    return this.#sum((operation, outcome) => OF_VERSIONS.includes(operation) && outcome === 'unknown');
  }

  #sum(isCounted: (operation: string, outcome: string) => boolean): number {
    let sum = 0;
    for (const [key, count] of this.#counts) {
      const [operation = '', outcome = ''] = key.split(' ');
      if (isCounted(operation, outcome)) sum += count;
    }
    return sum;
  }
}

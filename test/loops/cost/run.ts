import { monitorEventLoopDelay } from 'node:perf_hooks';
import pino from 'pino';
import { MemoryStore } from '../../../src/adapters/memory/store.ts';
import { MemoryWorld } from '../../../src/adapters/memory/world.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import type { Part } from '../../../src/domain/part.ts';
import type { Target } from '../../../src/domain/target.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import { Autoscaler } from '../../../src/loops/autoscaler.ts';
import { writeMemo } from '../../../src/loops/scale/memo.ts';
import type { Column, SignalReader } from '../../../src/ports/signal-reader.ts';
import type { TargetSource } from '../../../src/ports/target-source.ts';
import { FRESH_MEMORY } from '../../../src/scaling/memory.ts';
import { placeVersion } from '../../../src/sharding/place.ts';
import type { Meters } from '../../../src/telemetry/meters.ts';
import { silentMeters } from '../../../src/telemetry/meters.ts';
import { SETTINGS } from '../../support/a-fleet.ts';
import { FencedControlPlane } from '../../support/fenced-control-plane.ts';
import { SeededRandom } from '../../support/seeded-random.ts';

/**
 * What one pass costs beside reading and storing: `node --expose-gc test/loops/cost/run.ts [versions] [passes]`. Prints CPU
 * per pass and memory. No test, because machines differ; METERS=otel counts the real meters in.
 */
const [versions = 10_000, passes = 8] = process.argv.slice(2).map(Number);
const PARTS = 8;

const random = new SeededRandom(1);
const fleet = Array.from({ length: versions }, () => random.uuid());
const clock = systemClock;
const world = new MemoryWorld({ clock });
const seeder = new MemoryStore(world, { name: 'seeder' });
for (const versionId of fleet) {
  const bucket = placeVersion(versionId);
  const row = { versionId, functionId: `f-${versionId}`, account: 'a1', bucket, profiles: ['worker-threads'] };
  await seeder.catalogue.enrol(bucket, [{ ...row, seenMs: clock.wallMs(), discoveryToken: 1n }], {
    ttlSeconds: 3_600,
  });
}

/** Every version was acted on once, so that each has a durable row. */
const memo = writeMemo({ memory: { ...FRESH_MEMORY, cycles: 3, wish: 10, wasSighted: true }, lastKnown: undefined });
for (const versionId of fleet) {
  const bucket = placeVersion(versionId);
  world.states.shelf(bucket).set(versionId, {
    bucket,
    versionId,
    token: 1n,
    nonce: random.uuid(),
    phase: 'settled',
    holder: 'somebody',
    wanted: 10,
    previous: 9,
    reason: 'load-above-target',
    claimedMs: clock.wallMs(),
    applied: 10,
    appliedToken: 1n,
    outcome: 'applied',
    settledMs: clock.wallMs(),
    memo,
  });
}

const targets = new Map(
  fleet.map((versionId) => {
    const target: Target = {
      functionId: `f-${versionId}`,
      versionId,
      account: 'a1',
      status: 'ACTIVE',
      instancesMin: 0,
      instancesMax: 100,
      concurrency: 1,
      policy: undefined,
      instancesActive: undefined,
      instancesPending: undefined,
    };
    return [versionId, { state: 'known', target, ageMs: 0 } as const];
  }),
);
const source: TargetSource = {
  refresh: async () => ({ ok: true, detail: '' }),
  get: (versionId) => targets.get(versionId) ?? { state: 'unknown', detail: '' },
};

const hex = [...'0123456789abcdef'];
const parts: Part[] = Array.from({ length: PARTS }, (_, index) => ({
  name: `ids ${index}`,
  buckets: undefined,
  prefixes: hex.slice((index * 16) / PARTS, ((index + 1) * 16) / PARTS),
}));
const texts = new Map(
  parts.map((part) => [
    part.name,
    JSON.stringify(fleet.filter((versionId) => part.prefixes?.includes(versionId[0] ?? ''))),
  ]),
);
let readingMs = 0;
/** Ids come as new strings with each answer, as they do from a parser. */
const column = (part: Part, value: () => number): Column => {
  const beganMs = performance.now();
  const versionIds = JSON.parse(texts.get(part.name) ?? '[]') as string[];
  const values = new Float64Array(versionIds.length).map(value);
  readingMs += performance.now() - beganMs;
  return { state: 'read', isPresent: true, versionIds, values, rejected: [], detail: '' };
};
let calls = 0;
const reader: SignalReader = {
  plan: () => parts,
  read: async (part) => {
    calls += 1;
    return [
      {
        profile: 'worker-threads',
        atMs: clock.wallMs(),
        utilisation: column(part, () => 40 + random.next() * 20),
        demand: undefined,
        instances: column(part, () => 10),
        invocation: column(part, () => calls),
      },
    ];
  },
  backfill: async () => [],
  discover: async (part) => ({ part, state: 'read', versions: [], detail: '' }),
  probe: async () => ({ skewMs: 0, flavour: 'prometheus' }),
};

async function metersOf(kind: string | undefined): Promise<Meters> {
  if (kind !== 'otel') return silentMeters;
  const { startTelemetry } = await import('../../../src/telemetry/start-telemetry.ts');
  const { loadConfig } = await import('../../../src/config/load-config.ts');
  const settings = { ...loadConfig().config.telemetry, logLevel: 'silent' };
  const telemetry = await startTelemetry({ version: '0', memberId: 'm1', settings });
  return telemetry.meters;
}

let breaks = 0;
const meters = await metersOf(process.env['METERS']);
const counting: Meters = {
  ...meters,
  record: (...given) => meters.record(...given),
  set: (...given) => meters.set(...given),
  add: (name, ...rest) => {
    if (name === 'starling_time_breaks_total') breaks += 1;
    meters.add(name, ...rest);
  },
};
const settledBytes = () => {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
};
const store = new MemoryStore(world, { name: 'm1' });
/** Rows come as new objects with strings of their own, as they do from a driver. */
const fresh = (text: string) => Buffer.from(text).toString();
const readStates = store.states.read.bind(store.states);
store.states.read = async (buckets) =>
  (await readStates(buckets)).map((row) => ({
    ...row,
    versionId: fresh(row.versionId),
    nonce: fresh(row.nonce),
    holder: fresh(row.holder),
    reason: fresh(row.reason),
    memo: fresh(row.memo),
  }));
const readCatalogue = store.catalogue.read.bind(store.catalogue);
store.catalogue.read = async (buckets) =>
  (await readCatalogue(buckets)).map((row) => ({
    ...row,
    versionId: fresh(row.versionId),
    functionId: fresh(row.functionId),
    account: fresh(row.account),
    profiles: row.profiles.map(fresh),
  }));
const beforeBytes = settledBytes();
const member = new Autoscaler({
  memberId: 'm1',
  version: 'cost',
  address: '',
  weight: 1,
  store,
  reader,
  targets: source,
  actuator: new FencedControlPlane(),
  clock,
  random: systemRandom,
  logger: pino({ level: 'silent' }),
  meters: counting,
  settings: {
    ...SETTINGS,
    membership: { ...SETTINGS.membership, joinWaitMs: 0 },
    scaling: { ...SETTINGS.scaling, intervalMs: 3_600_000 },
  },
});
const stalls = monitorEventLoopDelay({ resolution: 5 });
stalls.enable();
const longestStallMs = () => {
  const longest = Math.round(stalls.max / 1e6);
  stalls.reset();
  return longest;
};
const startedMs = performance.now();
member.start();
const scaleStatus = () => member.loops().find(({ name }) => name === 'scale');
const idle = async () => {
  do await new Promise((resolve) => setTimeout(resolve, 5));
  while (scaleStatus()?.isRunning);
};
while (member.fleet.size < versions) await idle();
const loadedMs = Math.round(performance.now() - startedMs);
const loadStallMs = longestStallMs();
const pass = async () => {
  const [cpu, beganMs] = [process.cpuUsage(), performance.now()];
  readingMs = 0;
  member.poke('scale');
  await idle();
  const { user, system } = process.cpuUsage(cpu);
  return { cpuMs: (user + system) / 1000 - readingMs, wallMs: performance.now() - beganMs };
};
for (let warm = 0; warm < 3; warm += 1) await pass();
longestStallMs();
const costs: Array<{ cpuMs: number; wallMs: number }> = [];
for (let index = 0; index < passes; index += 1) costs.push(await pass());
const passStallMs = longestStallMs();
const median = (of: (cost: (typeof costs)[number]) => number) =>
  Math.round(costs.map(of).toSorted((a, b) => a - b)[costs.length >> 1] ?? 0);
const heldMb = Math.round((settledBytes() - beforeBytes) / 1e6);
process.stdout.write(
  `${JSON.stringify({
    versions,
    loadedMs,
    loadStallMs,
    passStallMs,
    cpuMs: median(({ cpuMs }) => cpuMs),
    wallMs: median(({ wallMs }) => wallMs),
    heldMb,
    rssMb: Math.round(process.memoryUsage().rss / 1e6),
    breaks,
  })}\n`,
);
process.exit(0);

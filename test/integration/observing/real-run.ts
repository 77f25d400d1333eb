import { AutoscalerRig, FAST } from '../../support/autoscaler-rig.ts';
import { until } from '../../support/member-process.ts';
import { type RunningMember, untilShared } from '../../support/running-member.ts';
import { SqliteLock } from '../../support/sqlite-lock.ts';
import { freePort } from '../../support/timeseries/timeseries-server.ts';

const VERSIONS = 24;
/** Long enough to be seen between two scrapes, and twice what it takes to be thought dead. */
const OUTAGE_MS = 15_000;
const CALM_MS = 20_000;

/** What happened when, for those who look at the pictures. */
export interface Moment {
  readonly what: string;
  readonly atMs: number;
}

export interface RealRun {
  readonly url: string;
  readonly beginMs: number;
  readonly endMs: number;
  readonly moments: readonly Moment[];
  stop(): Promise<void>;
}

/**
 * Three replicas on one store, scraped by a Prometheus: load comes, the store is away, the one that discovers is killed, the
 * control plane refuses, load goes.
 */
export async function realRun(): Promise<RealRun> {
  const ports = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const rig = await AutoscalerRig.start({
    timeseries: 'prometheus',
    scrapeMs: 1_000,
    targets: ports.map((port) => `127.0.0.1:${port}`),
    flags: [...FAST, '--telemetry-per-function', 'all'],
  });
  try {
    return { ...(await story(rig, ports)), url: rig.timeseries.url, stop: () => rig.stop() };
  } catch (error) {
    await rig.stop();
    throw error;
  }
}

async function story(rig: AutoscalerRig, ports: readonly number[]) {
  const beginMs = Date.now();
  const moments: Moment[] = [];
  const note = (what: string) => moments.push({ what, atMs: Date.now() });
  const calm = () => new Promise((resolve) => setTimeout(resolve, CALM_MS));
  const join = (index: number) => rig.join(['--http-metrics', `127.0.0.1:${ports[index]}`]);

  for (let index = 0; index < VERSIONS; index += 1) {
    rig.add({
      versionId: `version-${index}`,
      load: index % 4 === 0 ? 0 : 1.5,
      callsPerSecond: index % 4 === 0 ? 0 : 2,
    });
  }
  rig.fleet.start();
  let members: RunningMember[] = await Promise.all([join(0), join(1), join(2)]);
  await untilShared(members);
  await calm();

  note('load doubles');
  setLoads(rig, 3.5);
  await calm();

  note('the store is away');
  const lock = await SqliteLock.take(rig.storeUrl.replace('sqlite:', ''));
  await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
  await lock.release();
  note('the store is back');
  await calm();

  note('a replica is killed');
  const holder = await until('the duty is held', 30_000, () => heldBy(members));
  holder.process.kill('SIGKILL');
  members = members.filter((member) => member !== holder);
  await untilShared(members);
  await calm();

  note('the control plane refuses');
  rig.controlPlane.faults.inject({ call: 'prediction', fault: { kind: 'status', status: 500 } });
  setLoads(rig, 5);
  await calm();
  rig.controlPlane.faults.clear();
  note('it takes wishes again');
  members.push(await join(3));
  await untilShared(members);
  setLoads(rig, 0.5);
  await calm();
  return { beginMs, endMs: Date.now(), moments };
}

function setLoads(rig: AutoscalerRig, load: number): void {
  for (const { versionId, callsPerSecond } of rig.fleet.versions.values()) {
    if (callsPerSecond > 0) rig.fleet.setLoad(versionId, load);
  }
}

async function heldBy(members: readonly RunningMember[]): Promise<RunningMember | undefined> {
  const held = await Promise.all(members.map((member) => member.metric('starling_duty_held', { duty: 'discovery' })));
  return members.find((_, index) => held[index] === 1);
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FAST } from '../../support/autoscaler-rig.ts';
import { until } from '../../support/member-process.ts';
import { Load } from '../../support/platform/load.ts';
import { isAlive, type MadeFunction, RunningPlatform } from '../../support/platform/running-platform.ts';
import { RunningMember } from '../../support/running-member.ts';
import { startTimeseriesServer, type TimeseriesServer } from '../../support/timeseries/timeseries-server.ts';
import { leftOutWithout } from '../autoscale/left-out.ts';

/** Sleeps as it is told, so that the load is calls under way and not this machine's processor. */
const CODE = 'exports.handler = async ({ ms = 1 }) => { await new Promise((r) => setTimeout(r, ms)); return { ms }; };';
const BOUNDS = { wide: [0, 4], tight: [1, 2], quiet: [0, 3] } as const;
type Name = keyof typeof BOUNDS;
const NAMES = Object.keys(BOUNDS) as Name[];

const POLICY: readonly string[] = [
  ...['--timeseries-profiles', 'platform', '--scaling-step', '5s', '--scaling-look-back', '1m'],
  ...['--policy-target-window', '5s', '--policy-idle-timeout', '6s', '--policy-stabilisation-down', '3s'],
];

/** One story, told in order, with nothing in it that is not real: platform, Prometheus and autoscalers in processes of their own. */
describe.skipIf(await leftOutWithout('prometheus'))('autoscaler, platform and metrics in one loop', () => {
  const folder = mkdtempSync(join(tmpdir(), 'starling-loop-'));
  const made = new Map<Name, MadeFunction>();
  const loads = new Map<Name, Load>();
  /** The most and the fewest instances that were ever seen of each. */
  const most = new Map<Name, number>();
  let platform: RunningPlatform;
  let prometheus: TimeseriesServer;
  let members: RunningMember[] = [];
  let watch: NodeJS.Timeout;

  const idOf = (name: Name) => made.get(name)?.versionId ?? '';
  const counts = async (): Promise<Record<Name, number>> => {
    const instances = await platform.instances();
    const count = (name: Name) =>
      instances.filter(({ versionId, state }) => versionId === idOf(name) && state !== 'terminating').length;
    return { wide: count('wide'), tight: count('tight'), quiet: count('quiet') };
  };
  const wishOf = (name: Name) => platform.metric('starling_platform_wish', { function_version_id: idOf(name) });
  const join_ = () =>
    RunningMember.start([
      ...['--store', `sqlite:${join(folder, 'starling.db')}`, '--timeseries', prometheus.url],
      ...['--control-plane', platform.url, ...FAST, ...POLICY],
    ]);

  beforeAll(async () => {
    platform = await RunningPlatform.start({
      dataDir: join(folder, 'platform'),
      flags: ['--tick', '500ms', '--idle-before-scale-down', '1s'],
    });
    prometheus = await startTimeseriesServer('prometheus', { targets: [new URL(platform.url).host] });
    for (const name of NAMES) {
      const [instancesMin, instancesMax] = BOUNDS[name];
      const pool = { instancesMin, instancesMax };
      made.set(name, await platform.register({ name, runtime: 'node', code: CODE, timeoutMs: 20_000, pool }));
      loads.set(name, new Load(platform, name, { callMs: 100 }));
    }
    watch = setInterval(async () => {
      const seen = await counts().catch(() => undefined);
      for (const name of NAMES) most.set(name, Math.max(most.get(name) ?? 0, seen?.[name] ?? 0));
    }, 200);
    members = await Promise.all([join_(), join_()]);
  });

  afterAll(async () => {
    clearInterval(watch);
    for (const { process } of members) process.kill('SIGKILL');
    await Promise.all([...loads.values()].map((load) => load.stop()));
    await Promise.all(members.map(({ process }) => process.ended));
    platform?.process.kill('SIGKILL');
    await platform?.process.ended;
    await prometheus?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('serves the first call of each function from zero instances', { timeout: 60_000 }, async () => {
    expect((await counts()).wide).toBe(0);
    for (const name of NAMES) {
      const response = await platform.invoke(name, { ms: 5 });
      expect([name, response.status, await response.json()]).toEqual([name, 200, { ms: 5 }]);
    }
  });

  it('discovers the functions, and lowers idle ones to their bounds', { timeout: 120_000 }, async () => {
    await until('the autoscaler has told all that may sleep to sleep', 90_000, async () => {
      return (await wishOf('wide')) === 0 && (await wishOf('quiet')) === 0;
    });
    await until('they sleep', 20_000, async () => {
      const now = await counts();
      return now.wide === 0 && now.quiet === 0 && now.tight === 1;
    });
  });

  it('raises under load, up to the bounds and no further', { timeout: 120_000 }, async () => {
    // At the default share of 0.7: 3 calls under way need 5 instances, 1 needs 2.
    loads.get('wide')?.set(3);
    loads.get('tight')?.set(6);
    loads.get('quiet')?.set(1);
    await until('each has what its load needs, inside its bounds', 60_000, async () => {
      const now = await counts();
      return now.wide === 4 && now.tight === 2 && now.quiet === 2;
    });
    expect(await wishOf('wide')).toBe(4);
    const external = await platform.metric('starling_platform_spawned_total', {
      function_version_id: idOf('wide'),
      source: 'external',
    });
    expect(external, 'the wish started them, not the calls').toBeGreaterThanOrEqual(3);
  });

  it('continues when a replica is killed meanwhile', { timeout: 120_000 }, async () => {
    const [victim, ...others] = members;
    victim?.process.kill('SIGKILL');
    members = others;
    await victim?.process.ended;
    const before = NAMES.map((name) => loads.get(name)?.calls ?? 0);
    loads.get('wide')?.set(1);
    loads.get('quiet')?.set(2);
    await until('the other one follows the load of all functions', 60_000, async () => {
      const now = await counts();
      return now.wide === 2 && now.quiet === 3 && now.tight === 2;
    });
    for (const [index, name] of NAMES.entries()) {
      expect([name, (loads.get(name)?.calls ?? 0) > (before[index] ?? 0)]).toEqual([name, true]);
    }
  });

  it('lowers when the load has ended, to zero if the bounds allow it', { timeout: 120_000 }, async () => {
    await Promise.all([...loads.values()].map((load) => load.stop()));
    await until('everything sleeps that may', 90_000, async () => {
      const now = await counts();
      return now.wide === 0 && now.quiet === 0 && now.tight === 1;
    });
  });

  it('serves the first call from zero again, and gets a wish to keep that instance', { timeout: 60_000 }, async () => {
    const response = await platform.invoke('wide', { ms: 5 });
    expect([response.status, response.headers.get('x-starling-cold')]).toEqual([200, 'true']);
    await until('the wish has followed the call', 30_000, async () => (await wishOf('wide')) === 1);
    expect((await counts()).wide).toBe(1);
  });

  it('left no call unanswered, no bound broken, and no inconsistent number', async () => {
    for (const name of NAMES) expect([name, [...(loads.get(name)?.statuses.keys() ?? [])]]).toEqual([name, [200]]);
    for (const name of NAMES) expect([name, most.get(name)]).toEqual([name, BOUNDS[name][1]]);
    expect(await platform.metric('starling_platform_invariant_breaches_total')).toBe(0);
    expect(await platform.metric('starling_platform_failed_calls_total')).toBeUndefined();
    expect(platform.process.lines.filter(({ event }) => event === 'pool.breach')).toEqual([]);
  });

  it('keeps wishes and tokens across a restart of the platform', { timeout: 60_000 }, async () => {
    clearInterval(watch);
    const wish = await wishOf('tight');
    const pids = (await platform.instances()).map(({ pid }) => pid);
    expect(pids.length).toBeGreaterThan(0);
    expect(await platform.process.stop()).toEqual({ code: 0, signal: null });
    await until('no process of it is left', 5_000, () => pids.every((pid) => !isAlive(pid)));
    platform = await RunningPlatform.start({ dataDir: join(folder, 'platform') });
    expect(await wishOf('tight')).toBe(wish);
    const response = await platform.invoke('quiet', { ms: 5 });
    expect(response.status).toBe(200);
    const path = `/v2/nvcf/accounts/local/predictions/functions/${made.get('wide')?.functionId}/versions/${idOf('wide')}`;
    const stale = await fetch(`${platform.url}${path}`, {
      method: 'PUT',
      headers: { 'Fencing-Token': '1' },
      body: JSON.stringify({ requiredNumberOfInstances: 3 }),
    });
    expect(stale.status).toBe(409);
  });
});

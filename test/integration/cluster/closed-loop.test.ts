import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scalerOf } from '../../support/kubernetes/cluster-hand.ts';
import { ClusterRig } from '../../support/kubernetes/cluster-rig.ts';
import { describeWithTools } from '../../support/kubernetes/describe-with-tools.ts';
import { until } from '../../support/member-process.ts';
import { starling } from '../../support/run-starling.ts';
import { type RunningMember, untilShared } from '../../support/running-member.ts';
import { leftOutWithout } from '../autoscale/left-out.ts';

const LOAD = 2.5;
/** At the default target of 0.7 running calls per instance. */
const WANTED = 4;
/** Nothing but the load's own fading stands between silence and zero. */
const QUICK = {
  'starling.dev/policy':
    '{kind: target, target: 0.7, windowSeconds: 0, stabilisationDownSeconds: 0, idleTimeoutSeconds: 5}',
};
const SCALERS = '/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers';

const isLeftOut = await leftOutWithout('prometheus');

describeWithTools('cluster', 'the whole loop on Kubernetes', () => {
  describe('and Prometheus', { skip: isLeftOut }, story);
});

/** Told in order. Each step waits for a state; how long that takes is nobody's claim here. */
function story(): void {
  let rig: ClusterRig;
  let members: RunningMember[];
  beforeAll(async () => {
    rig = await ClusterRig.start();
    rig.fleet.start();
    members = [await rig.join()];
  });
  afterAll(() => rig?.stop());

  const marks = async (name: string) => {
    const { metadata, spec } = await rig.workload(name);
    const { annotations = {} } = metadata;
    return {
      replicas: spec.replicas,
      token: BigInt(annotations['starling.dev/fencing-token'] ?? -1),
      wanted: Number(annotations['starling.dev/wanted']),
    };
  };
  const call = (versionId: string, load: number, callsPerSecond: number) => {
    rig.fleet.setLoad(versionId, load);
    const version = rig.fleet.versions.get(versionId);
    if (version) version.callsPerSecond = callsPerSecond;
  };
  const untilReady = (versionId: string, count: number) =>
    until(`${count} Pods of ${versionId}`, 90_000, () => rig.ready(versionId) >= count);
  const latest = async (versionId: string) => {
    const views = await Promise.all(members.map((member) => member.versions()));
    return views.flat().find((each) => each.versionId === versionId && each.latest)?.latest;
  };
  const untilReason = (versionId: string, reason: string) =>
    until(`${versionId}: ${reason}`, 60_000, async () => (await latest(versionId))?.reasons.includes(reason));
  /** What a person is told who asks why. */
  const untilExplained = (versionId: string, sentence: string) =>
    until(`${versionId} is explained`, 60_000, async () => {
      const { stdout } = await starling(['explain', versionId, ...rig.flags()]);
      return stdout.includes(sentence);
    });
  const least = (name: string, from: number) => Math.min(...rig.statesOf(name, from).map(({ replicas }) => replicas));

  it('raises a Deployment whose function is called, writes its token on it, and Pods follow', {
    timeout: 120_000,
  }, async () => {
    await rig.deploy({ name: 'busy', versionId: 'v-busy', annotations: QUICK });
    rig.call({ versionId: 'v-busy', load: LOAD, callsPerSecond: 2 });
    await untilReady('v-busy', WANTED);
    const { replicas, token, wanted } = await marks('busy');
    expect(wanted).toBe(replicas);
    expect(token).toBeGreaterThan(0n);
  });

  it('lowers it without load, to zero without calls, and starts it again on a call', {
    timeout: 240_000,
  }, async () => {
    const before = await marks('busy');
    const from = rig.stored.length;
    call('v-busy', 0, 0);
    await until('none', 180_000, () => rig.replicas('busy') === 0 && rig.ready('v-busy') === 0);
    expect((await marks('busy')).token).toBeGreaterThan(before.token);
    const counts = rig.statesOf('busy', from).map(({ replicas }) => replicas);
    // A raise for the load before may still have come in between.
    const falling = counts.slice(counts.lastIndexOf(Math.max(...counts)));
    expect(falling, 'it only falls').toEqual(falling.toSorted((a, b) => b - a));
    call('v-busy', 0, 2);
    await untilReady('v-busy', 1);
  });

  it('reports a version without a workload, and scales it as soon as there is one', { timeout: 180_000 }, async () => {
    rig.call({ versionId: 'v-lost', load: LOAD, callsPerSecond: 2 });
    await untilReason('v-lost', 'gone');
    await untilExplained(
      'v-lost',
      'no Deployment or StatefulSet has the label starling.dev/function-version v-lost; put it on the one that runs this version',
    );
    await rig.deploy({ name: 'found', kind: 'StatefulSet', versionId: 'v-lost', annotations: QUICK });
    await untilReady('v-lost', WANTED);
  });

  it('does not scale a workload that a HorizontalPodAutoscaler scales, says so, and claims nothing for it', {
    timeout: 180_000,
  }, async () => {
    await rig.deploy({ name: 'shared', versionId: 'v-shared', annotations: QUICK });
    rig.call({ versionId: 'v-shared', load: 1, callsPerSecond: 2 });
    await untilReady('v-shared', 2);
    await rig.hand.must('POST', SCALERS, scalerOf('theirs', { name: 'shared', namespace: 'shop' }));
    await untilReason('v-shared', 'barred');
    // What was claimed before is settled by then.
    await members[0]?.cycles(1);
    const look = async () => {
      const { token, wanted } = await marks('shared');
      return { token, wanted, row: (await members[0]?.version('v-shared'))?.state };
    };
    const before = await look();
    expect(before.row).toMatchObject({ applied: before.wanted });
    call('v-shared', 4 * LOAD, 2);
    await members[0]?.cycles(5);
    expect(await look()).toEqual(before);
    await untilExplained(
      'v-shared',
      "Deployment shop/shared is scaled by HorizontalPodAutoscaler shop/theirs, and two would undo each other's work: delete that, or take the label starling.dev/function-version off",
    );
    await rig.hand.must('DELETE', `${SCALERS}/theirs`);
    await until('it is scaled again', 60_000, async () => (rig.replicas('shared') ?? 0) > before.wanted);
  });

  it('names the right that was removed, changes nothing, and continues when it is back', {
    timeout: 180_000,
  }, async () => {
    const giveBack = rig.takeRights();
    call('v-shared', 8 * LOAD, 2);
    await untilExplained('v-shared', 'give this account the right to patch deployments in namespace shop');
    const before = await marks('shared');
    await members[0]?.cycles(3);
    expect(await marks('shared')).toEqual(before);
    giveBack();
    await until('it is scaled again', 120_000, () => rig.ready('v-shared') > before.replicas);
  });

  it('continues when one of two replicas is killed', { timeout: 180_000 }, async () => {
    members.push(await rig.join());
    await untilShared(members);
    const owner = (await members[0]?.versions())?.find(({ versionId }) => versionId === 'v-busy')?.owner;
    const victim = members.find(({ memberId }) => memberId === owner);
    if (!victim) throw new Error(`nobody owns it: ${owner}`);
    victim.process.kill('SIGKILL');
    call('v-busy', LOAD, 2);
    members = members.filter((member) => member !== victim);
    await untilReady('v-busy', WANTED);
  });

  it('lowers nothing when the metrics of the workers are gone', { timeout: 120_000 }, async () => {
    const from = rig.stored.length;
    const busy = rig.fleet.versions.get('v-busy');
    if (!busy) throw new Error('there is no such version');
    busy.isScraped = false;
    await until('their load is missed', 60_000, async () => {
      const reasons = (await latest('v-busy'))?.reasons ?? [];
      return reasons.some((reason) => ['no-samples', 'stale-samples'].includes(reason));
    });
    await members[0]?.cycles(3);
    expect(least('busy', from)).toBeGreaterThanOrEqual(WANTED);
    busy.isScraped = true;
  });

  it('survives an outage of the API server: nothing is lowered or remembered as done, and scaling resumes', {
    timeout: 240_000,
  }, async () => {
    const [member] = members;
    if (!member) throw new Error('there is no replica');
    const before = await marks('busy');
    expect(before.replicas).toBeGreaterThanOrEqual(WANTED);
    const from = rig.stored.length;
    const mend = await rig.plane.breakApi();
    call('v-busy', 3 * LOAD, 2);
    await until('a wish has failed', 60_000, async () => {
      const { state } = await member.version('v-busy');
      // One that was under way when it died is in doubt, and stays so until another is answered.
      const hasFailed = state?.outcome === 'failed' || state?.outcome === 'unknown';
      return hasFailed && state.applied === rig.replicas('busy');
    });
    const detail = await until('health says so', 60_000, async () => {
      const { body } = await member.health('/health');
      const { components } = body as { components: Record<string, { state: string; detail: string }> };
      return components['control-plane']?.state === 'down' && components['control-plane'].detail;
    });
    expect(detail).toContain(new URL(rig.plane.url).host);
    for (const path of ['/livez', '/readyz']) expect((await member.health(path)).status, path).toBe(200);
    await member.cycles(3);
    await mend();
    await until('it grows', 120_000, () => (rig.replicas('busy') ?? 0) > before.replicas);
    expect(least('busy', from)).toBeGreaterThanOrEqual(WANTED);
    expect((await marks('busy')).token).toBeGreaterThan(before.token);
    await untilReady('v-busy', before.replicas + 1);
  });

  it('never let a token go back', () => {
    for (const name of ['busy', 'found', 'shared']) {
      const tokens = rig.statesOf(name).flatMap(({ token }) => (token === undefined ? [] : [token]));
      expect(tokens.length, name).toBeGreaterThan(0);
      expect(tokens, name).toEqual(tokens.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
    }
  });
}

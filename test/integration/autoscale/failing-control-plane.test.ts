import { describe, expect, it, type TestContext } from 'vitest';
import { AutoscalerRig, FAST, type RigOptions } from '../../support/autoscaler-rig.ts';
import { until } from '../../support/member-process.ts';
import { untilShared } from '../../support/running-member.ts';
import { leftOutWithout } from './left-out.ts';
import { expectOrderlyWrites, loweredWrites } from './writes.ts';

const LOAD = 2.5;
/** At the default target of 0.7 running calls per instance. */
const WANTED = 4;
const NOT_OURS = /answered 200: not with JSON; is its URL right\?/;

/** All at once: each has parts of its own, and most of its time is waiting. */
describe('a control plane that fails', { skip: await leftOutWithout('prometheus'), concurrent: true }, () => {
  async function start({ onTestFinished }: TestContext, options: Partial<RigOptions> = {}) {
    const rig = await AutoscalerRig.start({ timeseries: 'prometheus', scrapeMs: 1_000, flags: FAST, ...options });
    onTestFinished(() => rig.stop());
    const { controlPlane } = rig;
    return {
      rig,
      controlPlane,
      active: (versionId: string) => controlPlane.fleet.find(versionId)?.active ?? 0,
      /** Status of every wish for the version, oldest first. */
      wishes: (versionId: string) =>
        controlPlane.seen
          .filter(({ call, url }) => call === 'prediction' && url.endsWith(`/versions/${versionId}`))
          .map((request) => ({ status: request.status(), token: request.headers['fencing-token'] })),
    };
  }

  it('gets a start from zero again after a 503, and the failed wish is not remembered as done', {
    timeout: 90_000,
  }, async (context) => {
    const { rig, controlPlane, active, wishes } = await start(context);
    rig.add({ versionId: 'cold', instances: 0, load: LOAD, callsPerSecond: 2 });
    const heal = controlPlane.faults.inject({ call: 'prediction', fault: { kind: 'status', status: 503 } });
    rig.fleet.start();
    const member = await rig.join();
    await until('it is asked a second time', 60_000, () => wishes('cold').length >= 2);
    const { state } = await member.version('cold');
    expect(state).toMatchObject({ applied: null, outcome: 'failed' });
    expect(active('cold')).toBe(0);
    heal();
    await until('the start succeeds', 30_000, () => active('cold') >= 1);
    await until('and it grows from there', 30_000, () => active('cold') >= WANTED);
    const tokens = wishes('cold').map(({ token }) => token);
    expect(new Set(tokens).size).toBe(tokens.length);
    expectOrderlyWrites(controlPlane);
  });

  it('can refuse credentials and revoke tokens, and every version is scaled again afterwards', {
    timeout: 120_000,
  }, async (context) => {
    const auth = { clientId: 'starling', clientSecret: 'a-secret-of-the-test' };
    const { rig, controlPlane, active } = await start(context, {
      controlPlane: { auth },
      environment: { STARLING_CONTROL_PLANE_AUTH_CLIENT_SECRET: auth.clientSecret },
    });
    rig.add({ versionId: 'busy', load: LOAD, callsPerSecond: 2 });
    rig.fleet.start();
    const tokenUrl = `${controlPlane.url}/oauth2/token`;
    const member = await rig.join([
      ...['--control-plane-auth-kind', 'oauth2', '--control-plane-auth-client-id', auth.clientId],
      ...['--control-plane-auth-token-url', tokenUrl],
    ]);
    await until('it works', 30_000, () => active('busy') >= WANTED);

    let load = LOAD;
    const grows = async (after: string) => {
      const before = active('busy');
      load += 2.5;
      rig.fleet.setLoad('busy', load);
      await until(`it works again after ${after}`, 60_000, () => active('busy') > before);
    };
    const struck = (status: number) => controlPlane.seen.filter((request) => request.status() === status).length;
    for (const status of [401, 403]) {
      const before = struck(status);
      controlPlane.faults.inject({ call: 'prediction', fault: { kind: 'status', status }, times: 1 });
      controlPlane.faults.inject({ call: 'scaling-targets', fault: { kind: 'status', status }, times: 1 });
      await grows(`one answer ${status}`);
      expect(struck(status)).toBeGreaterThan(before);
    }
    const before = struck(403);
    controlPlane.faults.inject({ fault: { kind: 'status', status: 403 } });
    rig.fleet.setLoad('busy', load + 1.5);
    await until('it was refused again and again', 60_000, () => struck(403) >= before + 5);
    controlPlane.faults.clear();
    await grows('being refused everything');
    const issued = controlPlane.issuer.issued;
    controlPlane.faults.inject({ call: 'token', fault: { kind: 'status', status: 500 }, times: 1 });
    controlPlane.issuer.revokeAll();
    await grows('every token was taken back');
    expect(controlPlane.issuer.issued).toBeGreaterThan(issued);
    expect((await member.health('/livez')).status).toBe(200);
    expect(member.process.stderr + JSON.stringify(member.process.lines)).not.toContain(auth.clientSecret);
  });

  it('is reported in health and log when it is another kind of server, and nothing is remembered as done', {
    timeout: 90_000,
  }, async (context) => {
    const { rig, controlPlane, active } = await start(context);
    rig.add({ versionId: 'busy', load: LOAD, callsPerSecond: 2 });
    controlPlane.faults.inject({ fault: { kind: 'html', status: 200 } });
    rig.fleet.start();
    const member = await rig.join();
    const detail = await until('health says so', 30_000, async () => {
      const { body } = await member.health('/health');
      const { components } = body as { components: Record<string, { state: string; detail: string }> };
      return components['control-plane']?.state === 'down' && components['control-plane'].detail;
    });
    expect(detail).toMatch(NOT_OURS);
    expect((await member.health('/readyz')).status).toBe(200);
    const [told, ...again] = member.events('targets.stale');
    expect(told?.['detail']).toMatch(NOT_OURS);
    expect(again).toEqual([]);
    controlPlane.faults.clear();
    await until('the right one is back', 60_000, () => active('busy') >= WANTED);
  });

  it('keeps the newer count when a replica is suspended during a wish and resumes later', {
    timeout: 120_000,
  }, async (context) => {
    const { rig, controlPlane, active, wishes } = await start(context);
    rig.add({ versionId: 'busy', load: LOAD, callsPerSecond: 2 });
    rig.fleet.start();
    const members = await Promise.all([rig.join(), rig.join()]);
    await untilShared(members);
    await until('it runs as it should', 60_000, () => active('busy') >= WANTED);
    await members[0]?.cycles(3);

    const owner = (await members[0]?.versions())?.find(({ versionId }) => versionId === 'busy')?.owner;
    const frozen = members.find(({ memberId }) => memberId === owner);
    if (!frozen) throw new Error('nobody owns it');
    const before = new Map([['busy', active('busy')]]);
    const writesBefore = controlPlane.fleet.history.length;
    const wishesBefore = wishes('busy').length;
    // Long enough for the others to notice; it is on its way all that time.
    controlPlane.faults.inject({
      call: 'prediction',
      versionId: 'busy',
      fault: { kind: 'delay', delayMs: 14_000 },
      times: 1,
    });
    rig.fleet.setLoad('busy', 2 * LOAD);
    await until('the wish is on its way', 30_000, () => wishes('busy').length > wishesBefore);
    // At once: after its deadline it would ask again.
    frozen.process.kill('SIGSTOP');
    const late = String(wishes('busy').at(-1)?.token);
    rig.fleet.setLoad('busy', 4 * LOAD);
    await until('another has taken over', 30_000, () => active('busy') > (before.get('busy') ?? 0));
    const ofLate = () => controlPlane.fleet.history.filter(({ token }) => token === late);
    await until('the late wish arrives', 30_000, () => ofLate().length > 0);
    expect(ofLate().map(({ outcome }) => outcome)).toEqual(['stale']);

    const standing = active('busy');
    frozen.process.kill('SIGCONT');
    await frozen.process.event('time.broke');
    await untilShared(members);
    await Promise.all(members.map((member) => member.cycles(3)));
    expect(active('busy')).toBeGreaterThanOrEqual(standing);
    expect(loweredWrites(controlPlane.fleet.history.slice(writesBefore), before)).toEqual([]);
    expect(ofLate().map(({ outcome }) => outcome)).toEqual(['stale']);
    expectOrderlyWrites(controlPlane);
  });
});

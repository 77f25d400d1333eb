import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, type TestContext } from 'vitest';
import { AutoscalerRig, FAST } from '../../support/autoscaler-rig.ts';
import { HttpFront } from '../../support/http-front.ts';
import { until } from '../../support/member-process.ts';
import type { RunningMember } from '../../support/running-member.ts';
import { leftOutWithout } from './left-out.ts';
import { expectOrderlyWrites, loweredWrites } from './writes.ts';

const SHIPPED_PROFILES = fileURLToPath(new URL('../../../config/profiles/', import.meta.url));
const LOAD = 2.5;
/** At the default target of 0.7 running calls per instance. */
const WANTED = 4;

/** Whatever may be lowered is lowered within seconds, so that what is not has a reason. */
const EAGER: readonly string[] = [
  ...['--policy-stabilisation-down', '0s', '--policy-idle-timeout', '4s', '--policy-target-window', '5s'],
  ...['--scaling-step', '5s', '--scaling-look-back', '1m'],
];

/** All at once: each has parts of its own, and most of its time is waiting. */
describe('signals that fail', { skip: await leftOutWithout('prometheus'), concurrent: true }, () => {
  async function start({ onTestFinished }: TestContext, flags: readonly string[] = []): Promise<AutoscalerRig> {
    const rig = await AutoscalerRig.start({ timeseries: 'prometheus', scrapeMs: 1_000, flags: [...FAST, ...flags] });
    onTestFinished(() => rig.stop());
    return rig;
  }

  /** Something before the time-series store of the rig. */
  async function front({ onTestFinished }: TestContext, rig: AutoscalerRig): Promise<HttpFront> {
    const made = new HttpFront(rig.timeseries.url);
    await made.start();
    onTestFinished(() => made.stop());
    return made;
  }

  /** The shipped profile, changed by `edit`, in a directory of the rig. */
  function ownProfiles(rig: AutoscalerRig, edit: (yaml: string) => string): string[] {
    const directory = join(rig.directory, 'profiles');
    mkdirSync(directory, { recursive: true });
    const shipped = readFileSync(join(SHIPPED_PROFILES, 'worker-threads.yaml'), 'utf8');
    const edited = edit(shipped);
    expect(edited).not.toBe(shipped);
    writeFileSync(join(directory, 'worker-threads.yaml'), edited);
    return ['--timeseries-profiles-dir', directory, '--timeseries-profiles', 'worker-threads'];
  }

  async function reasonsOf(member: RunningMember, versionId: string): Promise<string[]> {
    const found = (await member.versions()).find((version) => version.versionId === versionId);
    return found?.latest?.reasons ?? [];
  }

  it('lower nothing when they vanish, while versions whose load really falls are lowered', {
    timeout: 120_000,
  }, async (context) => {
    const rig = await start(context, EAGER);
    const active = (versionId: string) => rig.controlPlane.fleet.find(versionId)?.active ?? 0;
    const steady = Array.from({ length: 24 }, (_, index) => `steady-${index}`);
    // The same lives, told by a scrape that works and by one that does not.
    const unseen = ['unseen-loaded', 'unseen-falling', 'unseen-idle'];
    for (const versionId of [...steady, ...unseen, 'falling', 'idle'])
      rig.add({ versionId, instances: WANTED, load: LOAD, callsPerSecond: 3 });
    rig.fleet.start();
    const member = await rig.join(
      ownProfiles(rig, (yaml) => yaml.replace(/^freshSeconds: 60 .*$/m, 'freshSeconds: 5')),
    );
    await until('all are judged by their load', 60_000, async () => {
      const seen = await member.versions();
      return seen.length === rig.fleet.versions.size && seen.every(({ latest }) => latest?.verdict === 'keep');
    });

    const counts = new Map([...rig.fleet.versions.keys()].map((versionId) => [versionId, active(versionId)]));
    for (const versionId of unseen) scrape(versionId, false);
    for (const versionId of ['falling', 'unseen-falling']) rig.fleet.setLoad(versionId, 0.5);
    for (const versionId of ['idle', 'unseen-idle']) {
      rig.fleet.setLoad(versionId, 0);
      const version = rig.fleet.versions.get(versionId);
      if (version) version.callsPerSecond = 0;
    }
    await until('the one that is seen to fall is lowered', 60_000, () => active('falling') < WANTED);
    await until('the one that is seen to be idle goes to zero', 60_000, () => active('idle') === 0);
    await until('the others are known to be unseen', 60_000, async () =>
      (await Promise.all(unseen.map((versionId) => reasonsOf(member, versionId)))).every((reasons) =>
        reasons.includes('no-samples'),
      ),
    );
    await member.cycles(5);
    for (const versionId of unseen) expect(active(versionId), versionId).toBe(counts.get(versionId));

    // Now the scrape of all workers is gone, as after a broken deployment of the agent.
    const writesBefore = rig.controlPlane.fleet.history.length;
    for (const { versionId, instances } of rig.fleet.versions.values()) counts.set(versionId, instances);
    for (const versionId of rig.fleet.versions.keys()) scrape(versionId, false);
    await until('everything is unseen', 60_000, async () => {
      const seen = await member.versions();
      return seen.every(({ latest }) => latest?.wanted === 0 || latest?.reasons.includes('no-samples'));
    });
    await until('the fleet is frozen', 30_000, async () => (await member.status()).freeze.isFrozen);
    await member.cycles(5);
    expect(loweredWrites(rig.controlPlane.fleet.history.slice(writesBefore), counts)).toEqual([]);

    function scrape(versionId: string, isScraped: boolean): void {
      const version = rig.fleet.versions.get(versionId);
      if (version) version.isScraped = isScraped;
    }
  });

  it('leave every count as it is when the store refuses, fails or is another server, and scaling resumes by itself', {
    timeout: 120_000,
  }, async (context) => {
    const rig = await start(context, EAGER);
    const gateway = await front(context, rig);
    const active = () => rig.controlPlane.fleet.find('busy')?.active ?? 0;
    rig.add({ versionId: 'busy', load: LOAD, callsPerSecond: 3 });
    rig.fleet.start();
    const member = await rig.join(['--timeseries', gateway.url, '--timeseries-breaker-open-for', '1s']);
    await until('it works', 30_000, () => active() >= WANTED);

    const writes = () => rig.controlPlane.fleet.history;
    let load = LOAD;
    for (const [what, answer, times] of [
      ['one 401', { status: 401 }, 1],
      ['one 403', { status: 403, body: 'no such scope' }, 1],
      ['a minute of 401', { status: 401 }, 40],
      ['an outage', { status: 503, body: 'upstream connect error' }, 60],
      ['HTML', { status: 200, body: '<h1>It works!</h1>', contentType: 'text/html' }, 40],
    ] as const) {
      const before = active();
      const [writesBefore, answeredBefore] = [writes().length, gateway.answered];
      gateway.answer(answer, { times });
      // Were the silence taken for idleness, this would be the moment to go to zero.
      await until(`${what} has struck`, 60_000, () => gateway.answered > answeredBefore);
      if (times > 1) await member.cycles(3);
      expect(loweredWrites(writes().slice(writesBefore), new Map([['busy', before]]))).toEqual([]);
      gateway.pass();
      load += 2.5;
      rig.fleet.setLoad('busy', load);
      await until(`it works again after ${what}`, 60_000, () => active() > before);
      expect((await member.health('/livez')).status).toBe(200);
    }
    expectOrderlyWrites(rig.controlPlane);
  });

  it('are reported with the words of the store and the file and line, when the store refuses the PromQL', {
    timeout: 60_000,
  }, async (context) => {
    const rig = await start(context);
    rig.add({ versionId: 'busy', load: LOAD, callsPerSecond: 3 });
    rig.fleet.start();
    const member = await rig.join(
      ownProfiles(rig, (yaml) => yaml.replace('promql: sum by ({{by}}) (rate(', 'promql: sum by ({{by}}) (raet(')),
    );
    const told = await member.process.event('signals.failed', 30_000);
    expect(told['detail']).toMatch(/worker-threads\.yaml:\d+: query "busy" of the profile worker-threads: .*raet/);
    await member.cycles(3);
    expect(member.events('signals.failed').length).toBe(1);
    expect(rig.controlPlane.fleet.history).toEqual([]);
    expect((await member.health('/livez')).status).toBe(200);
  });

  it('lead to no decision, with the reason, when the clock of the store is an hour off', {
    timeout: 60_000,
  }, async (context) => {
    const rig = await start(context);
    const gateway = await front(context, rig);
    gateway.rewrite((body, url) =>
      url.includes('query=time()') ? body.replace(/\d{10}\.\d+/g, (now) => String(Number(now) + 3_600)) : body,
    );
    rig.add({ versionId: 'busy', load: LOAD, callsPerSecond: 3 });
    rig.fleet.start();
    const member = await rig.join(['--timeseries', gateway.url]);
    await until('it is told', 30_000, async () => (await reasonsOf(member, 'busy')).includes('clock-skew'));
    await member.cycles(3);
    expect(rig.controlPlane.fleet.history).toEqual([]);
  });
});

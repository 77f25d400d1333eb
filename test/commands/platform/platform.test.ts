import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DIALECTS } from '../../../src/wiring/platform-dialects.ts';
import { until } from '../../support/member-process.ts';
import { isAlive, RunningPlatform } from '../../support/platform/running-platform.ts';
import { StarlingProcess, starling } from '../../support/run-starling.ts';

const SLEEPY =
  'exports.handler = async ({ ms = 0 }) => { await new Promise((r) => setTimeout(r, ms)); return process.pid; };';

describe('starling platform', () => {
  const folders: string[] = [];
  const running: RunningPlatform[] = [];
  let taken: Server;
  let takenPort: number;

  const folder = () => {
    const made = mkdtempSync(join(tmpdir(), 'starling-platform-'));
    folders.push(made);
    return made;
  };
  const start = async (...flags: string[]) => {
    const platform = await RunningPlatform.start({ dataDir: join(folder(), 'data'), flags });
    running.push(platform);
    return platform;
  };
  const refusal = async (...args: string[]) => {
    const { code, stderr, stdout } = await starling(['platform', ...args]);
    return { code, stderr, stdout };
  };

  beforeAll(async () => {
    taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    takenPort = (taken.address() as AddressInfo).port;
  });
  afterEach(async () => {
    for (const { process } of running) process.kill('SIGKILL');
    await Promise.all(running.splice(0).map(({ process }) => process.ended));
  });
  afterAll(() => {
    taken.close();
    for (const each of folders) rmSync(each, { recursive: true, force: true });
  });

  it('ends with 2 and says what to do when it cannot start', { timeout: 60_000 }, async () => {
    const at = ['--data-dir', folder()];
    expect(await refusal(...at, '--native', `127.0.0.1:${takenPort}`)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/the port is taken/),
    });
    expect(await refusal(...at, '--native', 'here')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/must be host:port/),
    });
    expect(await refusal(...at, '--allowed-host', 'http://here')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/must be a name without a port/),
    });
    expect(await refusal(...at, '--log-level', 'loud')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/"loud" is no log level/),
    });
    expect(await refusal('--data-dir', '/proc/1/nowhere', '--native', '127.0.0.1:0')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/where this user may write/),
    });
    expect(await refusal(...at, '--grace', 'long')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/a duration with its unit/),
    });
    expect((await refusal(...at, '--nativ', 'off')).code).toBe(2);
  });

  it('refuses a data folder on which another platform runs', { timeout: 60_000 }, async () => {
    const dataDir = join(folder(), 'data');
    running.push(await RunningPlatform.start({ dataDir }));
    expect(await refusal('--data-dir', dataDir, '--native', '127.0.0.1:0')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/another platform runs on this data folder/),
    });
  });

  it('keeps its folder to itself', async () => {
    const dataDir = join(folder(), 'deep', 'data');
    running.push(await RunningPlatform.start({ dataDir }));
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  });

  it('shows people one screen of what listens where', { timeout: 60_000 }, async () => {
    const dataDir = join(folder(), 'data');
    const process = new StarlingProcess([
      ...['platform', '--data-dir', dataDir, '--native', '127.0.0.1:0', '--log-format', 'pretty'],
      ...DIALECTS.flatMap(({ name }) => [`--${name}`, '127.0.0.1:0']),
    ]);
    await until('the screen is there', 20_000, () => process.stdout.includes('Ctrl-C stops it.'));
    const url = /API +(http:\S+)\/v1\/functions/.exec(process.stdout)?.[1] ?? '';
    expect((await fetch(`${url}/health`)).status).toBe(200);
    for (const { name } of DIALECTS) {
      const shown = new RegExp(`${name} +(http:\\S+)`).exec(process.stdout)?.[1] ?? '';
      expect((await fetch(`${shown}/health`)).status).toBe(200);
    }
    expect(process.stdout.split('\n').length).toBeLessThan(20);
    process.child.kill('SIGINT');
    expect((await process.ended).code).toBe(0);
  });

  it('lets calls under way end when it is stopped, takes no new ones, and leaves no process', {
    timeout: 60_000,
  }, async () => {
    const platform = await start();
    await platform.register({ name: 'sleepy', runtime: 'node', code: SLEEPY });
    const warm = await platform.invoke('sleepy', {});
    const pid = Number(await warm.text());
    expect(isAlive(pid)).toBe(true);
    const underWay = platform.invoke('sleepy', { ms: 700 });
    await until('it runs', 5_000, async () => (await platform.metric('starling_platform_calls_running')) === 1);
    platform.process.kill('SIGTERM');
    const askedMs = Date.now();
    await platform.process.event('platform.stopping');
    const late = await platform.invoke('sleepy', {}).then(
      (response) => response.status,
      () => 0,
    );
    expect([0, 503]).toContain(late);
    const answer = await underWay;
    expect([answer.status, Number(await answer.text())]).toEqual([200, pid]);
    expect(await platform.process.ended).toEqual({ code: 0, signal: null });
    // As long as the call took, and not the whole grace, though the caller keeps its connection.
    expect(Date.now() - askedMs).toBeLessThan(5_000);
    expect(isAlive(pid)).toBe(false);
  });

  it('kills what does not end within its grace', { timeout: 60_000 }, async () => {
    const platform = await start('--grace', '300ms');
    await platform.register({ name: 'sleepy', runtime: 'node', code: SLEEPY });
    const pid = Number(await (await platform.invoke('sleepy', {})).text());
    const endless = platform.invoke('sleepy', { ms: 25_000 }).then(
      (response) => response.status,
      () => 0,
    );
    await until('it runs', 5_000, async () => (await platform.metric('starling_platform_calls_running')) === 1);
    const askedMs = Date.now();
    expect(await platform.process.stop()).toEqual({ code: 0, signal: null });
    expect(Date.now() - askedMs).toBeLessThan(8_000);
    expect([0, 502, 503]).toContain(await endless);
    expect(isAlive(pid)).toBe(false);
  });

  it('takes its instances with it however it ends', { timeout: 60_000 }, async () => {
    const platform = await start();
    await platform.register({ name: 'sleepy', runtime: 'node', code: SLEEPY });
    const pid = Number(await (await platform.invoke('sleepy', {})).text());
    platform.process.kill('SIGKILL');
    await platform.process.ended;
    await until('the instance has ended', 5_000, () => !isAlive(pid));
  });

  it('brings floors back after a restart', { timeout: 60_000 }, async () => {
    const dataDir = join(folder(), 'data');
    const before = await RunningPlatform.start({ dataDir });
    await before.register({ name: 'floor', runtime: 'node', code: SLEEPY, pool: { instancesMin: 1 } });
    await until('it is there', 10_000, async () => (await before.instances()).some(({ state }) => state === 'warm'));
    await before.process.stop();
    const after = await RunningPlatform.start({ dataDir });
    running.push(after);
    await until('it is back', 10_000, async () => (await after.instances()).some(({ state }) => state === 'warm'));
  });
});

import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ControlPlaneDouble } from '../support/control-plane/control-plane-double.ts';
import type { LogLine } from '../support/member-process.ts';
import { StarlingProcess } from '../support/run-starling.ts';
import { emptyPrometheus, ScriptedStore } from '../support/timeseries/scripted-store.ts';

// Each of these is a process of its own, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

let timeseries: ScriptedStore;
let controlPlane: ControlPlaneDouble;
const silent: Server[] = [];

beforeEach(async () => {
  timeseries = new ScriptedStore();
  await timeseries.start();
  timeseries.answer = emptyPrometheus();
  controlPlane = new ControlPlaneDouble();
  await controlPlane.start();
});

afterEach(async () => {
  for (const server of silent.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await timeseries.stop();
  await controlPlane.stop();
});

/** On any ports, with everything in memory. */
function autoscale(more: readonly string[] = [], nodeFlags: readonly string[] = []): StarlingProcess {
  const places = ['--store', 'memory:', '--timeseries', timeseries.url, '--control-plane', controlPlane.url];
  const listeners = ['--http-admin', '127.0.0.1:0', '--http-health', '127.0.0.1:0', '--http-metrics', '127.0.0.1:0'];
  return new StarlingProcess(['autoscale', ...places, ...listeners, '--log-format', 'json', ...more], { nodeFlags });
}

function lines({ stdout }: { stdout: string }): LogLine[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogLine);
}

async function event(process: StarlingProcess, name: string): Promise<LogLine> {
  await process.says(new RegExp(`"event":"${name.replaceAll('.', '\\.')}".*\n`));
  const found = lines({ stdout: process.stdout.replace(/[^\n]*$/, '') }).find((line) => line.event === name);
  if (!found) throw new Error(`no ${name}`);
  return found;
}

async function silentServer(): Promise<string> {
  const server = createServer(() => {});
  silent.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Throws where nobody catches it, when it is told to. */
function saboteur(deed: string): string[] {
  return ['--import', `data:text/javascript,process.on('SIGUSR2', () => { ${encodeURIComponent(deed)} })`];
}

describe('starling autoscale', () => {
  it('stops on SIGTERM with 0, and logs each step as an event', async () => {
    const process = autoscale();
    await event(process, 'service.started');
    process.child.kill('SIGTERM');
    const ended = await process.ended;
    expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(lines(ended).map(({ event }) => event)).toEqual(
      expect.arrayContaining([
        'service.starting',
        'dependency.up',
        'service.started',
        'service.stopping',
        'service.stopped',
      ]),
    );
  });

  it('is alive and not ready while it waits, says for what, and stops from there with 0', async () => {
    const process = autoscale(['--timeseries', 'http://127.0.0.1:1']);
    const { health } = await event(process, 'service.starting');
    await event(process, 'dependency.down');
    expect((await fetch(`http://${health}/livez`)).status).toBe(200);
    const ready = await fetch(`http://${health}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({
      status: 'waiting',
      awaiting: [{ name: 'timeseries', detail: expect.stringContaining('ECONNREFUSED') }],
    });
    process.child.kill('SIGTERM');
    expect(await process.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  it('names a token file that is not there before it waits for anything', async () => {
    const process = autoscale(['--timeseries', 'http://127.0.0.1:1', '--http-admin-token-file', '/nowhere/token']);
    expect(await process.ended).toMatchObject({ code: 2, stderr: expect.stringContaining('/nowhere/token') });
  });

  it('does not wait for an answer that hangs when it is stopped', async () => {
    const process = autoscale(['--timeseries', await silentServer(), '--timeseries-timeout', '14s']);
    await event(process, 'service.starting');
    await expect.poll(() => silent[0]?.listening).toBe(true);
    const sentMs = performance.now();
    process.child.kill('SIGINT');
    expect(await process.ended).toMatchObject({ code: 0, stderr: '' });
    expect(performance.now() - sentMs).toBeLessThan(6_000);
  });

  it('takes one Ctrl-C that comes twice, as under npx, for one', async () => {
    const process = autoscale();
    await event(process, 'service.started');
    process.child.kill('SIGINT');
    process.child.kill('SIGTERM');
    expect(await process.ended).toMatchObject({ code: 0, signal: null });
  });

  it('is not held by a collector that hangs, and ends at once on a second signal', async () => {
    const otlp = ['--telemetry-otlp-endpoint', await silentServer()];
    const patient = autoscale(otlp);
    await event(patient, 'service.started');
    patient.child.kill('SIGTERM');
    expect(await patient.ended).toMatchObject({ code: 0, signal: null });

    const hurried = autoscale(otlp);
    const { health } = await event(hurried, 'service.starting');
    await event(hurried, 'service.started');
    // A request that never comes to its end holds the probe server for its grace as well.
    const [host = '', port = ''] = String(health).split(':');
    const held = connect(Number(port), host, () => held.write('GET /livez HTTP/1.1\r\n'));
    held.on('error', () => {});
    await event(hurried, 'service.started');
    hurried.child.kill('SIGTERM');
    await event(hurried, 'service.stopping');
    await new Promise((resolve) => setTimeout(resolve, 400));
    hurried.child.kill('SIGTERM');
    expect(await hurried.ended).toMatchObject({ code: 130, signal: null });
    held.destroy();
  });

  it.each([
    ['an exception', "throw new Error('a bug token=' + ['can', 'ary'].join(''))"],
    ['a rejection', "Promise.reject(new Error('a bug token=' + ['can', 'ary'].join('')))"],
  ])('ends with 1 and a fatal line with the stack after %s that nobody caught', async (_, deed) => {
    const process = autoscale([], saboteur(deed));
    await event(process, 'service.started');
    process.child.kill('SIGUSR2');
    const ended = await process.ended;
    expect(ended).toMatchObject({ code: 1, signal: null, stderr: '' });
    expect(lines(ended).at(-1)).toMatchObject({
      level: 'fatal',
      event: 'service.crashed',
      err: { message: expect.stringContaining('a bug'), stack: expect.stringContaining('at ') },
    });
    expect(ended.stdout).not.toContain('canary');
  });

  it('goes on when its log is no longer read', async () => {
    const process = autoscale(['--scaling-interval', '1s', '--timeseries-timeout', '1s', '--discovery-interval', '1s']);
    const { health } = await event(process, 'service.starting');
    await event(process, 'service.started');
    process.child.stdout?.destroy();
    const cyclesBefore = timeseries.requests.length;
    await expect.poll(() => timeseries.requests.length, { timeout: 30_000 }).toBeGreaterThan(cyclesBefore + 2);
    expect((await fetch(`http://${health}/livez`)).status).toBe(200);
    process.child.kill('SIGTERM');
    expect(await process.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  it('says in one message that a port is taken, with 2', async () => {
    const taken = new URL(await silentServer()).host;
    const ended = await autoscale(['--http-health', taken]).ended;
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(/^cannot listen on 127\.0\.0\.1:\d+ for probes: the port is taken/);
  });

  it.each([
    [['--timeseries-profiles', 'nonsense'], /no such profile; there are control-plane/],
    [
      ['--timeseries-auth-kind', 'bearer', '--timeseries-auth-token-file', '/nowhere/token'],
      /\/nowhere\/token cannot be/,
    ],
  ])('says what keeps it from starting, with 2: %j', async (flags, says) => {
    const ended = await autoscale(flags).ended;
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(says);
  });

  it('waits for a file that cannot be made, since that can be fixed meanwhile', async () => {
    const process = autoscale(['--store', 'sqlite:/proc/nowhere/file.sqlite']);
    expect(await event(process, 'dependency.down')).toMatchObject({ dependency: 'store' });
    process.child.kill('SIGTERM');
    expect(await process.ended).toMatchObject({ code: 0, stderr: '' });
  });
});

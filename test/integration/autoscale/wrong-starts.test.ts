import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { AutoscalerRig, FAST } from '../../support/autoscaler-rig.ts';
import { HttpFront } from '../../support/http-front.ts';
import { MemberProcess, until } from '../../support/member-process.ts';
import { ANY_PORT, askHealth } from '../../support/running-member.ts';
import { SqliteLock } from '../../support/sqlite-lock.ts';
import { freePort } from '../../support/timeseries/timeseries-server.ts';
import { leftOutWithout } from './left-out.ts';

/** The promise is 2 s, of a machine that does nothing else. */
const ENDS_WITHIN_MS = 4_000;

describe('a start that goes wrong', { skip: await leftOutWithout('prometheus') }, () => {
  const ends: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  function spawn(flags: readonly string[]): MemberProcess {
    const process = new MemberProcess(['autoscale', ...ANY_PORT, ...flags]);
    ends.push(async () => {
      process.kill('SIGKILL');
      await process.ended;
    });
    return process;
  }

  /** With everything that it needs. */
  async function start() {
    const rig = await AutoscalerRig.start({ timeseries: 'prometheus', scrapeMs: 1_000, flags: FAST });
    ends.push(() => rig.stop());
    const process = spawn(rig.flags());
    await process.event('service.started');
    return { rig, process };
  }

  function storeAt(port: number): string[] {
    return ['--store', `cassandra://127.0.0.1:${port}/starling?dc=datacenter1`];
  }

  /** Accepts connections and says nothing, as a host behind a broken load balancer does. */
  async function silentPort(): Promise<number> {
    const server: Server = createServer((socket) => socket.on('error', () => {}));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ends.push(async () => server.close());
    const address = server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  async function healthOf(process: MemberProcess): Promise<string> {
    return String((await process.event('service.starting'))['health']);
  }

  async function endsSoon(process: MemberProcess, signal: NodeJS.Signals) {
    const sentMs = Date.now();
    process.kill(signal);
    const ended = await process.ended;
    expect(Date.now() - sentMs).toBeLessThan(ENDS_WITHIN_MS);
    return ended;
  }

  it.each([
    ['where no port is open', freePort],
    ['where the port never answers', silentPort],
  ])(
    'without a store, %s, waits alive and not ready, says for what, and can be stopped',
    {
      timeout: 60_000,
    },
    async (_, portOf) => {
      const port = await portOf();
      const process = spawn([...storeAt(port), '--store-cassandra-connect-timeout', '500ms']);
      const health = await healthOf(process);
      const awaiting = await until('it says what it waits for', 30_000, async () => {
        const { status, body } = await askHealth(health, '/readyz');
        expect(status).toBe(503);
        const [first] = body['awaiting'] as { name: string; detail: string }[];
        return first?.detail !== 'not asked so far' && first;
      });
      expect(awaiting.name).toBe('store');
      expect(awaiting.detail).toContain(`127.0.0.1:${port}`);
      expect((await askHealth(health, '/livez')).status).toBe(200);
      expect(await endsSoon(process, 'SIGTERM')).toEqual({ code: 0, signal: null });
      expect(process.stderr).toBe('');
    },
  );

  it('before the time-series store is up continues by itself once the store answers', { timeout: 60_000 }, async () => {
    const rig = await AutoscalerRig.start({ timeseries: 'prometheus', scrapeMs: 1_000, flags: FAST });
    ends.push(() => rig.stop());
    const front = new HttpFront(rig.timeseries.url);
    await front.start();
    ends.push(() => front.stop());
    front.answer({ status: 503, body: 'starting up' });
    rig.add({ versionId: 'busy', load: 2.5, callsPerSecond: 2 });
    rig.fleet.start();
    const joining = rig.join(['--timeseries', front.url]);
    await until('it has asked twice', 30_000, () => front.answered >= 2);
    front.pass();
    const member = await joining;
    expect((await member.health('/readyz')).status).toBe(200);
    await until('it does its work', 30_000, () => (rig.controlPlane.fleet.find('busy')?.active ?? 0) > 1);
  });

  it('can be interrupted by Ctrl-C at any moment', { timeout: 60_000 }, async () => {
    const store = storeAt(await silentPort());
    // While Node loads, while it begins, and while it waits.
    for (const afterMs of [0, 50, 150, 300]) {
      const process = spawn(store);
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      const { code, signal } = await endsSoon(process, 'SIGINT');
      expect(signal === 'SIGINT' || code === 0, `${afterMs} ms: ${code} ${signal}`).toBe(true);
    }
    const process = spawn(storeAt(await freePort()));
    await process.event('dependency.down');
    expect(await endsSoon(process, 'SIGINT')).toEqual({ code: 0, signal: null });
  });

  it('ends at once on a second signal while the first waits for a hanging store', { timeout: 60_000 }, async () => {
    const { rig, process } = await start();
    const lock = await SqliteLock.take(rig.storeUrl.replace('sqlite:', ''));
    ends.push(() => lock.release());
    process.kill('SIGTERM');
    await process.event('service.stopping');
    // Two that come together are one: a terminal sends Ctrl-C to npx and to us.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const sentMs = Date.now();
    process.kill('SIGTERM');
    expect(await process.ended).toEqual({ code: 130, signal: null });
    expect(Date.now() - sentMs).toBeLessThan(1_000);
  });

  it('ends within eight seconds even if the stop waits for a missing store', {
    timeout: 60_000,
  }, async () => {
    const { rig, process } = await start();
    const lock = await SqliteLock.take(rig.storeUrl.replace('sqlite:', ''));
    ends.push(() => lock.release());
    const sentMs = Date.now();
    process.kill('SIGTERM');
    const { signal } = await process.ended;
    expect(signal).toBeNull();
    expect(Date.now() - sentMs).toBeLessThan(9_000);
  });
});

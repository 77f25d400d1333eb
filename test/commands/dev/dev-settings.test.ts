import { describe, expect, it } from 'vitest';
import { DevSettings } from '../../../src/commands/dev/dev-settings.ts';
import { CONSOLE_PORT, PORT_MAX, portPlan } from '../../../src/commands/dev/port-plan.ts';

const PLACES = {
  storeFile: '/data/starling.db',
  platformUrl: 'http://127.0.0.1:8090',
  metricsStoreUrl: 'http://127.0.0.1:9090',
};

describe('the settings of dev', () => {
  it('put the parts together, quickly', () => {
    const settings = new DevSettings({});
    expect(settings.embedded).toEqual({ platform: true, metricsStore: true, store: true });
    const { config } = settings.load(PLACES);
    expect(config.storeTarget).toEqual({ kind: 'sqlite', path: '/data/starling.db' });
    expect(config.timeseries).toMatchObject({
      url: PLACES.metricsStoreUrl,
      scrapeIntervalMs: 1000,
      profiles: ['platform'],
    });
    expect(config.scaling.intervalMs).toBeLessThanOrEqual(5000);
    expect(config.http.health).toBeUndefined();
  });

  it('keep options that were given', () => {
    const settings = new DevSettings({ flags: { 'scaling-interval': '5s' }, set: ['policy.idleTimeout=3m'] });
    const { config } = settings.load(PLACES);
    expect([config.scaling.intervalMs, config.policy.idleTimeoutMs]).toEqual([5000, 180_000]);
  });

  it.each([
    [{ store: 'cassandra://c1/starling' }, 'store'],
    [{ timeseries: 'http://prometheus:9090' }, 'metricsStore'],
    [{ 'control-plane': 'http://plane:1' }, 'platform'],
  ] as const)('leave out what is named: %j', (flags, part) => {
    const settings = new DevSettings({ flags });
    expect(settings.embedded).toEqual({ platform: true, metricsStore: true, store: true, [part]: false });
    const loaded = settings.load(PLACES);
    expect([loaded.config.store.url, loaded.config.timeseries.url, loaded.config.controlPlane.url]).toContain(
      Object.values(flags)[0],
    );
    // A store of somebody else is scraped as it is scraped.
    expect(loaded.config.scaling.intervalMs).toBe(part === 'metricsStore' ? 15_000 : 2000);
  });

  it('hand everything that was said on to each replica, below its own port', () => {
    const settings = new DevSettings({
      flags: { 'scaling-interval': '5s' },
      set: ['policy.idleTimeout=3m'],
    });
    expect(settings.argsOf({ file: '/data/dev.yaml', port: 4711 })).toEqual([
      ...['--config', '/data/dev.yaml', '--set', 'policy.idleTimeout=3m', '--scaling-interval=5s'],
      ...['--http-admin=127.0.0.1:4711', '--member-address=http://127.0.0.1:4711'],
    ]);
  });

  it('lead other commands to the store that was named, as a shell takes it', () => {
    const settings = new DevSettings({
      flags: { store: 'cassandra://c1/starling?dc=one', 'scaling-interval': '5s', 'store-cassandra-user': "o'neill" },
      set: ['policy.idleTimeout=3m', 'store.cassandra.connectTimeout=3s'],
    });
    expect(settings.storeArgs).toEqual([
      ...['--set', 'store.cassandra.connectTimeout=3s'],
      ...["--store='cassandra://c1/starling?dc=one'", "--store-cassandra-user='o'\\''neill'"],
    ]);
    expect(new DevSettings({}).storeArgs).toEqual([]);
  });

  it('read the environment too', () => {
    expect(new DevSettings({ env: { STARLING_STORE_URL: 'memory:' } }).embedded.store).toBe(false);
  });

  it('refuse an address that each replica must have for itself', () => {
    expect(() => new DevSettings({ flags: { 'http-admin': '127.0.0.1:1' } })).toThrow(/--port chooses the address/);
  });
});

describe('the ports', () => {
  it('are those of the parts alone unless they are moved, together', () => {
    expect(portPlan(CONSOLE_PORT)).toEqual({ console: 8080, platform: 8090, metricsStore: 9090 });
    expect(portPlan(0)).toEqual({ console: 0, platform: 0, metricsStore: 0 });
    expect(portPlan(PORT_MAX).metricsStore).toBe(65_535);
  });
});

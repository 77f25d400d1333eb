import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProfileReading } from '../../../src/ports/signal-reader.ts';
import { until } from '../../support/member-process.ts';
import { Load } from '../../support/platform/load.ts';
import { RunningPlatform } from '../../support/platform/running-platform.ts';
import { leftOutWithout } from '../autoscale/left-out.ts';
import { AStore, EVERYTHING, valuesOf } from '../timeseries/a-store.ts';

const CODE = 'exports.handler = async ({ ms = 1 }) => { await new Promise((r) => setTimeout(r, ms)); return { ms }; };';
const PROFILES = ['worker-threads', 'control-plane', 'platform'];
/** One profile rates over eight scrapes, and a scrape every second. */
const SETTLED_MS = 11_000;

describe.skipIf(await leftOutWithout('prometheus'))(
  'the shipped profiles, with a real Prometheus that scrapes the platform',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'starling-profiles-'));
    let platform: RunningPlatform;
    let store: AStore;
    let load: Load;
    let busy = '';
    let asleep = '';
    const readings = new Map<string, ProfileReading>();

    const read = async (names: readonly string[]) => {
      const reader = await store.reader({ names, scrapeIntervalSeconds: 1, atMs: Date.now() });
      return reader.read(EVERYTHING, {});
    };

    beforeAll(async () => {
      platform = await RunningPlatform.start({ dataDir: join(folder, 'platform') });
      store = await AStore.start('prometheus', { targets: [new URL(platform.url).host] });
      const pool = { instancesMax: 2 };
      busy = (await platform.register({ name: 'busy', runtime: 'node', code: CODE, pool, prewarm: 2 })).versionId;
      asleep = (await platform.register({ name: 'asleep', runtime: 'node', code: CODE })).versionId;
      load = new Load(platform, 'busy', { callMs: 200 });
      await until('the platform is scraped', 20_000, async () => {
        const [reading] = await read(['platform']);
        return valuesOf(reading?.instances)[busy] !== undefined;
      });
      // Two run and one waits, always.
      load.set(3);
      await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
      for (const reading of await read(PROFILES)) readings.set(reading.profile, reading);
    });
    afterAll(async () => {
      await load?.stop();
      await platform?.process.stop();
      await store?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    /** Within a tenth: the load begins between two scrapes. */
    const near = (value: number) => expect.closeTo(value, -Math.log10(value / 5));

    it('worker-threads: sees busy threads, and no waiting callers', () => {
      const reading = readings.get('worker-threads');
      expect(valuesOf(reading?.instances)).toEqual({ [busy]: 2 });
      expect(valuesOf(reading?.demand)).toEqual({ [busy]: near(2) });
      expect(valuesOf(reading?.utilisation)).toEqual({ [busy]: near(100) });
    });

    it.each(['control-plane', 'platform'])('%s: sees waiting callers, and functions without instances', (name) => {
      const reading = readings.get(name);
      expect(valuesOf(reading?.instances)).toEqual({ [busy]: 2, [asleep]: 0 });
      expect(valuesOf(reading?.demand)).toEqual({ [busy]: near(3), [asleep]: 0 });
      expect(valuesOf(reading?.utilisation)[busy]).toEqual(near(150));
    });

    it.each(PROFILES)('%s: finds the call counters before the first call', (name) => {
      const calls = valuesOf(readings.get(name)?.invocation);
      expect(calls[asleep]).toBe(0);
      expect(calls[busy]).toBeGreaterThan(20);
    });

    it.each(PROFILES)('%s: has no refused or ambiguous query', (name) => {
      const reading = readings.get(name);
      for (const column of [reading?.utilisation, reading?.demand, reading?.instances, reading?.invocation]) {
        expect(column).toMatchObject({ state: 'read', isPresent: true, rejected: [] });
      }
    });

    it('discovers versions with instances', async () => {
      const reader = await store.reader({ names: PROFILES, scrapeIntervalSeconds: 1, atMs: Date.now() });
      const { versions, state } = await reader.discover(EVERYTHING, {});
      expect(state).toBe('read');
      expect(versions.find(({ versionId }) => versionId === busy)).toMatchObject({ account: 'local' });
    });
  },
);

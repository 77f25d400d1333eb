import { spawnSync } from 'node:child_process';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load-config.ts';
import { CATALOGUE, type MetricEntry } from '../../../src/telemetry/catalogue.ts';
import type { Meters } from '../../../src/telemetry/meters.ts';
import { startTelemetry } from '../../../src/telemetry/start-telemetry.ts';

const isHere = spawnSync('promtool', ['--version']).status === 0;

describe.skipIf(!isHere)(
  'promtool check metrics (left out if promtool, of the prometheus package, is missing)',
  async () => {
    const telemetry = await startTelemetry({
      version: '0.0.0',
      memberId: 'm',
      settings: { ...loadConfig().config.telemetry, perFunction: 'all' },
    });
    afterAll(() => telemetry.shutdown());

    it('finds no fault in a page with every metric', async () => {
      // By name from the catalogue itself, so that no metric can be forgotten here.
      const meters = telemetry.meters as unknown as Record<
        'add' | 'record' | 'set',
        (name: string, value: number, labels: Record<string, string>) => void
      >;
      const verbs: Record<MetricEntry['kind'], keyof Meters> = { counter: 'add', histogram: 'record', gauge: 'set' };
      for (const { name, kind, labels } of CATALOGUE as readonly MetricEntry[]) {
        meters[verbs[kind]](name, 1, Object.fromEntries(labels.map((label) => [label, 'odd "value"\n\\ ümlaut'])));
      }
      telemetry.setFunctionSeries(() => [
        {
          functionId: 'f"1',
          versionId: 'v\n1',
          wanted: 1,
          actual: 1,
          instancesMin: 0,
          instancesMax: 2,
          utilisation: 1,
          isPaused: false,
          decision: { verdict: 'raise', reason: 'load-above-target' },
          activity: 0,
        },
      ]);
      const page = await telemetry.render();
      for (const { name } of CATALOGUE) expect(page).toContain(`# TYPE ${name} `);
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: page, encoding: 'utf8' });
      expect(`${stdout}${stderr}`).toBe('');
      expect(status).toBe(0);
    });
  },
);

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CATALOGUE, type MetricEntry } from '../../src/telemetry/catalogue.ts';
import { PEER_ALIASES } from '../../src/telemetry/peer-names.ts';
import { metricsPage } from './metrics-page.ts';

const page = fileURLToPath(new URL('../../docs/metrics.md', import.meta.url));
const source = fileURLToPath(new URL('../../src/', import.meta.url));
const entries: readonly MetricEntry[] = CATALOGUE;

describe('the catalogue', () => {
  it('names every metric once', () => {
    const names = entries.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  for (const { name, kind, unit, labels, help, boundaries } of entries) {
    it(`follows the naming rules of Prometheus: ${name}`, () => {
      expect(name).toMatch(/^(starling|process)_[a-z0-9_]*[a-z0-9]$/);
      expect(name.endsWith('_total')).toBe(kind === 'counter');
      expect(name).not.toMatch(/_(bucket|sum|count|milliseconds|percent)$/);
      if (unit === 's') expect(name).toContain('seconds');
      if (unit === 'By') expect(name).toContain('bytes');
      expect(kind === 'histogram').toBe(boundaries !== undefined);
      expect(boundaries ?? []).toEqual([...(boundaries ?? [])].sort((a, b) => a - b));
      for (const label of labels) expect(label).toMatch(/^(?!le$|quantile$|function|version_id|account)[a-z_]+$/);
      expect(help).toMatch(/[.)]$/);
    });
  }

  it('lists only metrics that the code records', () => {
    const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && !file.endsWith('catalogue.ts') && !file.endsWith('peer-names.ts'),
    );
    const text = files.map((file) => readFileSync(`${source}${file}`, 'utf8')).join('\n');
    expect(entries.map(({ name }) => name).filter((name) => !text.includes(`'${name}'`))).toEqual([]);
  });

  it('has every metric that also has a name of the NVCF autoscaler', () => {
    const names = new Set(entries.map(({ name }) => name));
    for (const { of } of PEER_ALIASES) expect(names).toContain(of);
  });
});

describe('docs/metrics.md', () => {
  it('is up to date; WRITE_DOCS=1 writes it', () => {
    if (process.env['WRITE_DOCS']) writeFileSync(page, metricsPage());
    expect(readFileSync(page, 'utf8')).toBe(metricsPage());
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { whyNoCassandra } from '../../support/cassandra/cassandra-jars.ts';
import { STORE_KINDS, timeseriesAvailability } from '../../support/timeseries/timeseries-server.ts';

const MAIN = path.join(import.meta.dirname, '..', '..', '..', 'bench', 'main.ts');
const hasStores = (await Promise.all(STORE_KINDS.map(timeseriesAvailability))).every(({ available }) => available);
const hasCassandra = (await whyNoCassandra()) === undefined;

/** Runs the small form to its end; what it prints on stdout is one object and nothing else. */
async function quick(name: string): Promise<Record<string, unknown>> {
  const child = spawn(process.execPath, [MAIN, name, '--quick', '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [code] = await once(child, 'close');
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** What others read by these names; the small forms' values say nothing. */
describe('the small forms of the benchmarks', { timeout: 240_000 }, () => {
  it.skipIf(!hasStores)('reading', async () => {
    const told = await quick('reading');
    expect(told).toMatchObject({ benchmark: 'reading', machine: expect.any(Object), software: expect.any(Object) });
    expect(told).toMatchObject({ versions: 1_000, store: 'prometheus' });
    expectNumbers(told, [
      'requestsPerCycle',
      'storeCpuSecondsPerCycle',
      'perVersionStoreCpuSecondsPerCycle',
      'storeCpuRatio',
      'replicaCpuSecondsPerCycle',
      'cycleWallSeconds',
      'cycleWallSecondsAt20ms',
      'rssMb',
    ]);
    // Not a time: what a cycle costs in requests is the same on any machine.
    expect(told['requestsPerCycle']).toBeLessThanOrEqual(24);
  });

  it.skipIf(!hasCassandra)('coordination', async () => {
    const told = await quick('coordination');
    expectNumbers(told, ['nodes', 'versions', 'claimSeconds', 'settleSeconds', 'writeTimeouts', 'idleLwts']);
    expect(told).toMatchObject({ writeTimeouts: 0, idleLwts: 0 });
  });

  it.skipIf(!hasStores)('takeover', async () => {
    const told = await quick('takeover');
    expectNumbers(told, ['kills', 'stops']);
    expectNumbers(told['killSeconds'], ['median', 'max']);
    expectNumbers(told['stopSeconds'], ['median', 'max']);
  });

  it.skipIf(!hasStores)('reaction', async () => {
    const told = await quick('reaction');
    expectNumbers(told, ['steps', 'floorSeconds']);
    expectNumbers(told['seconds'], ['median', 'max']);
  });
});

function expectNumbers(told: unknown, names: readonly string[]): void {
  for (const name of names) {
    expect(told, name).toHaveProperty(name);
    expect(Number.isFinite((told as Record<string, unknown>)[name]), name).toBe(true);
  }
}

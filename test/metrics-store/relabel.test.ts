import { describe, expect, it } from 'vitest';
import { bucketRules, type RelabelRule, relabel } from '../../src/metrics-store/scrape/relabel.ts';
import { labelEntries, labelsOf } from '../../src/metrics-store/storage/labels.ts';
import { hashmod } from '../support/timeseries/fleet.ts';

function relabelled(labels: Record<string, string>, rules: readonly RelabelRule[]): Record<string, string> | undefined {
  const result = relabel(labelsOf(Object.entries(labels)), rules);
  return result && Object.fromEntries(labelEntries(result));
}

describe('relabelling', () => {
  it('gives the bucket that Prometheus would give, and only to series of a version', () => {
    const rules = bucketRules({ label: 'autoscaler_bucket', of: 'function_version_id', modulus: 1024 });
    for (const id of ['a', '0b6f5a0e-1f7e-4f0e-8a51-6ad5c8c5c6de', 'été']) {
      expect(relabelled({ function_version_id: id }, rules)).toEqual({
        function_version_id: id,
        autoscaler_bucket: String(hashmod(id, 1024)),
      });
    }
    expect(relabelled({ job: 'other' }, rules)).toEqual({ job: 'other' });
  });

  it('keeps, drops, replaces and thins out', () => {
    const labels = { __name__: 'm', env: 'prod', zone: 'a1' };
    const from = (sourceLabels: string[]) => ({ sourceLabels });
    expect(relabelled(labels, [{ action: 'drop', ...from(['env', 'zone']), regex: 'prod;a.' }])).toBeUndefined();
    expect(relabelled(labels, [{ action: 'keep', ...from(['env']), regex: 'test' }])).toBeUndefined();
    expect(relabelled(labels, [{ action: 'keep', ...from(['env']), regex: 'pro.' }])).toEqual(labels);
    expect(relabelled(labels, [{ action: 'labeldrop', regex: 'e.*' }])).toEqual({ __name__: 'm', zone: 'a1' });
    expect(relabelled(labels, [{ action: 'labelkeep', regex: '__name__' }])).toEqual({ __name__: 'm' });
    expect(
      relabelled(labels, [
        { action: 'replace', ...from(['zone']), regex: '(.)(.)', targetLabel: 'zone', replacement: '$2-$1' },
      ]),
    ).toEqual({ ...labels, zone: '1-a' });
  });
});

import { expect, it } from 'vitest';
import type { ActiveVersion } from '../../src/domain/active-version.ts';
import { KnownVersions } from '../../src/loops/known-versions.ts';

const version = (versionId: string, bucket = 1): ActiveVersion => ({
  versionId,
  functionId: `function of ${versionId}`,
  account: 'a1',
  bucket,
  profiles: ['worker-threads'],
  seenMs: 5,
  discoveryToken: 1n,
});

it('knows a version as it was written last', () => {
  const known = new KnownVersions();
  known.set(version('v1'), 100);
  known.set({ ...version('v1', 7), profiles: ['a', 'b'] }, 200);
  expect(known.size).toBe(1);
  expect(known.get('v1')).toEqual({
    versionId: 'v1',
    functionId: 'function of v1',
    account: 'a1',
    bucket: 7,
    profiles: ['a', 'b'],
    writtenMs: 200,
  });
  expect(known.get('v2')).toBeUndefined();
});

it('drops those written too long ago, and gives nothing of them to those that come in their place', () => {
  const known = new KnownVersions();
  for (let index = 0; index < 1_000; index += 1) known.set(version(`v${index}`, index), index);
  known.dropOlder(600);
  expect([...known.all()].map(({ writtenMs }) => writtenMs)).toEqual(Array.from({ length: 400 }, (_, at) => 600 + at));
  for (let index = 0; index < 700; index += 1) known.set({ ...version(`w${index}`, index), profiles: [] }, 5_000);
  expect(known.size).toBe(1_100);
  for (const { versionId, functionId, bucket, profiles } of known.all()) {
    expect(functionId).toBe(`function of ${versionId}`);
    expect(bucket).toBe(Number(versionId.slice(1)));
    expect(profiles).toEqual(versionId.startsWith('w') ? [] : ['worker-threads']);
  }
});

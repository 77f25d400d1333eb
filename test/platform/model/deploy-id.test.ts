import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { deployIdOf } from '../../../src/platform/model/deploy-id.ts';
import type { LaunchSettings } from '../../../src/platform/model/function-record.ts';

const sha = (text: string) => createHash('sha256').update(text).digest('hex');

const launch: LaunchSettings = {
  runtime: 'node24',
  handler: 'index.handler',
  timeoutMs: 3_000,
  memoryMb: 128,
  environment: { A: '1', B: '2' },
  concurrency: 1,
};

describe('the deploy id', () => {
  it('B8, B9 is safe in addresses and labels for 2,000 seeds, with and without layers', () => {
    const ids = new Set<string>();
    for (let seed = 0; seed < 2_000; seed++) {
      const codeHash = sha(`code ${seed}`);
      for (const layers of [[], [sha(`layer ${seed}`)]]) {
        const id = deployIdOf({ codeHash, layers, launch });
        expect(id).toMatch(/^[A-Za-z0-9_-]{43}$/);
        ids.add(id);
      }
    }
    expect(ids.size).toBe(4_000);
  });

  it('B10 is the same for the same inputs, and another for other code, a missing layer, another order of layers', () => {
    const [a, b] = [sha('a'), sha('b')];
    const id = deployIdOf({ codeHash: sha('code'), layers: [a, b], launch });
    expect(deployIdOf({ codeHash: sha('code'), layers: [a, b], launch: { ...launch } })).toBe(id);
    expect(deployIdOf({ codeHash: sha('other'), layers: [a, b], launch })).not.toBe(id);
    expect(deployIdOf({ codeHash: sha('code'), layers: [a], launch })).not.toBe(id);
    expect(deployIdOf({ codeHash: sha('code'), layers: [b, a], launch })).not.toBe(id);
  });

  it('B48 covers every launch setting', () => {
    const id = deployIdOf({ codeHash: sha('code'), launch });
    const others: LaunchSettings[] = [
      { ...launch, runtime: 'python3' },
      { ...launch, handler: 'index.other' },
      { ...launch, timeoutMs: 3_001 },
      { ...launch, memoryMb: 129 },
      { ...launch, environment: { A: '1', B: '3' } },
      { ...launch, environment: { A: '1' } },
      { ...launch, concurrency: 2 },
    ];
    expect(new Set([id, ...others.map((other) => deployIdOf({ codeHash: sha('code'), launch: other }))]).size).toBe(
      others.length + 1,
    );
  });

  it('does not look at the order of the variables', () => {
    const turned = { ...launch, environment: { B: '2', A: '1' } };
    expect(deployIdOf({ codeHash: 'c', launch: turned })).toBe(deployIdOf({ codeHash: 'c', launch }));
  });
});

import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePprof } from '../../../src/platform/profiling/pprof.ts';
import { PROFILE_KINDS } from '../../../src/platform/profiling/profile-type.ts';
import { StackProfile, type StackSample } from '../../../src/platform/profiling/stack-profile.ts';
import { readPprof } from './read-pprof.ts';

const write = (samples: Iterable<StackSample>) =>
  readPprof(
    gzipSync(
      encodePprof({
        ...PROFILE_KINDS.cpu,
        period: 10_000_000,
        startedMs: 1_795_274_584_146,
        durationMs: 1_234.5,
        samples,
      }),
    ),
  );

const frame = fc.record({ name: fc.string(), file: fc.string(), line: fc.nat() });
const sample = fc.record({
  frames: fc.array(frame, { maxLength: 6 }),
  labels: fc.dictionary(fc.stringMatching(/^[a-z]+$/), fc.string(), { maxKeys: 3 }),
  values: fc.tuple(fc.nat(), fc.maxSafeNat()),
});

describe('a pprof file', () => {
  it('says what was measured, when, and for how long', () => {
    expect(write([])).toEqual({
      kinds: ['samples/count', 'cpu/nanoseconds'],
      periodKind: 'cpu/nanoseconds',
      period: 10_000_000,
      timeNanos: 1_795_274_584_146_000_000n,
      durationNanos: 1_234_500_000,
      samples: [],
    });
  });

  it('survives numbers that nobody could have measured', () => {
    const values = [Number.POSITIVE_INFINITY, Number.NaN, -5, 1.4e300, 2.6];
    expect(
      write([{ frames: [{ name: 'f', file: '', line: 1e300 }], labels: {}, values: values.slice(0, 2) }]),
    ).toMatchObject({ samples: [{ stack: [`f :${Number.MAX_SAFE_INTEGER}`], values: [Number.MAX_SAFE_INTEGER, 0] }] });
    expect(write([{ frames: [], labels: {}, values: [values[2]!, values[4]!] }]).samples[0]?.values).toEqual([0, 3]);
  });

  it('holds every stack, label and value that was written', () => {
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 20 }), (samples) => {
        expect(write(samples).samples.map(({ stack, values, labels }) => ({ stack, values, labels }))).toEqual(
          samples.map(({ frames, values, labels }) => ({
            stack: frames.map(({ name, file, line }) => `${name} ${file}:${line}`),
            values,
            labels: { ...labels },
          })),
        );
      }),
    );
  });
});

describe('a profile of stacks', () => {
  const at = (name: string) => ({ frames: [{ name, file: 'f', line: 1 }], labels: {}, values: [1, 10] });

  it('sums what has the same stack and the same labels', () => {
    const profile = new StackProfile();
    for (const each of [at('a'), at('b'), at('a'), { ...at('a'), labels: { function: 'x' } }]) profile.add(each);
    expect([...profile.samples()].map(({ frames, values }) => [frames[0]?.name, values])).toEqual([
      ['a', [2, 20]],
      ['b', [1, 10]],
      ['a', [1, 10]],
    ]);
  });

  it('leaves out what is nothing, and lumps together what is too much', () => {
    const profile = new StackProfile();
    profile.add({ ...at('a'), values: [0, 0] });
    expect(profile.size).toBe(0);
    for (let index = 0; index < 50_100; index++) profile.add(at(`f${index}`));
    expect(profile.size).toBe(50_001);
    expect([...profile.samples()].at(-1)).toMatchObject({ frames: [{ name: '(other stacks)' }], values: [100, 1_000] });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldCpu, foldHeap, foldLocks } from '../../../src/platform/profiling/fold.ts';
import { type CpuProfile, parseRecording } from '../../../src/platform/profiling/recording.ts';
import { StackProfile } from '../../../src/platform/profiling/stack-profile.ts';

const OWNER = { root: { name: 'function x', file: '', line: 0 }, labels: { function: 'x' } };
const call = (functionName: string, url = 'file:///code/index.js', lineNumber = 4) => ({
  functionName,
  url,
  lineNumber,
});

/** Handler calls work, which waits for a lock; beside it nothing, native code, and the profiler's own. */
const PROFILE: CpuProfile = {
  nodes: [
    { id: 1, callFrame: call('(root)', '', -1), children: [2, 5, 6, 7] },
    { id: 2, callFrame: call('handler'), children: [3] },
    { id: 3, callFrame: call('work', 'node:internal', 9), children: [4] },
    { id: 4, callFrame: call('wait', '/x/profile-agent.cjs'), children: [] },
    { id: 5, callFrame: call('(idle)', '', -1) },
    { id: 6, callFrame: call('', '', -1) },
    { id: 7, callFrame: call('stop', '/x/profile-agent.cjs') },
  ],
  startTime: 1_000,
  endTime: 1_700,
  samples: [3, 3, 4, 5, 5, 6, 7],
  timeDeltas: [0, 100, 100, 100, 100, 100, 100],
};

function fold(calls: [number, number][] | undefined) {
  const [cpu, wall] = [new StackProfile(), new StackProfile()];
  foldCpu({ profile: PROFILE, calls, sampleUs: 100, cpu, wall, ...OWNER });
  const shown = (profile: StackProfile) =>
    Object.fromEntries(
      [...profile.samples()].map(({ frames, values }) => [frames.map((f) => f.name).join('<'), values]),
    );
  return { cpu: shown(cpu), wall: shown(wall) };
}

describe('folding what V8 sampled', () => {
  it('D31, D37 counts what ran as CPU and as wall time, and what waited as wall time alone', () => {
    expect(fold([[1_300, 1_400]])).toEqual({
      cpu: {
        'work<handler<function x': [2, 200_000],
        '(anonymous)<function x': [1, 100_000],
      },
      wall: {
        'work<handler<function x': [2, 200_000],
        'Atomics.wait<work<handler<function x': [1, 100_000],
        '(waiting)<function x': [1, 100_000],
        '(anonymous)<function x': [1, 100_000],
      },
    });
  });

  it('says idle where nobody knows of calls', () => {
    expect(fold(undefined).wall).toMatchObject({ '(idle)<function x': [2, 200_000] });
    expect(fold(undefined).wall).not.toHaveProperty('(waiting)<function x');
  });

  it('tells files and lines as people count them', () => {
    const cpu = new StackProfile();
    foldCpu({ profile: PROFILE, calls: [], sampleUs: 100, cpu, wall: undefined, ...OWNER });
    expect([...cpu.samples()][0]?.frames).toEqual([
      { name: 'work', file: 'node:internal', line: 10 },
      { name: 'handler', file: '/code/index.js', line: 5 },
      OWNER.root,
    ]);
  });

  it('adds up allocations by stack', () => {
    const alloc = new StackProfile();
    const leaf = { callFrame: call('make'), selfSize: 300, id: 3, children: [] };
    const head = {
      callFrame: call('(root)'),
      selfSize: 0,
      id: 1,
      children: [{ callFrame: call('handler'), selfSize: 7, id: 2, children: [leaf] }],
    };
    foldHeap({ head, samples: [{ nodeId: 3 }, { nodeId: 3 }, { nodeId: 2 }] }, OWNER, alloc);
    expect([...alloc.samples()].map(({ frames, values }) => [frames.map((f) => f.name), values])).toEqual([
      [
        ['handler', 'function x'],
        [1, 7],
      ],
      [
        ['make', 'handler', 'function x'],
        [2, 300],
      ],
    ]);
  });

  it('D37 puts the lock itself on top of who waited for it', () => {
    const lock = new StackProfile();
    foldLocks([{ frames: [['takeLock', '/code/index.js', 12]], count: 3, waitedUs: 40 }], OWNER, lock);
    expect([...lock.samples()]).toEqual([
      {
        frames: [
          { name: 'Atomics.wait', file: '', line: 0 },
          { name: 'takeLock', file: '/code/index.js', line: 12 },
          OWNER.root,
        ],
        labels: OWNER.labels,
        values: [3, 40_000],
      },
    ]);
  });
});

describe('what a worker says that it recorded', () => {
  const good = { epoch: 1, threads: [{ cpu: PROFILE, locks: [] }], calls: [[1, 2]] };
  const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

  it('is taken as it is when it makes sense', () => {
    expect(parseRecording(bytes(good))).toEqual(JSON.parse(JSON.stringify(good)));
  });

  it.each([
    ['no JSON', '{'],
    ['nothing', 'null'],
    ['another shape', { epoch: 1, threads: {}, calls: [] }],
    ['nodes without a frame', { ...good, threads: [{ cpu: { ...PROFILE, nodes: [{ id: 1 }] } }] }],
    ['samples that are no numbers', { ...good, threads: [{ cpu: { ...PROFILE, samples: ['1'] } }] }],
    ['a heap without end', `{"epoch":1,"calls":[],"threads":[{"heap":{"samples":[],"head":${deep(100_000)}}}]}`],
  ])('is dropped when it is %s', (_, value) => {
    expect(parseRecording(bytes(value))).toBeUndefined();
  });

  it('never throws while it is read or folded, whatever it is', () => {
    const node = fc.record({
      id: fc.integer({ min: 0, max: 5 }),
      callFrame: fc.record({
        functionName: fc.constantFrom('', '(idle)', '(root)', 'wait', 'f'),
        url: fc.constantFrom('', 'file:///a', 'profile-agent.cjs'),
        lineNumber: fc.double(),
      }),
      // Rings too.
      children: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 }),
    });
    const cpu = fc.record({
      nodes: fc.array(node, { maxLength: 6 }),
      startTime: fc.double(),
      endTime: fc.double(),
      samples: fc.array(fc.integer({ min: 0, max: 7 })),
      timeDeltas: fc.array(fc.double()),
    });
    fc.assert(
      fc.property(fc.oneof(cpu, fc.anything()), (value) => {
        const recording = parseRecording(bytes({ epoch: 1, threads: [{ cpu: value }], calls: [] }));
        const [into, wall] = [new StackProfile(), new StackProfile()];
        const profile = recording?.threads[0]?.cpu;
        if (profile) foldCpu({ profile, calls: [], sampleUs: 1, cpu: into, wall, ...OWNER });
      }),
    );
  });
});

function deep(levels: number): string {
  return '{"callFrame":{"functionName":"f","url":"","lineNumber":0},"selfSize":0,"id":1,"children":['.repeat(levels);
}

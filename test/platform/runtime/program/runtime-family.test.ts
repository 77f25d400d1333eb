import { describe, expect, it } from 'vitest';
import { runtimeWish } from '../../../../src/platform/runtime/program/runtime-family.ts';

describe('the name of a runtime', () => {
  it.each([
    ['node', 'node', undefined, undefined],
    ['node22', 'node', 22, undefined],
    ['nodejs24.x', 'node', 24, undefined],
    ['python', 'python', undefined, undefined],
    ['python3', 'python', 3, undefined],
    ['python3.13', 'python', 3, 13],
    ['python314', 'python', 3, 14],
    ['go', 'executable', undefined, undefined],
    ['rust', 'executable', undefined, undefined],
    ['provided', 'executable', undefined, undefined],
    ['provided.al2023', 'executable', undefined, undefined],
  ])('P2 %s asks for %s', (runtime, family, major, minor) => {
    expect(runtimeWish(runtime)).toEqual({ family, major, minor });
  });

  it.each(['java21', 'ruby3.3', 'dotnet8', 'nodeish', 'python3.13.1', 'Node22', ''])(
    'P2 %s runs nowhere here',
    (runtime) => {
      expect(runtimeWish(runtime)).toBeUndefined();
    },
  );
});

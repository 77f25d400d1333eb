/** What can be profiled. `lock` is time spent waiting for locks, and for instances. */
export const PROFILE_TYPES = ['cpu', 'wall', 'alloc', 'lock'] as const;

export type ProfileType = (typeof PROFILE_TYPES)[number];

export interface ValueKind {
  readonly type: string;
  readonly unit: string;
}

export interface ProfileKind {
  /** Of a sample, in the order of its values. */
  readonly kinds: readonly [ValueKind, ValueKind];
  readonly periodKind: ValueKind;
}

const kind = (type: string, unit: string): ValueKind => ({ type, unit });
const CPU = kind('cpu', 'nanoseconds');
const WALL = kind('wall', 'nanoseconds');

/** The names are those under which other languages' profiles of the same type are known. */
export const PROFILE_KINDS: Readonly<Record<ProfileType, ProfileKind>> = {
  cpu: { kinds: [kind('samples', 'count'), CPU], periodKind: CPU },
  wall: { kinds: [kind('samples', 'count'), WALL], periodKind: WALL },
  alloc: { kinds: [kind('alloc_samples', 'count'), kind('alloc_space', 'bytes')], periodKind: kind('space', 'bytes') },
  lock: {
    kinds: [kind('contentions', 'count'), kind('delay', 'nanoseconds')],
    periodKind: kind('contentions', 'count'),
  },
};

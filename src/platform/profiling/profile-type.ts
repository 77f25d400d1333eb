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

const NANOSECONDS = 'nanoseconds';

/** The names are those under which other languages' profiles of the same type are known. */
export const PROFILE_KINDS: Readonly<Record<ProfileType, ProfileKind>> = {
  cpu: {
    kinds: [
      { type: 'samples', unit: 'count' },
      { type: 'cpu', unit: NANOSECONDS },
    ],
    periodKind: { type: 'cpu', unit: NANOSECONDS },
  },
  wall: {
    kinds: [
      { type: 'samples', unit: 'count' },
      { type: 'wall', unit: NANOSECONDS },
    ],
    periodKind: { type: 'wall', unit: NANOSECONDS },
  },
  alloc: {
    kinds: [
      { type: 'alloc_samples', unit: 'count' },
      { type: 'alloc_space', unit: 'bytes' },
    ],
    periodKind: { type: 'space', unit: 'bytes' },
  },
  lock: {
    kinds: [
      { type: 'contentions', unit: 'count' },
      { type: 'delay', unit: NANOSECONDS },
    ],
    periodKind: { type: 'contentions', unit: 'count' },
  },
};

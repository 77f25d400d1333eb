import type { Bucket } from '../domain/bucket.ts';
import type { FunctionVersion } from '../domain/function-version.ts';
import type { Part } from '../domain/part.ts';

export type { Part } from '../domain/part.ts';

export type ReadState =
  | 'read'
  /** The store said that something is missing (warnings, partial answer). What is there may be used to raise. */
  | 'partial'
  /** No answer within the deadline, or an error. Says nothing about any version. */
  | 'failed';

/** One signal of many versions, column-wise: `values[i]` belongs to `versionIds[i]`. */
export interface Column {
  readonly state: ReadState;
  /** Whether the metric exists for any version at all; distinguishes "this one is idle" from "the scrape is gone". Undefined when not known. */
  readonly isPresent: boolean | undefined;
  readonly versionIds: readonly string[];
  readonly values: Float64Array;
  /** Versions with more than one series, or values no count can have: shown, never used. */
  readonly rejected: readonly { versionId: string; why: 'ambiguous' | 'negative' | 'unreadable' }[];
  readonly detail: string;
}

export interface ProfileReading {
  readonly profile: string;
  /** The evaluation time that was asked for. */
  readonly atMs: number;
  readonly utilisation: Column | undefined;
  readonly demand: Column | undefined;
  readonly instances: Column | undefined;
  /** A raw counter: its value means nothing, its change is a call. */
  readonly invocation: Column | undefined;
}

/** Samples of one signal before now: those of a version, oldest first. Kept in columns by a reader of many. */
export interface PastSamples {
  get(versionId: string): Iterable<readonly [atMs: number, value: number]> | undefined;
}

/** Past utilisation and demand on the history grid, and recent invocation, for start and take-over. */
export interface Backfill {
  readonly profile: string;
  readonly state: ReadState;
  readonly utilisation: PastSamples;
  readonly demand: PastSamples;
  /** Versions called within the span looked at. Undefined when that could not be read. */
  readonly invoked: ReadonlySet<string> | undefined;
  /** Those of them that were called within the gap, in which nobody may have been watching. */
  readonly invokedInGap: ReadonlySet<string> | undefined;
  readonly detail: string;
}

export interface Discovered {
  readonly part: Part;
  readonly state: ReadState;
  readonly versions: readonly (FunctionVersion & { bucket: Bucket | undefined; profiles: readonly string[] })[];
  readonly detail: string;
}

/** Reads the time-series store for many versions at once. Never throws for what the store said: that is a state. */
export interface SignalReader {
  /**
   * Cuts the share of a member into the parts to read: as few as the sizes allow. `versions` is infinite where it is
   * not known yet. The past is read in smaller parts, for every version has many samples there.
   */
  plan(share: { buckets: readonly Bucket[]; versions: number; bucketCount: number; isForPast?: boolean }): Part[];
  /** `profiles`: those whose load is wanted, all when undefined; calls are read in any case. */
  read(
    part: Part,
    options: { profiles?: ReadonlySet<string> | undefined; signal?: AbortSignal | undefined },
  ): Promise<ProfileReading[]>;
  backfill(
    part: Part,
    options: { lookBackMs: number; stepMs: number; idleMs: number; gapMs: number; signal?: AbortSignal | undefined },
  ): Promise<Backfill[]>;
  discover(part: Part, options: { signal?: AbortSignal | undefined }): Promise<Discovered>;
  /** The store's clock against ours, positive when ours is ahead; rejects with a TimeseriesError when it does not answer. */
  probe(options: { signal?: AbortSignal | undefined }): Promise<{ skewMs: number; flavour: string }>;
}

export type TimeseriesErrorKind =
  | 'unreachable'
  | 'timeout'
  | 'auth'
  | 'query'
  | 'overloaded'
  | 'not-prometheus'
  | 'too-large'
  | 'open-circuit';

export class TimeseriesError extends Error {
  override name = 'TimeseriesError';
  readonly kind: TimeseriesErrorKind;
  readonly status: number | undefined;
  constructor(
    kind: TimeseriesErrorKind,
    message: string,
    options: ErrorOptions & { status?: number | undefined } = {},
  ) {
    super(message, options);
    this.kind = kind;
    this.status = options.status;
  }
}

/**
 * How far a signal may be trusted. Only `fresh` is evidence for fewer instances; `partial` may still raise;
 * `stale`, `absent` and `invalid` are no evidence at all. Absent is not zero.
 */
export type Quality = 'fresh' | 'partial' | 'stale' | 'absent' | 'invalid';

/** `+Infinity` is a legal value: load on no capacity. `NaN` never appears: it is absence. */
export interface Sample {
  readonly atMs: number;
  readonly value: number;
}

/** Samples over a span, oldest first, at most one per grid step. */
export interface Window {
  readonly quality: Quality;
  readonly samples: readonly Sample[];
}

/** The newest value of a signal. */
export interface Gauge {
  readonly quality: Quality;
  readonly value: number | undefined;
  readonly atMs: number | undefined;
}

/** When a function version was last called. `lastMs` undefined with quality `fresh` means: not within the span looked at. */
export interface InvocationRecord {
  readonly quality: Quality;
  readonly lastMs: number | undefined;
  /** Since when calls have been watched without a gap; idleness is never believed for longer than that. */
  readonly watchedSinceMs: number | undefined;
}

/** Everything that deciding knows about the load of one function version at one moment. */
export interface Signals {
  /** The profile whose series were used; undefined while no profile shows the version. */
  readonly profile: string | undefined;
  /** Per cent of capacity in use. */
  readonly utilisation: Window;
  /** Calls queued plus running, as a mean over the read window. */
  readonly demand: Window;
  readonly instances: Gauge;
  readonly invocation: InvocationRecord;
}

export const ABSENT_WINDOW: Window = { quality: 'absent', samples: [] };
export const ABSENT_GAUGE: Gauge = { quality: 'absent', value: undefined, atMs: undefined };

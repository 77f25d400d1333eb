import type { VersionRecord } from '../model/function-record.ts';

/**
 * How one call on one instance ended. Only `not-reached` may be tried elsewhere: everything else may have run. After a
 * result, a failed handler, or a result that is too large the instance may live on; after the others it is ending or gone.
 */
export type CallEnd =
  | {
      readonly kind: 'result';
      readonly body: Uint8Array;
      /** What `onChunk` was given. */
      readonly streamedBytes?: number | undefined;
    }
  /** The handler threw or rejected. */
  | { readonly kind: 'handler-failed'; readonly errorType: string; readonly message: string; readonly stack: string }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'crashed'; readonly detail: string }
  | { readonly kind: 'out-of-memory'; readonly detail: string }
  | { readonly kind: 'result-too-large'; readonly bytes: number }
  /** The instance was dead or deaf before a byte reached it. */
  | { readonly kind: 'not-reached'; readonly detail: string };

export interface Call {
  readonly requestId: string;
  readonly payload: Uint8Array;
  readonly timeoutMs: number;
  /** Aborted when the caller has gone: the instance is ended, because no one waits for its result. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Streaming handlers: chunks in the boundaries in which they were flushed, and a result with an empty body at the end; the
   * lease lasts until then. A promise holds the handler up until it settles. Without it the chunks make up the result's body.
   * Handlers that do not stream never come here: what they return is the result's body.
   */
  readonly onChunk?: ((chunk: Uint8Array) => void | Promise<void>) | undefined;
  /** The handler calls another function meanwhile; without it, such calls are refused. */
  readonly onChild?: ((child: ChildCall) => Promise<Uint8Array>) | undefined;
}

/** A call that a handler makes while it runs. */
export interface ChildCall {
  /** As the handler wrote it: nothing is known of it. */
  readonly functionName: string;
  readonly payload: Uint8Array;
}

/** One live operating-system process that serves one version. */
export interface RunningInstance {
  readonly instanceId: string;
  readonly pid: number;
  /** What really runs it, for people and execution records, such as `node 24.21.0`. */
  readonly runtime?: string | undefined;
  call(call: Call): Promise<CallEnd>;
  /** Lines that the handler wrote during the last call, newest last, bounded. */
  logTail(): readonly string[];
  rssBytes(): number | undefined;
  /** Asks, then kills the whole process group; resolves when the process was reaped. */
  stop(options: { graceMs: number }): Promise<void>;
  /** Resolves when the process was reaped, however it ended. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

export interface StartOptions {
  readonly instanceId: string;
  /** What was reserved for it. The back end lets it use no more. */
  readonly memoryLimitBytes: number;
  /** Aborts when the instance is not wanted any more: the start is called off. */
  readonly signal?: AbortSignal | undefined;
}

/** Starts instances. Rejects with PlatformError('init-failed' | 'runtime-unavailable' | 'no-code'). */
export interface InstanceBackend {
  start(version: VersionRecord, options: StartOptions): Promise<RunningInstance>;
  /** How memory is limited here: by a cgroup, or by a heap limit and a watchdog. For people. */
  readonly memoryLimit: 'cgroup' | 'watchdog';
}

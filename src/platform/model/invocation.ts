/** What asked for a call; `fanout`: a function of ours that runs and waits for it. */
export type InvocationSource = 'http' | 'schedule' | 'queue' | 'burst' | 'chain' | 'fanout' | 'manual';

export interface InvocationRequest {
  readonly versionId: string;
  readonly payload: Uint8Array;
  /** Left out: one is made. */
  readonly requestId?: string | undefined;
  readonly source: InvocationSource;
  /** Of calls that functions make of functions, as their callers state it; the eighth is refused. */
  readonly depth: number;
  readonly signal?: AbortSignal | undefined;
  /** Of handlers that stream; the body is empty then. A promise holds the handler up until it settles. */
  readonly onChunk?: ((chunk: Uint8Array) => void | Promise<void>) | undefined;
}

/** One call that ended well. One that did not is a PlatformError that carries the same facts where there are any; one whose signal aborted rejects with the signal's reason. */
export interface Invocation {
  readonly requestId: string;
  readonly functionId: string;
  readonly versionId: string;
  readonly instanceId: string;
  readonly body: Uint8Array;
  /** What `onChunk` was given, where the handler streamed. */
  readonly streamedBytes?: number | undefined;
  /** It ran first on an instance that was spawned for it. */
  readonly isCold: boolean;
  readonly waitedMs: number;
  readonly ranMs: number;
  readonly memoryUsedMb: number | undefined;
  readonly logs: readonly string[];
}

/** What is known of a call that did not end well. */
export type CallFacts = Omit<Invocation, 'body' | 'streamedBytes'>;

/** The one admission pipeline, as the dialects see it. */
export interface Invoker {
  invoke(request: InvocationRequest): Promise<Invocation>;
}

/** Why an instance was started. */
export type SpawnSource = 'lazy' | 'scaler' | 'prewarm' | 'manual' | 'external' | 'retry';

export type InstanceState = 'cold' | 'warming' | 'warm' | 'busy' | 'terminating';

import type { Namespace } from './function-record.ts';
import type { Invocation } from './invocation.ts';
import type { Trigger, TriggerKind, TriggerSettings, TriggerTarget } from './trigger.ts';

export interface NewTrigger extends TriggerTarget {
  readonly settings: TriggerSettings;
  readonly isEnabled?: boolean | undefined;
}

export interface TriggerFilter {
  readonly functionId?: string | undefined;
  readonly kind?: TriggerKind | undefined;
}

export interface HttpRoute {
  readonly kind: 'route';
  readonly trigger: Trigger;
  /** Decoded; of a `{rest+}` as it came. */
  readonly params: Readonly<Record<string, string>>;
}

export interface WrongMethod {
  readonly kind: 'wrong-method';
  readonly allow: readonly string[];
}

/** One call that a trigger makes. */
export interface FireRequest {
  readonly payload: Uint8Array;
  /** Of calls that functions make of functions. */
  readonly depth?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onChunk?: ((chunk: Uint8Array) => void | Promise<void>) | undefined;
}

/** A message that is still there: waiting, on its way, or dead. */
export interface QueuedMessage {
  readonly messageId: string;
  readonly triggerId: string;
  readonly attempts: number;
  readonly enqueuedMs: number;
  readonly payload: Uint8Array;
  /** Why the last delivery failed; empty before the first failure. */
  readonly lastError: string;
}

export interface QueueDepth {
  readonly waiting: number;
  readonly leased: number;
  readonly dead: number;
}

/** What became of a trigger's calls since the platform began. */
export interface TriggerCounts {
  readonly fires: number;
  /** By the code of the error. */
  readonly failures: ReadonlyMap<string, number>;
  /** Fires of a schedule that were left out, because the one before still ran or because they were long past. */
  readonly skips: Readonly<Record<'overlap' | 'missed', number>>;
}

/**
 * All triggers of the platform, of every dialect. Every change is on disk before it is answered. A trigger goes with
 * its function, and its messages with it.
 */
export interface Triggers {
  /**
   * Throws `function-unknown` or `version-unknown`. Routes of the namespace `native` are unique (`name-taken`); elsewhere the
   * newest of several equal ones answers.
   */
  add(request: NewTrigger): Trigger;
  /** All of them or none. */
  addAll(requests: readonly NewTrigger[]): readonly Trigger[];
  get(triggerId: string): Trigger | undefined;
  /** In the order in which they were made. */
  list(filter?: TriggerFilter): readonly Trigger[];
  /** Throws `trigger-unknown`. */
  remove(triggerId: string): void;
  /** Throws `trigger-unknown`. A queue that is disabled keeps what it is given; a schedule forgets what falls due. */
  setEnabled(triggerId: string, isEnabled: boolean): Trigger;
  /**
   * Which enabled trigger a request is for, of one namespace or of any, then the native one first. `path` as it came, without
   * the query. Undefined: none has this path.
   */
  matchHttp(method: string, path: string, namespace?: Namespace): HttpRoute | WrongMethod | undefined;
  /** Calls the function of a trigger, as the trigger would. Throws what the router throws, and `not-active`. */
  fire(trigger: Trigger, request: FireRequest): Promise<Invocation>;
  /** `payload` is JSON. Throws `queue-unknown`, `queue-full`, `payload-too-large` or `input-invalid`; then no trigger has it. */
  publish(queue: string, payload: Uint8Array): { readonly messageId: string };
  depthOf(triggerId: string): QueueDepth;
  /** When the message was put there that waits longest. */
  oldestMs(triggerId: string): number | undefined;
  /** Messages that are not delivered any more, the newest first. */
  deadOf(triggerId: string, limit: number): readonly QueuedMessage[];
  /** Delivers the dead as if they were new. Returns how many. */
  revive(triggerId: string): number;
  /** Throws away what is dead, or what waits. Returns how many went. */
  clear(triggerId: string, state: 'waiting' | 'dead'): number;
  /** When a schedule fires next. */
  nextFireMs(triggerId: string): number | undefined;
  countsOf(triggerId: string): TriggerCounts;
}

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
  /** What stands to call now; undefined: the function has no active version. */
  readonly versionId: string | undefined;
  /** Decoded. */
  readonly params: Readonly<Record<string, string>>;
}

export interface WrongMethod {
  readonly kind: 'wrong-method';
  readonly allow: readonly string[];
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

/**
 * All triggers of the platform, whatever dialect set them. Every change is on disk before it is answered. A trigger goes with
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
  /** False: there was none. */
  remove(triggerId: string): boolean;
  /** Throws `trigger-unknown`. A queue that is disabled keeps what it is given; a schedule forgets what falls due. */
  setEnabled(triggerId: string, isEnabled: boolean): Trigger;
  /** Which enabled trigger a request is for. `path` as it came, without the query. Undefined: none has this path. */
  matchHttp(method: string, path: string): HttpRoute | WrongMethod | undefined;
  /** `payload` is JSON. Throws `queue-unknown`, `queue-full`, `payload-too-large` or `input-invalid`; then nobody has got it. */
  publish(queue: string, payload: Uint8Array): { readonly messageId: string };
  /** Of the queue's trigger; zero for other kinds. */
  depthOf(triggerId: string): QueueDepth;
  /** When a schedule fires next. */
  nextFireMs(triggerId: string): number | undefined;
}

/** What makes a function run, beside a call by its id. */

export const HTTP_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

export type HttpMethod = (typeof HTTP_METHODS)[number];

/** A request that comes in on a path: `/orders/{id}`, `/files/{rest+}`. */
export interface HttpSettings {
  readonly kind: 'http';
  readonly method: HttpMethod | 'ANY';
  readonly path: string;
}

export interface ScheduleSettings {
  readonly kind: 'schedule';
  /** Five fields, six with seconds first, or a name such as `@hourly`. */
  readonly cron: string;
  /** IANA, such as `Europe/Berlin`. */
  readonly timeZone: string;
  /** When the one before still runs: leave this one out, or run both. */
  readonly overlap: 'skip' | 'allow';
  /** What fell due while the platform was not running: forgotten, or made up for by one call, however many fires there were. */
  readonly missed: 'skip' | 'once';
  /** The event; undefined: one that describes the schedule. */
  readonly payload?: unknown;
}

/** Messages of one queue. Each trigger of a queue gets each message of it, at least once, in no particular order. */
export interface QueueSettings {
  readonly kind: 'queue';
  readonly queue: string;
  /** 1: the message is the event. More: up to so many come in one event. */
  readonly batchMax: number;
  /** Calls at a time. */
  readonly concurrency: number;
  /** Messages that may wait; one more is refused. */
  readonly depthMax: number;
  /** Deliveries that a message gets before it is put with the dead ones. */
  readonly attemptsMax: number;
  /** The wait after the first failure; it doubles with each further one, up to the most. */
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  /** A delivery that takes longer is cut off and counts as failed; undefined: twice the function's time-out and 5 s. */
  readonly leaseMs?: number | undefined;
}

export const TRIGGER_KINDS = ['http', 'schedule', 'queue'] as const;

export type TriggerKind = (typeof TRIGGER_KINDS)[number];

export type TriggerSettings = HttpSettings | ScheduleSettings | QueueSettings;

export interface TriggerTarget {
  readonly functionId: string;
  /** Undefined: whichever version is active when it fires. A trigger of a version goes when the version does. */
  readonly versionId?: string | undefined;
}

export interface Trigger extends TriggerTarget {
  readonly triggerId: string;
  readonly isEnabled: boolean;
  readonly settings: TriggerSettings;
  readonly createdMs: number;
  readonly updatedMs: number;
}

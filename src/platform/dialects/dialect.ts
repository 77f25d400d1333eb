import type { RequestListener, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import type { CallLog } from '../metrics/call-log.ts';
import type { CallMeter } from '../metrics/call-meter.ts';
import type { VersionRecord } from '../model/function-record.ts';
import type { Invoker } from '../model/invocation.ts';
import type { PoolListener } from '../model/pool-event.ts';
import type { Pools } from '../model/pool-snapshot.ts';
import type { Triggers } from '../model/triggers.ts';
import type { Profiling } from '../profiling/open-profiling.ts';
import type { Registry } from '../registry/registry.ts';
import type { ListenAddress } from './serve.ts';

/** What a dialect is made from. */
export interface DialectTools {
  readonly registry: Registry;
  readonly invoker: Invoker;
  readonly pools: Pools;
  readonly meter: CallMeter;
  readonly log: CallLog;
  readonly triggers: Triggers;
  /** What happens to instances. Returns what ends it. */
  readonly onPoolEvent: (listener: PoolListener) => () => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly payloadMaxBytes: number;
  /** What is below `/debug/pprof`, for a dialect that has it too; undefined: nothing is profiled. */
  readonly profilePages: Profiling['onRequest'] | undefined;
}

/** The platform spoken in one way, on one port. */
export interface Dialect {
  readonly name: string;
  readonly address: ListenAddress;
  /** Called once, before anything listens. */
  open(tools: DialectTools): OpenDialect;
}

export interface OpenDialect {
  readonly onRequest: RequestListener;
  /** Tells who called the port by a name that is not its own. */
  readonly refuseHost: (response: ServerResponse) => void;
  /** Ids of the instances of its functions, where they are not UUIDs; undefined for the functions of others. */
  nameInstance?(version: VersionRecord): string | undefined;
  /** Every port is open. */
  started?(url: string): void;
  /** What it runs besides answering, such as schedules; ended before the calls are drained. */
  stop?(): Promise<void>;
}

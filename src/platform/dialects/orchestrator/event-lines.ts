import type { CallRecord } from '../../metrics/call-log.ts';
import type { PoolEvent } from '../../model/pool-event.ts';
import type { ShownFunction } from './shown-functions.ts';
import type { Tag } from './tag-log.ts';

export interface TaggedLine {
  readonly tag: Tag;
  readonly text: string;
}

/** What is written of an event; undefined: nothing. */
export function lineOfPoolEvent(event: PoolEvent, { id }: ShownFunction): TaggedLine | undefined {
  switch (event.type) {
    case 'created':
      return { tag: 'POOL', text: `Created instance ${event.instanceId} for function ${id}` };
    case 'ending': {
      const age = Math.round(event.ageMs);
      const idle = Math.round(event.idleMs);
      return { tag: 'POOL', text: `Removing instance ${event.instanceId} (age: ${age}ms, idle: ${idle}ms)` };
    }
    case 'warming':
      return { tag: 'OPTIMIZER', text: `Warming instance ${event.instanceId}` };
    case 'warmed':
      return { tag: 'OPTIMIZER', text: `Instance ${event.instanceId} is now warm` };
    case 'start-failed':
      return { tag: 'OPTIMIZER', text: `Instance ${event.instanceId} did not start: ${messageOf(event.error)}` };
    case 'prewarming':
      return { tag: 'OPTIMIZER', text: `Pre-warming ${event.count} instances for function ${id}` };
    case 'scaled-up':
      return { tag: 'AUTOSCALER', text: `Scaling up ${id} by ${event.count} instances` };
    case 'scaled-down':
      return { tag: 'AUTOSCALER', text: `Scaling down ${id} by ${event.count} instances` };
    case 'stop-failed':
    case 'reaped':
    case 'breach':
      return undefined;
    default:
      return event satisfies never;
  }
}

/** One line for every call, however it ended. */
export function lineOfCall(call: CallRecord, { id }: ShownFunction): TaggedLine {
  const { requestId, instanceId, outcome, isCold, waitedMs = 0, ranMs = 0, source } = call;
  if (instanceId === undefined)
    return { tag: 'ROUTER', text: `Call of ${id} (${source}) did not reach an instance: ${outcome}` };
  const heat = isCold ? 'cold' : 'warm';
  const took = (waitedMs + ranMs).toFixed(1);
  return {
    tag: 'ROUTER',
    text: `Request ${requestId} for ${id} (${source}) on ${instanceId}: ${outcome}, ${heat}, ${took}ms`,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

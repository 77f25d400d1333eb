import { errorText } from '../../../lib/error-text.ts';
import type { CallRecord } from '../../metrics/call-log.ts';
import type { PoolEvent } from '../../model/pool-event.ts';
import { type FunctionLabel, type FunctionLabels, labelOf } from './function-labels.ts';
import type { OrchestratorTools } from './orchestrator-tools.ts';
import type { Tag } from './tag-log.ts';

/** Writes what happens to instances, calls and functions of this dialect into its log. */
export function writeEventLines(labels: FunctionLabels, { registry, log, onPoolEvent, tags }: OrchestratorTools): void {
  const write = ({ id }: FunctionLabel, line: TaggedLine | undefined) => {
    if (line) tags.write(line[0], id, line[1]);
  };
  onPoolEvent((event) => {
    const label = event.type === 'breach' ? undefined : labels.of(event);
    if (label) write(label, lineOfPoolEvent(event, label));
  });
  log.onCall((call) => {
    const label = labels.of(call);
    if (label) write(label, lineOfCall(call, label));
  });
  // On whichever port it was deleted.
  registry.onChange((change) => {
    if (change.kind !== 'function-removed' || change.record.namespace !== 'orchestrator') return;
    const label = labelOf(change.record);
    write(label, ['REGISTRY', `Deleted function: ${label.id}`]);
  });
}

type TaggedLine = readonly [tag: Tag, text: string];

/** What is written of an event; undefined: nothing. */
function lineOfPoolEvent(event: PoolEvent, { id }: FunctionLabel): TaggedLine | undefined {
  switch (event.type) {
    case 'created':
      return ['POOL', `Created instance ${event.instanceId} for function ${id}`];
    case 'ending': {
      const age = Math.round(event.ageMs);
      const idle = Math.round(event.idleMs);
      return ['POOL', `Removing instance ${event.instanceId} (age: ${age}ms, idle: ${idle}ms)`];
    }
    case 'warming':
      return ['OPTIMIZER', `Warming instance ${event.instanceId}`];
    case 'warmed':
      return ['OPTIMIZER', `Instance ${event.instanceId} is now warm`];
    case 'start-failed':
      return ['OPTIMIZER', `Instance ${event.instanceId} did not start: ${errorText(event.error)}`];
    case 'prewarming':
      return ['OPTIMIZER', `Pre-warming ${event.count} instances for function ${id}`];
    case 'scaled-up':
      return ['AUTOSCALER', `Scaling up ${id} by ${event.count} instances`];
    case 'scaled-down':
      return ['AUTOSCALER', `Scaling down ${id} by ${event.count} instances`];
    case 'stop-failed':
    case 'reaped':
    case 'breach':
      return undefined;
    default:
      return event satisfies never;
  }
}

/** One line for every call, however it ended. */
function lineOfCall(call: CallRecord, { id }: FunctionLabel): TaggedLine {
  const { requestId, instanceId, outcome, isCold, waitedMs = 0, ranMs = 0, source } = call;
  if (instanceId === undefined) return ['ROUTER', `Call of ${id} (${source}) did not reach an instance: ${outcome}`];
  const heat = isCold ? 'cold' : 'warm';
  const took = (waitedMs + ranMs).toFixed(1);
  return ['ROUTER', `Request ${requestId} for ${id} (${source}) on ${instanceId}: ${outcome}, ${heat}, ${took}ms`];
}

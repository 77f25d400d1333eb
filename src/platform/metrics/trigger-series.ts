import type { Clock } from '../../lib/clock.ts';
import type { Triggers } from '../model/triggers.ts';
import { labelsOf, type MetricKind, type MetricText } from './metric-text.ts';

export const TRIGGER_METRICS: readonly (readonly [name: string, kind: MetricKind, help: string])[] = [
  ['starling_platform_trigger_fires_total', 'counter', 'Calls that a trigger made.'],
  ['starling_platform_trigger_failures_total', 'counter', 'Calls of a trigger that ended badly, by what it was.'],
  [
    'starling_platform_trigger_skips_total',
    'counter',
    'Fires of a schedule that were left out: the one before still ran, or they were long past.',
  ],
  ['starling_platform_queue_messages', 'gauge', 'Messages of a queue trigger: waiting, on their way, or dead.'],
  ['starling_platform_queue_oldest_seconds', 'gauge', 'How long the message waits that waits longest.'],
];

/** What triggers do. A queue has its series before its first message. */
export function addTriggers(
  page: MetricText,
  { triggers, clock, labels }: { triggers: Triggers; clock: Clock; labels?: Readonly<Record<string, string>> },
): void {
  for (const { triggerId, functionId, settings } of triggers.list()) {
    const { kind } = settings;
    const identity = labelsOf({ ...labels, function_id: functionId, trigger_id: triggerId, kind });
    const { fires, failures, skips } = triggers.countsOf(triggerId);
    page.add('starling_platform_trigger_fires_total', identity, fires);
    for (const [code, count] of failures) {
      page.add('starling_platform_trigger_failures_total', `${identity},${labelsOf({ code })}`, count);
    }
    if (kind === 'schedule') {
      for (const [reason, count] of Object.entries(skips)) {
        page.add('starling_platform_trigger_skips_total', `${identity},reason="${reason}"`, count);
      }
    }
    if (kind !== 'queue') continue;
    const queue = labelsOf({ ...labels, function_id: functionId, trigger_id: triggerId, queue: settings.queue });
    for (const [state, count] of Object.entries(triggers.depthOf(triggerId))) {
      page.add('starling_platform_queue_messages', `${queue},state="${state}"`, count);
    }
    const oldestMs = triggers.oldestMs(triggerId);
    const waitedMs = oldestMs === undefined ? 0 : Math.max(0, clock.wallMs() - oldestMs);
    page.add('starling_platform_queue_oldest_seconds', queue, waitedMs / 1_000);
  }
}

import { board, type PanelSpec } from './board.ts';
import { FLEET, quantileOf, rateOf } from './promql.ts';

const GOOD_IS_ZERO = [
  { from: 0, color: 'green' },
  { from: 1, color: 'red' },
] as const;

/** Two counts of the fleet that ought to lie on each other. */
function twoCounts(told: Pick<PanelSpec, 'title' | 'description' | 'queries'>): PanelSpec {
  const look = { unit: 'none', noValue: 'no versions', width: 12, isStairs: true, min: 0 } as const;
  return { kind: 'timeseries', ...look, ...told };
}

export const overview = board({
  uid: 'starling-overview',
  title: 'Starling / Overview',
  description: 'Is it working, and is it keeping up?',
  rows: [
    {
      title: 'Is it working?',
      panels: [
        {
          kind: 'stat',
          title: 'Replicas',
          description: 'Replicas that are scraped. Fewer than you run: one is down or not scraped.',
          unit: 'none',
          noValue: 'none reports',
          width: 4,
          queries: [{ expr: `count(starling_build_info{${FLEET}})`, legend: 'replicas' }],
        },
        {
          kind: 'stat',
          title: 'Oldest decision',
          description:
            'Age of the oldest last decision of any bucket. It moves between zero and one scaling interval; if it climbs, no replica serves some versions.',
          unit: 's',
          noValue: 'nobody decides',
          width: 4,
          queries: [
            {
              expr: `max(time() - max by (bucket) (starling_bucket_last_decision_timestamp_seconds{${FLEET}}))`,
              legend: 'oldest',
            },
          ],
          steps: [
            { from: 0, color: 'green' },
            { from: 60, color: 'orange' },
            { from: 120, color: 'red' },
          ],
        },
        {
          kind: 'stat',
          title: 'Buckets unserved',
          description:
            'Of 1024 buckets, those without a decision since their owner took them. More than zero for longer than a take-over (10 s) and a scaling interval is an error.',
          unit: 'none',
          noValue: 'all: nobody decides',
          width: 4,
          queries: [
            {
              expr: `1024 - count(group by (bucket) (starling_bucket_last_decision_timestamp_seconds{${FLEET}}))`,
              legend: 'unserved',
            },
          ],
          steps: GOOD_IS_ZERO,
        },
        {
          kind: 'stat',
          title: 'Discovery',
          description:
            'How many replicas hold the discovery duty: should be one. None for longer than half a minute: new versions are not found.',
          unit: 'none',
          noValue: 'none reports',
          width: 4,
          queries: [{ expr: `sum(starling_duty_held{${FLEET}, duty="discovery"})`, legend: 'holders' }],
          words: { 0: 'nobody', 1: 'one' },
          steps: [
            { from: 0, color: 'red' },
            { from: 1, color: 'green' },
            { from: 2, color: 'red' },
          ],
        },
        {
          kind: 'stat',
          title: 'Freeze',
          description:
            'Whether lowering is stopped because too many versions fell, or lost their signal, at once. Raising continues.',
          unit: 'none',
          noValue: 'none reports',
          width: 4,
          queries: [{ expr: `max(starling_freeze_active{${FLEET}})`, legend: 'freeze' }],
          words: { 0: 'no', 1: 'frozen' },
          steps: GOOD_IS_ZERO,
        },
        {
          kind: 'stat',
          title: 'Alerts firing',
          description:
            'Alerts of the rules that come with the chart, as this Prometheus evaluates them; zero also if they are not loaded.',
          unit: 'none',
          noValue: 'unknown',
          width: 4,
          queries: [
            {
              expr: 'count(ALERTS{alertname=~"Starling.+", alertstate="firing"}) or vector(0)',
              legend: 'firing',
            },
          ],
          steps: GOOD_IS_ZERO,
        },
        {
          kind: 'state-timeline',
          title: 'What it stands on',
          description:
            'Whether each dependency answers, at the replica with the worst view. Nothing is changed while the store or the control plane is down, and nothing is lowered without signals.',
          unit: 'none',
          noValue: 'none reports',
          width: 24,
          height: 5,
          queries: [{ expr: `min by (dependency) (starling_dependency_up{${FLEET}})`, legend: '{{dependency}}' }],
          words: { 0: 'down', 1: 'up' },
          steps: [
            { from: 0, color: 'red' },
            { from: 1, color: 'green' },
          ],
        },
      ],
    },
    {
      title: 'Is it keeping up?',
      panels: [
        twoCounts({
          title: 'Instances',
          description:
            'Instances wanted and seen running, over all versions. A lasting gap: the control plane accepts wishes and does not carry them out. Both dip for the seconds of a take-over, while no replica reports some versions.',
          queries: [
            { expr: `sum(starling_wanted_instances{${FLEET}})`, legend: 'wanted' },
            { expr: `sum(starling_actual_instances{${FLEET}})`, legend: 'running' },
          ],
        }),
        twoCounts({
          title: 'Versions',
          description:
            'Function versions that discovery knows and those that replicas decide for. They differ for a moment when versions appear; if they differ for minutes, no replica serves some versions.',
          queries: [
            { expr: `max(starling_discovery_versions{${FLEET}})`, legend: 'discovered' },
            { expr: `sum(starling_versions_tracked{${FLEET}})`, legend: 'decided for' },
          ],
        }),
        {
          kind: 'timeseries',
          title: 'Decisions',
          description: 'Decisions a second by verdict. Abstaining means that the data did not allow a decision.',
          unit: 'ops',
          noValue: 'none',
          width: 12,
          isStacked: true,
          min: 0,
          queries: [{ expr: rateOf('starling_decisions_total', { by: 'verdict' }), legend: '{{verdict}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Wishes sent',
          description:
            'Wishes a second by how they ended. Failed, refused and unknown ones are sent again later; fenced ones met a newer token.',
          unit: 'ops',
          noValue: 'nothing was sent',
          width: 12,
          isStacked: true,
          min: 0,
          queries: [{ expr: rateOf('starling_actuations_total', { by: 'outcome' }), legend: '{{outcome}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Scaling cycle',
          description:
            'Time of one cycle over the buckets of a replica. It must stay below the scaling interval; otherwise cycles are skipped.',
          unit: 's',
          noValue: 'no cycles',
          width: 12,
          min: 0,
          queries: [
            { expr: quantileOf(0.5, 'starling_loop_duration_seconds', { where: 'loop="scale"' }), legend: 'median' },
            { expr: quantileOf(0.99, 'starling_loop_duration_seconds', { where: 'loop="scale"' }), legend: '99 %' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Delays',
          description:
            'For wishes that were acted on: the age of the newest sample behind them, and the time from the decision to its acceptance. Empty while nothing changes.',
          unit: 's',
          noValue: 'nothing changed',
          width: 12,
          min: 0,
          queries: [
            { expr: quantileOf(0.95, 'starling_sample_age_seconds'), legend: 'age of the newest sample, 95 %' },
            { expr: quantileOf(0.95, 'starling_time_to_apply_seconds'), legend: 'decision to acceptance, 95 %' },
          ],
        },
      ],
    },
    {
      title: 'Why did it hold back?',
      panels: [
        {
          kind: 'timeseries',
          title: 'Reasons',
          description:
            'The ten most frequent first reasons of decisions. What they mean: docs/policies.md; one version: starling explain.',
          unit: 'ops',
          noValue: 'no decisions',
          width: 12,
          min: 0,
          queries: [
            {
              expr: `topk(10, ${rateOf('starling_decisions_total', { by: 'verdict, reason' })})`,
              legend: '{{verdict}}: {{reason}}',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Held',
          description:
            'Writes and cycles held back, by what was missing: a fresh heartbeat, the store, the bounds. Some are normal at every take-over; a steady stream is an error.',
          unit: 'ops',
          noValue: 'nothing was held',
          width: 6,
          min: 0,
          queries: [
            { expr: rateOf('starling_holds_total', { by: 'reason' }), legend: '{{reason}}' },
            {
              expr: rateOf('starling_actuations_postponed_total', { by: 'why' }),
              legend: 'postponed: {{why}}',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Size of changes',
          description: 'By how many instances a wish differs from the one before. Empty while nothing changes.',
          unit: 'none',
          noValue: 'nothing changed',
          width: 6,
          min: 0,
          queries: [
            {
              expr: quantileOf(0.95, 'starling_decision_delta_instances', { by: 'verdict' }),
              legend: '{{verdict}}, 95 %',
            },
          ],
        },
      ],
    },
    {
      title: 'Is each replica well?',
      panels: [
        {
          kind: 'timeseries',
          title: 'Event loop',
          description:
            'Share of time that the event loop is busy. Near 100 % the replica needs a faster core, or more replicas.',
          unit: 'percentunit',
          noValue: 'none reports',
          width: 6,
          min: 0,
          max: 1,
          queries: [{ expr: `starling_event_loop_utilisation_ratio{${FLEET}}`, legend: '{{instance}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Late timers',
          description:
            'How late timers fire (99 %), and the time lost to garbage collection per second. A second endangers heartbeats.',
          unit: 's',
          noValue: 'none reports',
          width: 6,
          min: 0,
          queries: [
            {
              expr: `max by (instance) (starling_event_loop_delay_seconds{${FLEET}, statistic="p99"})`,
              legend: '{{instance}}',
            },
            { expr: rateOf('starling_gc_duration_seconds_sum', { by: 'instance' }), legend: '{{instance}} collecting' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Processor',
          description: 'Cores in use. A cycle is a short burst of work: a limit below one core makes it long.',
          unit: 'short',
          noValue: 'none reports',
          width: 6,
          min: 0,
          queries: [{ expr: rateOf('process_cpu_seconds_total', { by: 'instance' }), legend: '{{instance}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Memory',
          description:
            'Resident memory, and the largest JavaScript heap in use. If it only climbs at the same number of versions, it is a leak.',
          unit: 'bytes',
          noValue: 'none reports',
          width: 6,
          min: 0,
          queries: [
            { expr: `process_resident_memory_bytes{${FLEET}}`, legend: '{{instance}}' },
            { expr: `max(starling_heap_used_bytes{${FLEET}})`, legend: 'largest heap' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Running for',
          description: 'Time since the start of each process. A sawtooth is a process that restarts.',
          unit: 's',
          noValue: 'none reports',
          width: 12,
          min: 0,
          queries: [{ expr: `time() - process_start_time_seconds{${FLEET}}`, legend: '{{instance}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Open files',
          description: 'Open file descriptors. If the number only climbs, it is a leak.',
          unit: 'none',
          noValue: 'none reports',
          width: 12,
          min: 0,
          queries: [{ expr: `process_open_fds{${FLEET}}`, legend: '{{instance}}' }],
        },
      ],
    },
  ],
});

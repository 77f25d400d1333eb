import { board } from './board.ts';
import { FLEET, quantileOf, rateOf } from './promql.ts';

export const sharding = board({
  uid: 'starling-sharding',
  title: 'Starling / Sharding and coordination',
  description: 'Which replica serves what, which one discovers, and whether writers collide.',
  rows: [
    {
      title: 'Who serves what?',
      panels: [
        {
          kind: 'timeseries',
          title: 'Buckets of each replica',
          description:
            'Stacked, they add up to 1024. Below it some are not served; above it two replicas believe that they own the same ones, because they disagree on the members; fencing makes that harmless.',
          unit: 'none',
          noValue: 'none reports',
          width: 8,
          isStacked: true,
          isStairs: true,
          min: 0,
          queries: [{ expr: `starling_buckets_owned{${FLEET}}`, legend: '{{instance}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Age of decisions',
          description:
            'Since the last decision for the oldest and the median served bucket. It moves within one scaling interval; a line that climbs is a hanging replica.',
          unit: 's',
          noValue: 'nobody decides',
          width: 8,
          min: 0,
          queries: [
            {
              expr: `max(time() - max by (bucket) (starling_bucket_last_decision_timestamp_seconds{${FLEET}}))`,
              legend: 'oldest',
            },
            {
              expr: `quantile(0.5, time() - max by (bucket) (starling_bucket_last_decision_timestamp_seconds{${FLEET}}))`,
              legend: 'median',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Buckets unserved',
          description:
            'Of 1024, those that no replica decides for. A crash shows as one block of up to 10 s and a scaling interval; a stop is hardly visible.',
          unit: 'none',
          noValue: 'all: nobody decides',
          width: 8,
          isStairs: true,
          min: 0,
          queries: [
            {
              expr: `1024 - count(group by (bucket) (starling_bucket_last_decision_timestamp_seconds{${FLEET}}))`,
              legend: 'unserved',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Members, as each replica sees them',
          description:
            'All lines should coincide. If they differ for more than some seconds, replicas do not see each other in the store.',
          unit: 'none',
          noValue: 'none reports',
          width: 8,
          isStairs: true,
          min: 0,
          queries: [{ expr: `starling_members{${FLEET}}`, legend: '{{instance}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Buckets that moved',
          description:
            'Within five minutes. None while no replica joins or leaves; a steady stream means a replica that restarts, or whose heartbeats are late.',
          unit: 'none',
          noValue: 'none reports',
          width: 8,
          min: 0,
          queries: [
            {
              expr: `sum by (direction) (increase(starling_bucket_moves_total{${FLEET}}[5m]))`,
              legend: '{{direction}}',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Versions of each replica',
          description: 'Function versions in the buckets of each replica. They are spread evenly, like the buckets.',
          unit: 'none',
          noValue: 'none reports',
          width: 8,
          min: 0,
          isStairs: true,
          queries: [{ expr: `starling_versions_tracked{${FLEET}}`, legend: '{{instance}}' }],
        },
        {
          kind: 'table',
          title: 'Replicas',
          description:
            'Member id, version, and configuration hash of each replica. All hashes should be the same outside a roll-out.',
          unit: 'none',
          noValue: 'none reports',
          width: 24,
          height: 6,
          queries: [
            { expr: `starling_member_info{${FLEET}}`, legend: '' },
            { expr: `starling_build_info{${FLEET}}`, legend: '' },
            { expr: `starling_config_info{${FLEET}}`, legend: '' },
          ],
        },
      ],
    },
    {
      title: 'Who discovers?',
      panels: [
        {
          kind: 'state-timeline',
          title: 'Discovery duty',
          description: 'Which replica holds the duty. Exactly one, with a gap of up to 20 s when its holder dies.',
          unit: 'none',
          noValue: 'none reports',
          width: 12,
          queries: [{ expr: `starling_duty_held{${FLEET}, duty="discovery"}`, legend: '{{instance}}' }],
          words: { 0: '-', 1: 'holds it' },
          steps: [
            { from: 0, color: 'gray' },
            { from: 1, color: 'green' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Since the last success of each loop',
          description:
            'For the replica with the latest success: beat, tend, scale, learn and check stay within their period. Only one replica discovers.',
          unit: 's',
          noValue: 'none reports',
          width: 12,
          min: 0,
          queries: [
            {
              expr: `time() - max by (loop) (starling_loop_last_success_timestamp_seconds{${FLEET}})`,
              legend: '{{loop}}',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Loops, 99 %',
          description: 'Time of one activation. Beat and tend take milliseconds; seconds mean a slow store.',
          unit: 's',
          noValue: 'no activations',
          width: 12,
          min: 0,
          queries: [{ expr: quantileOf(0.99, 'starling_loop_duration_seconds', { by: 'loop' }), legend: '{{loop}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Overruns, failures and breaks of time',
          description:
            'Within five minutes: activations longer than their period, activations that failed, and times that a process or its machine was suspended. Empty while there are none.',
          unit: 'none',
          noValue: 'none',
          width: 12,
          min: 0,
          queries: [
            {
              expr: `sum by (loop) (increase(starling_loop_overruns_total{${FLEET}}[5m]))`,
              legend: '{{loop}}: overruns',
            },
            {
              expr: `sum by (loop) (increase(starling_loop_duration_seconds_count{${FLEET}, result="failed"}[5m]))`,
              legend: '{{loop}}: failures',
            },
            { expr: `sum(increase(starling_time_breaks_total{${FLEET}}[5m]))`, legend: 'breaks of time' },
          ],
        },
      ],
    },
    {
      title: 'Do writers meet?',
      panels: [
        {
          kind: 'timeseries',
          title: 'Claims',
          description:
            'Attempts to take the next fencing token, by how they ended. A few lost ones are normal at a take-over; many mean that two replicas want the same versions.',
          unit: 'ops',
          noValue: 'nothing was claimed',
          width: 12,
          min: 0,
          queries: [{ expr: rateOf('starling_claims_total', { by: 'outcome' }), legend: '{{outcome}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Fences',
          description:
            'Within five minutes: wishes that met a newer token at the control plane, and of these the ones whose token is newer than any in the store: a restored store, or a second fleet. Empty while there are none.',
          unit: 'none',
          noValue: 'none',
          width: 12,
          min: 0,
          queries: [
            {
              expr: `sum(increase(starling_actuations_total{${FLEET}, outcome="fenced"}[5m]))`,
              legend: 'fenced',
            },
            {
              expr: `sum(increase(starling_token_regressions_total{${FLEET}}[5m]))`,
              legend: 'regressions',
            },
          ],
        },
      ],
    },
  ],
});

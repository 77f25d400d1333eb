import { board } from './board.ts';
import { FLEET, quantileOf, rateOf } from './promql.ts';

const UP_OR_DOWN = {
  words: { 0: 'down', 1: 'up' },
  steps: [
    { from: 0, color: 'red' },
    { from: 1, color: 'green' },
  ],
} as const;

export const dependencies = board({
  uid: 'starling-dependencies',
  title: 'Starling / Dependencies',
  description: 'The coordination store, the time-series store, the control plane, clocks and credentials.',
  rows: [
    {
      title: 'At one glance',
      panels: [
        {
          kind: 'state-timeline',
          title: 'What it stands on',
          description: 'Whether each dependency answers each replica. One red row: only that replica cannot reach it.',
          unit: 'none',
          noValue: 'none reports',
          width: 12,
          queries: [{ expr: `starling_dependency_up{${FLEET}}`, legend: '{{dependency}} of {{instance}}' }],
          ...UP_OR_DOWN,
        },
        {
          kind: 'timeseries',
          title: 'Circuit breakers',
          description:
            'Above zero while calls are held back after repeated failures (2: open, 1: trying again). Empty while none ever changed.',
          unit: 'none',
          noValue: 'none',
          width: 6,
          min: 0,
          isStairs: true,
          queries: [{ expr: `max by (dependency) (starling_breaker_state{${FLEET}})`, legend: '{{dependency}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Clock skew',
          description:
            'Clocks of the replicas against that of the time-series store; positive if the replica is ahead. Beyond timeseries.clockSkewMax (30 s) nothing is decided.',
          unit: 's',
          noValue: 'not measured',
          width: 6,
          queries: [{ expr: `starling_clock_skew_seconds{${FLEET}}`, legend: '{{instance}}' }],
        },
      ],
    },
    {
      title: 'Coordination store',
      panels: [
        {
          kind: 'timeseries',
          title: 'Calls',
          description: 'Calls a second by how they ended. Anything but ok for longer than a moment delays decisions.',
          unit: 'ops',
          noValue: 'no calls',
          width: 8,
          min: 0,
          isStacked: true,
          queries: [{ expr: rateOf('starling_store_request_seconds_count', { by: 'outcome' }), legend: '{{outcome}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Time, 99 %',
          description: 'By operation. Heartbeats are acknowledged within 3 s or the replica sends nothing.',
          unit: 's',
          noValue: 'no calls',
          width: 8,
          min: 0,
          queries: [
            {
              expr: quantileOf(0.99, 'starling_store_request_seconds', { by: 'operation' }),
              legend: '{{operation}}',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Lost answers and lost ledger entries',
          description:
            'Within five minutes: conditional writes whose answer was lost, by the result of the serial read after them, and lost ledger entries. Empty while there are none.',
          unit: 'none',
          noValue: 'none',
          width: 8,
          min: 0,
          queries: [
            {
              expr: `sum by (resolution) (increase(starling_store_unknown_outcomes_total{${FLEET}}[5m]))`,
              legend: '{{resolution}}',
            },
            { expr: `sum(increase(starling_ledger_dropped_total{${FLEET}}[5m]))`, legend: 'ledger entries' },
          ],
        },
      ],
    },
    {
      title: 'Time-series store',
      panels: [
        {
          kind: 'timeseries',
          title: 'Queries',
          description:
            'Queries a second by how they ended, and retries. A cycle needs a few, however many versions there are.',
          unit: 'ops',
          noValue: 'no queries',
          width: 8,
          min: 0,
          queries: [
            { expr: rateOf('starling_timeseries_request_seconds_count', { by: 'outcome' }), legend: '{{outcome}}' },
            { expr: rateOf('starling_timeseries_retries_total'), legend: 'further attempts' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Time, 99 %',
          description: 'By query. Near timeseries.timeout (10 s) they begin to fail, and nothing is lowered.',
          unit: 's',
          noValue: 'no queries',
          width: 8,
          min: 0,
          queries: [
            { expr: quantileOf(0.99, 'starling_timeseries_request_seconds', { by: 'query' }), legend: '{{query}}' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Size of answers, 99 %',
          description:
            'By query; the upper edge of a coarse bucket. It grows with the fleet, unless the metrics carry the bucket.',
          unit: 'bytes',
          noValue: 'no answers',
          width: 8,
          min: 0,
          queries: [
            {
              expr: quantileOf(0.99, 'starling_timeseries_response_bytes', { by: 'query' }),
              legend: '{{query}}',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Failed and partial answers',
          description:
            'Within five minutes: failed queries by kind, and answers that the store marked as incomplete. Empty while there are none.',
          unit: 'none',
          noValue: 'none',
          width: 8,
          min: 0,
          queries: [
            { expr: `sum by (kind) (increase(starling_timeseries_errors_total{${FLEET}}[5m]))`, legend: '{{kind}}' },
            { expr: `sum(increase(starling_timeseries_partial_total{${FLEET}}[5m]))`, legend: 'partial' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Discovery cannot read',
          description: 'For how long a part of the fleet could not be read; its versions are kept. Zero is good.',
          unit: 's',
          noValue: 'nobody discovers',
          width: 8,
          min: 0,
          queries: [{ expr: `max by (part) (starling_discovery_part_age_seconds{${FLEET}})`, legend: '{{part}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Samples and series of no use',
          description:
            'Within five minutes: samples with impossible values or from two series, and series without a usable identity. Empty while there are none.',
          unit: 'none',
          noValue: 'none',
          width: 8,
          min: 0,
          queries: [
            { expr: `sum by (why) (increase(starling_samples_rejected_total{${FLEET}}[5m]))`, legend: '{{why}}' },
            {
              expr: `sum by (why) (increase(starling_discovery_rejected_total{${FLEET}}[5m]))`,
              legend: 'discovery: {{why}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Control plane',
      panels: [
        {
          kind: 'timeseries',
          title: 'Calls',
          description: 'Calls a second, by what was called and how it ended.',
          unit: 'ops',
          noValue: 'no calls',
          width: 8,
          min: 0,
          isStacked: true,
          queries: [
            {
              expr: rateOf('starling_control_plane_request_seconds_count', { by: 'call, outcome' }),
              legend: '{{call}} {{outcome}}',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Time, 99 %',
          description: 'By call. It is part of the time from a decision to its acceptance.',
          unit: 's',
          noValue: 'no calls',
          width: 8,
          min: 0,
          queries: [
            {
              expr: quantileOf(0.99, 'starling_control_plane_request_seconds', { by: 'call' }),
              legend: '{{call}}',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Rate',
          description:
            'Wishes a second that all replicas together may send and do send. Where the two lines meet, wishes wait.',
          unit: 'ops',
          noValue: 'none reports',
          width: 8,
          min: 0,
          dashed: ['allowed'],
          queries: [
            { expr: `sum(starling_control_plane_rate_per_second{${FLEET}})`, legend: 'allowed' },
            { expr: rateOf('starling_actuations_total'), legend: 'sent' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'On their way',
          description: 'Wishes whose answer is awaited.',
          unit: 'none',
          noValue: 'nothing was sent',
          width: 8,
          min: 0,
          queries: [{ expr: `sum(starling_control_plane_wishes_in_flight{${FLEET}})`, legend: 'in flight' }],
        },
        {
          kind: 'timeseries',
          title: 'Age of bounds and policies',
          description: 'The oldest that is still in use. It grows while the control plane does not answer.',
          unit: 's',
          noValue: 'never told',
          width: 8,
          min: 0,
          queries: [{ expr: `max(starling_target_age_seconds_max{${FLEET}})`, legend: 'oldest' }],
        },
        {
          kind: 'timeseries',
          title: 'Targets',
          description:
            'Versions by what the control plane says of them. Nothing is decided for unknown and barred ones; gone ones are checked rarely.',
          unit: 'none',
          noValue: 'none reports',
          width: 8,
          min: 0,
          isStacked: true,
          queries: [{ expr: `sum by (state) (starling_targets{${FLEET}})`, legend: '{{state}}' }],
        },
      ],
    },
    {
      title: 'Credentials',
      panels: [
        {
          kind: 'timeseries',
          title: 'Turned away',
          description:
            'Within five minutes: calls refused as not authorised, and answers that asked for fewer calls. Empty while there are none.',
          unit: 'none',
          noValue: 'none',
          width: 8,
          min: 0,
          queries: [
            {
              expr: `sum by (dependency) (increase(starling_auth_failures_total{${FLEET}}[5m]))`,
              legend: '{{dependency}}: not authorised',
            },
            {
              expr: `sum(increase(starling_control_plane_throttled_total{${FLEET}}[5m]))`,
              legend: 'control plane: fewer calls',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Certificates end in',
          description:
            'Time until each client certificate expires, for the replica with the oldest. Empty unless a client certificate is configured.',
          unit: 's',
          noValue: 'no client certificate',
          width: 8,
          queries: [
            {
              expr: `min by (use) (starling_certificate_expiry_timestamp_seconds{${FLEET}}) - time()`,
              legend: '{{use}}',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Secrets',
          description:
            'Attempts within five minutes to read changed secrets, by how they ended, and minutes since the last success. Empty unless secrets are configured as files.',
          unit: 'none',
          noValue: 'no secret files',
          width: 8,
          min: 0,
          queries: [
            {
              expr: `sum by (result) (increase(starling_secret_reloads_total{${FLEET}}[5m]))`,
              legend: '{{result}}',
            },
            {
              expr: `(time() - min(starling_secret_last_success_timestamp_seconds{${FLEET}})) / 60`,
              legend: 'minutes since the last good one',
            },
          ],
        },
      ],
    },
  ],
});

import { board, variable } from './board.ts';
import { FLEET, rateOf } from './promql.ts';

/** One version. After a take-over two replicas may show it for a scrape: the maximum is taken. */
const ONE = `${FLEET}, function_id=~"$function", function_version_id=~"$version"`;
const NOT_EXPORTED = 'no series: set telemetry.perFunction';
const WHEN_EMPTY = 'Empty unless telemetry.perFunction exports this version.';

const one = (metric: string) => `max(${metric}{${ONE}})`;

export const functionBoard = board({
  uid: 'starling-function',
  title: 'Starling / Function',
  description: 'Why did it scale? Needs telemetry.perFunction: capped or all.',
  variables: [
    variable({
      name: 'function',
      label: 'Function',
      values: `label_values(starling_function_decision_info{${FLEET}}, function_id)`,
    }),
    variable({
      name: 'version',
      label: 'Version',
      values: `label_values(starling_function_decision_info{${FLEET}, function_id=~"$function"}, function_version_id)`,
    }),
  ],
  rows: [
    {
      title: '$version now',
      panels: [
        {
          kind: 'stat',
          title: 'Last decision',
          description: `The verdict of the last decision and its first reason. More: starling explain. ${WHEN_EMPTY}`,
          unit: 'none',
          noValue: NOT_EXPORTED,
          width: 6,
          showsName: true,
          queries: [
            {
              expr: `max by (verdict, reason) (starling_function_decision_info{${ONE}})`,
              legend: '{{verdict}}: {{reason}}',
            },
          ],
        },
        {
          kind: 'stat',
          title: 'Wanted',
          description: `Instances wanted. ${WHEN_EMPTY}`,
          unit: 'none',
          noValue: NOT_EXPORTED,
          width: 3,
          queries: [{ expr: one('starling_function_wanted_instances'), legend: 'wanted' }],
        },
        {
          kind: 'stat',
          title: 'Running',
          description: `Instances seen running. ${WHEN_EMPTY}`,
          unit: 'none',
          noValue: NOT_EXPORTED,
          width: 3,
          queries: [{ expr: one('starling_function_actual_instances'), legend: 'running' }],
        },
        {
          kind: 'stat',
          title: 'Bounds',
          description: `Its minimum and maximum of instances. ${WHEN_EMPTY}`,
          unit: 'none',
          noValue: NOT_EXPORTED,
          width: 4,
          queries: [
            { expr: one('starling_function_min_instances'), legend: 'least' },
            { expr: one('starling_function_max_instances'), legend: 'most' },
          ],
        },
        {
          kind: 'stat',
          title: 'Utilisation',
          description: `Share of its capacity in use, as the last decision saw it. ${WHEN_EMPTY}`,
          unit: 'percentunit',
          noValue: NOT_EXPORTED,
          width: 4,
          queries: [{ expr: one('starling_function_utilisation_ratio'), legend: 'utilisation' }],
        },
        {
          kind: 'stat',
          title: 'Paused',
          description: `Whether an operator has paused it. ${WHEN_EMPTY}`,
          unit: 'none',
          noValue: NOT_EXPORTED,
          width: 4,
          queries: [{ expr: one('starling_function_paused'), legend: 'paused' }],
          words: { 0: 'no', 1: 'paused' },
          steps: [
            { from: 0, color: 'green' },
            { from: 1, color: 'orange' },
          ],
        },
      ],
    },
    {
      title: 'Why did it scale?',
      panels: [
        {
          kind: 'timeseries',
          title: 'Instances',
          description: `Wanted and running. If they differ for long, the control plane does not carry out the wishes. ${WHEN_EMPTY}`,
          unit: 'none',
          noValue: NOT_EXPORTED,
          width: 24,
          height: 9,
          isStairs: true,
          min: 0,
          queries: [
            { expr: one('starling_function_wanted_instances'), legend: 'wanted' },
            { expr: one('starling_function_actual_instances'), legend: 'running' },
          ],
        },
        {
          kind: 'state-timeline',
          title: 'Verdicts and reasons',
          description: `When each verdict and first reason applied. What they mean: docs/policies.md. ${WHEN_EMPTY}`,
          unit: 'none',
          noValue: NOT_EXPORTED,
          width: 24,
          height: 8,
          queries: [
            {
              expr: `max by (verdict, reason) (starling_function_decision_info{${ONE}})`,
              legend: '{{verdict}}: {{reason}}',
            },
          ],
          words: { 1: ' ' },
          steps: [{ from: 0, color: 'green' }],
        },
        {
          kind: 'timeseries',
          title: 'Utilisation',
          description: `Share of its capacity in use, as each decision saw it. A gap: there was no sample. ${WHEN_EMPTY}`,
          unit: 'percentunit',
          noValue: NOT_EXPORTED,
          width: 24,
          min: 0,
          queries: [{ expr: one('starling_function_utilisation_ratio'), legend: 'utilisation' }],
        },
      ],
    },
    {
      title: 'Beside all others',
      panels: [
        {
          kind: 'bargauge',
          title: 'Changed most often',
          description: `Changes of the wanted count within an hour. One far above the rest is unstable: give its policy a longer window or a wider band. ${WHEN_EMPTY}`,
          unit: 'none',
          noValue: NOT_EXPORTED,
          width: 12,
          min: 0,
          queries: [
            {
              expr: `topk(10, max by (function_version_id) (changes(starling_function_wanted_instances{${FLEET}}[1h])))`,
              legend: '{{function_version_id}}',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'At a bound',
          description:
            'Versions at their upper bound, and versions that are not exported here. If many are at their bound, raise it, or calls wait.',
          unit: 'none',
          noValue: NOT_EXPORTED,
          width: 12,
          min: 0,
          isStairs: true,
          queries: [
            {
              expr: `count(max by (function_version_id) (starling_function_wanted_instances{${FLEET}}) >= max by (function_version_id) (starling_function_max_instances{${FLEET}})) or vector(0)`,
              legend: 'at the upper bound',
            },
            { expr: `sum(starling_functions_not_exported{${FLEET}})`, legend: 'not exported' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Reasons of all versions',
          description: 'The ten most frequent first reasons, over the whole fleet.',
          unit: 'ops',
          noValue: 'no decisions',
          width: 24,
          min: 0,
          queries: [
            {
              expr: `topk(10, ${rateOf('starling_decisions_total', { by: 'verdict, reason' })})`,
              legend: '{{verdict}}: {{reason}}',
            },
          ],
        },
      ],
    },
  ],
});

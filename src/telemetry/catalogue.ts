/** Every metric of the service, once: the instruments, the documentation and the tests are made from this list. */
export interface MetricEntry {
  readonly name: string;
  readonly kind: 'counter' | 'histogram' | 'gauge';
  readonly unit: '' | 's' | 'By' | '1';
  readonly labels: readonly string[];
  readonly help: string;
  readonly boundaries?: readonly number[];
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

export const CATALOGUE = [
  {
    name: 'starling_store_request_seconds',
    kind: 'histogram',
    unit: 's',
    labels: ['operation', 'outcome'],
    boundaries: SECONDS,
    help: 'Time of calls to the coordination store.',
  },
  {
    name: 'starling_timeseries_request_seconds',
    kind: 'histogram',
    unit: 's',
    labels: ['query', 'outcome'],
    boundaries: SECONDS,
    help: 'Time of queries to the time-series store.',
  },
  {
    name: 'starling_control_plane_request_seconds',
    kind: 'histogram',
    unit: 's',
    labels: ['call', 'outcome'],
    boundaries: SECONDS,
    help: 'Time of calls to the control plane.',
  },
  {
    name: 'starling_loop_duration_seconds',
    kind: 'histogram',
    unit: 's',
    labels: ['loop', 'result'],
    boundaries: SECONDS,
    help: 'Time of one activation of a loop.',
  },
  {
    name: 'starling_loop_overruns_total',
    kind: 'counter',
    unit: '',
    labels: ['loop'],
    help: 'Activations that took longer than the period of their loop.',
  },
  {
    name: 'starling_loop_last_success_timestamp_seconds',
    kind: 'gauge',
    unit: 's',
    labels: ['loop'],
    help: 'When the loop last completed an activation.',
  },
] as const satisfies readonly MetricEntry[];

type Entry = (typeof CATALOGUE)[number];
export type CounterName = Extract<Entry, { kind: 'counter' }>['name'];
export type HistogramName = Extract<Entry, { kind: 'histogram' }>['name'];
export type GaugeName = Extract<Entry, { kind: 'gauge' }>['name'];

/** Where the embedded store answers otherwise than Prometheus 2.42 within what it supports, one by one. Each is tried. */
export interface Difference {
  readonly query: string;
  readonly why: string;
  /** Generated queries that would only show the same once more. */
  readonly covers: RegExp;
}

const NOTHING_ELSE = /$^/;

export const DIFFERENCES: readonly Difference[] = [
  {
    query: '1. + 1',
    why: 'The grammar has no numbers that end in a point; write 1 or 1.0.',
    covers: NOTHING_ELSE,
  },
  {
    query: 'OFFSET',
    why: 'The grammar takes no keyword as the name of a metric; write {__name__="offset"}.',
    covers: NOTHING_ELSE,
  },
  {
    query: 'timestamp(requests_total @ end() offset 2m)',
    why: 'Prometheus 2.42 loses a fixed moment whose sample is nearly as old as the lookback, but only in timestamp(); the selector alone finds it in both.',
    covers: /timestamp\([^)]* @ /,
  },
];

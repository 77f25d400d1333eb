import type { ValueType } from './expression.ts';

interface Signature {
  readonly takes: readonly ValueType[];
  /** How many of these must be given; default: all. */
  readonly needs?: number;
  /** The last may be repeated. */
  readonly isVariadic?: boolean;
  readonly returns: ValueType;
}

const OVER_RANGE: Signature = { takes: ['matrix'], returns: 'vector' };
const OVER_VECTOR: Signature = { takes: ['vector'], returns: 'vector' };

/** Every function of the subset. Anything else that the grammar knows is not supported. */
const SIGNATURES = {
  rate: OVER_RANGE,
  increase: OVER_RANGE,
  irate: OVER_RANGE,
  delta: OVER_RANGE,
  idelta: OVER_RANGE,
  changes: OVER_RANGE,
  resets: OVER_RANGE,
  avg_over_time: OVER_RANGE,
  min_over_time: OVER_RANGE,
  max_over_time: OVER_RANGE,
  sum_over_time: OVER_RANGE,
  count_over_time: OVER_RANGE,
  last_over_time: OVER_RANGE,
  present_over_time: OVER_RANGE,
  stddev_over_time: OVER_RANGE,
  stdvar_over_time: OVER_RANGE,
  quantile_over_time: { takes: ['scalar', 'matrix'], returns: 'vector' },
  absent_over_time: OVER_RANGE,
  absent: OVER_VECTOR,
  abs: OVER_VECTOR,
  ceil: OVER_VECTOR,
  floor: OVER_VECTOR,
  sgn: OVER_VECTOR,
  sqrt: OVER_VECTOR,
  exp: OVER_VECTOR,
  ln: OVER_VECTOR,
  log2: OVER_VECTOR,
  log10: OVER_VECTOR,
  round: { takes: ['vector', 'scalar'], needs: 1, returns: 'vector' },
  clamp: { takes: ['vector', 'scalar', 'scalar'], returns: 'vector' },
  clamp_min: { takes: ['vector', 'scalar'], returns: 'vector' },
  clamp_max: { takes: ['vector', 'scalar'], returns: 'vector' },
  sort: OVER_VECTOR,
  sort_desc: OVER_VECTOR,
  timestamp: OVER_VECTOR,
  label_replace: { takes: ['vector', 'string', 'string', 'string', 'string'], returns: 'vector' },
  label_join: { takes: ['vector', 'string', 'string', 'string'], needs: 3, isVariadic: true, returns: 'vector' },
  histogram_quantile: { takes: ['scalar', 'vector'], returns: 'vector' },
  time: { takes: [], returns: 'scalar' },
  scalar: { takes: ['vector'], returns: 'scalar' },
  vector: { takes: ['scalar'], returns: 'vector' },
} as const satisfies Record<string, Signature>;

export type FunctionName = keyof typeof SIGNATURES;

export function signatureOf(name: string): Signature | undefined {
  return Object.hasOwn(SIGNATURES, name) ? SIGNATURES[name as FunctionName] : undefined;
}

export function functionNames(): readonly string[] {
  return Object.keys(SIGNATURES);
}

import type { ValueType } from './expression.ts';
import { FOLDS } from './range-functions.ts';
import { MAPS } from './vector-functions.ts';

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
const SIGNATURES: Readonly<Record<string, Signature>> = {
  ...signed(FOLDS, OVER_RANGE),
  ...signed(MAPS, OVER_VECTOR),
  quantile_over_time: { takes: ['scalar', 'matrix'], returns: 'vector' },
  absent_over_time: OVER_RANGE,
  absent: OVER_VECTOR,
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
};

function signed(functions: object, signature: Signature): Record<string, Signature> {
  return Object.fromEntries(Object.keys(functions).map((name) => [name, signature]));
}

export function signatureOf(name: string): Signature | undefined {
  return Object.hasOwn(SIGNATURES, name) ? SIGNATURES[name] : undefined;
}

export function functionNames(): readonly string[] {
  return Object.keys(SIGNATURES);
}

import type { Matcher } from '../storage/matcher.ts';

export type ValueType = 'scalar' | 'vector' | 'matrix' | 'string';

export const SET_OPERATORS = ['and', 'or', 'unless'] as const;
export const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='] as const;
export const ARITHMETIC = ['+', '-', '*', '/', '%', '^'] as const;
export type SetOperator = (typeof SET_OPERATORS)[number];
export type Comparison = (typeof COMPARISONS)[number];
export type Arithmetic = (typeof ARITHMETIC)[number];
export type BinaryOperator = SetOperator | Comparison | Arithmetic;

const PLAIN_AGGREGATIONS = ['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar'] as const;
/** Those that take a parameter beside what they aggregate. */
const PARAMETRIC_AGGREGATIONS = ['quantile', 'topk', 'bottomk', 'count_values'] as const;
export const AGGREGATIONS = [...PLAIN_AGGREGATIONS, ...PARAMETRIC_AGGREGATIONS] as const;
export type Aggregation = (typeof AGGREGATIONS)[number];

export interface VectorSelector {
  readonly kind: 'vector-selector';
  readonly matchers: readonly Matcher[];
  readonly offsetMs: number;
  /** The moment of `@`, whatever moment is asked for. */
  readonly at: number | 'start' | 'end' | undefined;
}

export interface MatrixSelector {
  readonly kind: 'matrix-selector';
  readonly selector: VectorSelector;
  readonly rangeMs: number;
}

export interface Call {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly Expression[];
  readonly returns: ValueType;
}

export interface Aggregate {
  readonly kind: 'aggregate';
  readonly operator: Aggregation;
  readonly parameter: Expression | undefined;
  readonly of: Expression;
  readonly labels: readonly string[];
  readonly isWithout: boolean;
}

/** How the two sides of an operator find each other. */
export interface Matching {
  readonly isOn: boolean;
  readonly labels: readonly string[];
  /** The side of which several may stand against one of the other. */
  readonly many: 'left' | 'right' | undefined;
  /** Labels that come from the one to the many. */
  readonly include: readonly string[];
}

export interface Binary {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  readonly isBool: boolean;
  readonly matching: Matching;
}

export type Expression =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly text: string }
  | VectorSelector
  | MatrixSelector
  | Call
  | Aggregate
  | Binary
  | { readonly kind: 'unary'; readonly isNegation: boolean; readonly of: Expression }
  | { readonly kind: 'parenthesised'; readonly of: Expression };

/** Without the brackets around it. */
export function bare(expression: Expression): Expression {
  return expression.kind === 'parenthesised' ? bare(expression.of) : expression;
}

export function typeOf(expression: Expression): ValueType {
  switch (expression.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'vector-selector':
    case 'aggregate':
      return 'vector';
    case 'matrix-selector':
      return 'matrix';
    case 'call':
      return expression.returns;
    case 'binary':
      return typeOf(expression.left) === 'scalar' && typeOf(expression.right) === 'scalar' ? 'scalar' : 'vector';
    case 'unary':
    case 'parenthesised':
      return typeOf(expression.of);
    default:
      return expression satisfies never;
  }
}

export function takesParameter(aggregation: Aggregation): boolean {
  return PARAMETRIC_AGGREGATIONS.some((one) => one === aggregation);
}

/** As people know these types. */
export function typeName(type: ValueType): string {
  if (type === 'vector') return 'instant vector';
  return type === 'matrix' ? 'range vector' : type;
}

export function isSetOperator(operator: BinaryOperator): operator is SetOperator {
  return SET_OPERATORS.some((one) => one === operator);
}

export function isComparison(operator: BinaryOperator): operator is Comparison {
  return COMPARISONS.some((one) => one === operator);
}

/** What does not go together, in Prometheus' words; undefined: nothing. So for the next two. */
export function faultOfType(expression: Expression, type: ValueType, what: string): string | undefined {
  const found = typeOf(expression);
  return found === type ? undefined : `expected type ${typeName(type)} in ${what}, got ${typeName(found)}`;
}

export function faultOfUnary(of: Expression): string | undefined {
  const type = typeOf(of);
  if (type === 'scalar' || type === 'vector') return undefined;
  return `unary expression only allowed on expressions of type scalar or instant vector, got "${typeName(type)}"`;
}

/** `hasClause`: it says how its sides are to be matched. */
export function faultOfBinary(binary: Binary, { hasClause }: { hasClause: boolean }): string | undefined {
  const { operator, left, right, isBool, matching } = binary;
  const types = [typeOf(left), typeOf(right)];
  if (types.some((type) => type !== 'scalar' && type !== 'vector')) {
    return 'binary expression must contain only scalar and instant vector types';
  }
  const areScalars = types.every((type) => type === 'scalar');
  const hasScalar = types.includes('scalar');
  if (isBool && !isComparison(operator)) return 'bool modifier can only be used on comparison operators';
  if (isComparison(operator) && !isBool && areScalars) return 'comparisons between scalars must use BOOL modifier';
  if (isSetOperator(operator)) {
    if (hasScalar) return `set operator "${operator}" not allowed in binary scalar expression`;
    if (matching.many) return `no grouping allowed for "${operator}" operation`;
  }
  if (hasScalar && hasClause && matching.labels.length > 0)
    return 'vector matching only allowed between instant vectors';
  const both = matching.isOn ? matching.labels.find((name) => matching.include.includes(name)) : undefined;
  return both === undefined ? undefined : `label "${both}" must not occur in ON and GROUP clause at once`;
}

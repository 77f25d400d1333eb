import type { Matcher } from '../storage/matcher.ts';

export type ValueType = 'scalar' | 'vector' | 'matrix' | 'string';

export const SET_OPERATORS = ['and', 'or', 'unless'] as const;
export const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='] as const;
export const ARITHMETIC = ['+', '-', '*', '/', '%', '^'] as const;
export type SetOperator = (typeof SET_OPERATORS)[number];
export type Comparison = (typeof COMPARISONS)[number];
export type Arithmetic = (typeof ARITHMETIC)[number];
export type BinaryOperator = SetOperator | Comparison | Arithmetic;

export const AGGREGATIONS = [
  'sum',
  'avg',
  'min',
  'max',
  'count',
  'group',
  'stddev',
  'stdvar',
  'quantile',
  'topk',
  'bottomk',
  'count_values',
] as const;
export type Aggregation = (typeof AGGREGATIONS)[number];

export interface NumberLiteral {
  readonly kind: 'number';
  readonly value: number;
}

export interface StringLiteral {
  readonly kind: 'string';
  readonly text: string;
}

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

export interface Unary {
  readonly kind: 'unary';
  readonly isNegation: boolean;
  readonly of: Expression;
}

export interface Parenthesised {
  readonly kind: 'parenthesised';
  readonly of: Expression;
}

export type Expression =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | Call
  | Aggregate
  | Binary
  | Unary
  | Parenthesised;

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

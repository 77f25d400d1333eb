import {
  type Binary,
  type Expression,
  isComparison,
  isSetOperator,
  typeName,
  typeOf,
  type ValueType,
} from './expression.ts';

/** What does not go together, in Prometheus' words; undefined: nothing. */

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

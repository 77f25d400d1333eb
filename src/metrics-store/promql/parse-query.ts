import type { SyntaxNode } from '@lezer/common';
import { METRIC_NAME } from '../storage/labels.ts';
import { type Matcher, type MatchOperator, matcherOf } from '../storage/matcher.ts';
import { PatternError } from '../storage/pattern.ts';
import {
  AGGREGATIONS,
  ARITHMETIC,
  type Binary,
  type BinaryOperator,
  COMPARISONS,
  type Expression,
  faultOfBinary,
  faultOfType,
  faultOfUnary,
  type Matching,
  SET_OPERATORS,
  takesParameter,
  type ValueType,
} from './expression.ts';
import { signatureOf } from './functions.ts';
import { type Modifier, misplaced, modifiedSelector, takeModifiers } from './modifiers.ts';
import { QueryError } from './query-error.ts';
import { QueryText } from './query-text.ts';
import { expressionNode, partsOf } from './syntax-tree.ts';

/** Longer queries are not meant. */
const QUERY_MAX_CHARACTERS = 100_000;
/** Deeper ones would run out of stack. */
const DEPTH_MAX = 200;
const OPERATORS: readonly BinaryOperator[] = [...SET_OPERATORS, ...COMPARISONS, ...ARITHMETIC];
const SUBQUERIES = 'subqueries (expression[range:step])';

/** Reads a query. Throws a QueryError that says where it is wrong, or what in it is not supported. */
export function parseQuery(text: string): Expression {
  return new Reading(text).whole();
}

/** The matchers of a plain selector, as `match[]` takes them. */
export function selectorMatchers(text: string): readonly Matcher[] {
  const expression = parseQuery(text);
  if (expression.kind === 'vector-selector') return expression.matchers;
  throw new QueryError('bad_data', `invalid parameter "match[]": ${JSON.stringify(text)} is no selector of series`);
}

/** Makes an expression of what the grammar sees. */
class Reading {
  readonly #query: QueryText;
  /** Those that are not with their selector yet, by where that ends. */
  readonly #modifiers: Map<number, Modifier[]>;

  constructor(text: string) {
    const { plain, modifiers } = takeModifiers(text.slice(0, QUERY_MAX_CHARACTERS + 1));
    this.#query = new QueryText(plain);
    this.#modifiers = modifiers;
  }

  whole(): Expression {
    if (this.#query.text.length > QUERY_MAX_CHARACTERS)
      throw this.#query.wrong(0, `the query is longer than ${QUERY_MAX_CHARACTERS} characters`);
    for (const { kind, text, from } of [...this.#modifiers.values()].flat()) {
      if (kind === 'range' && text.includes(':')) throw this.#query.notSupported(from, SUBQUERIES);
    }
    const expression = this.#expression(expressionNode(this.#query), 0);
    for (const [first] of this.#modifiers.values()) if (first) throw misplaced(first, this.#query);
    return expression;
  }

  #expression(node: SyntaxNode, depth: number): Expression {
    if (depth > DEPTH_MAX) throw this.#query.wrong(node.from, 'the query is nested too deeply');
    switch (node.name) {
      case 'NumberDurationLiteral':
        return { kind: 'number', value: this.#query.number(node) };
      case 'StringLiteral':
        return { kind: 'string', text: this.#query.string(node) };
      case 'ParenExpr':
        return { kind: 'parenthesised', of: this.#expression(this.#only(node), depth + 1) };
      case 'UnaryExpr':
        return this.#unary(node, depth);
      case 'BinaryExpr':
        return this.#binary(node, depth);
      case 'AggregateExpr':
        return this.#aggregate(node, depth);
      case 'FunctionCall':
        return this.#call(node, depth);
      case 'VectorSelector':
        return this.#selector(node);
      default:
        throw this.#query.notSupported(node.from, node.name);
    }
  }

  #unary(node: SyntaxNode, depth: number): Expression {
    const [sign, operand] = partsOf(node);
    const of = this.#expression(operand as SyntaxNode, depth + 1);
    this.#refuse(node, faultOfUnary(of));
    return { kind: 'unary', isNegation: this.#query.of(sign as SyntaxNode) === '-', of };
  }

  #binary(node: SyntaxNode, depth: number): Expression {
    const parts = partsOf(node);
    const [leftNode, operatorNode] = parts as [SyntaxNode, SyntaxNode];
    const rightNode = parts.at(-1) as SyntaxNode;
    const operator = OPERATORS.find((one) => one === this.#query.of(operatorNode).toLowerCase());
    if (operator === undefined)
      throw this.#query.notSupported(operatorNode.from, `the operator ${this.#query.of(operatorNode)}`);
    // The grammar takes the sign of a number for a part of it, but a power binds more closely: -2^2 is -4.
    const sign =
      operator === '^' && leftNode.name === 'NumberDurationLiteral' ? this.#query.of(leftNode)[0] : undefined;
    const isSigned = sign === '-' || sign === '+';
    const left: Expression = isSigned
      ? { kind: 'number', value: this.#query.number(leftNode, 1) }
      : this.#expression(leftNode, depth + 1);
    const right = this.#expression(rightNode, depth + 1);
    const clause = parts.find(({ name }) => name === 'MatchingModifierClause');
    const isBool = parts.some(({ name }) => name === 'BoolModifier');
    const matching = this.#matching(clause);
    const binary: Binary = { kind: 'binary', operator, left, right, isBool, matching };
    this.#refuse(node, faultOfBinary(binary, { hasClause: clause !== undefined }));
    return isSigned ? { kind: 'unary', isNegation: sign === '-', of: binary } : binary;
  }

  #matching(clause: SyntaxNode | undefined): Matching {
    const matching = {
      isOn: false,
      labels: [] as string[],
      many: undefined as Matching['many'],
      include: [] as string[],
    };
    if (!clause) return matching;
    for (const part of partsOf(clause)) {
      if (part.name === 'On') matching.isOn = true;
      else if (part.name === 'GroupLeft') matching.many = 'left';
      else if (part.name === 'GroupRight') matching.many = 'right';
      else if (part.name === 'GroupingLabels') {
        if (matching.many === undefined) matching.labels = this.#labelNames(part);
        else matching.include = this.#labelNames(part);
      }
    }
    return matching;
  }

  #aggregate(node: SyntaxNode, depth: number): Expression {
    const parts = partsOf(node);
    const name = this.#query.of(parts[0] as SyntaxNode).toLowerCase();
    const operator = AGGREGATIONS.find((one) => one === name);
    if (operator === undefined) throw this.#query.notSupported(node.from, `the aggregation ${name}`);
    const modifier = parts.find((part) => part.name === 'AggregateModifier');
    const body = parts.find((part) => part.name === 'FunctionCallBody');
    if (!body) throw this.#query.wrong(node.from, `no arguments for aggregate expression "${name}"`);
    const args = partsOf(body).map((part) => this.#expression(part, depth + 1));
    const count = takesParameter(operator) ? 2 : 1;
    if (args.length !== count) {
      throw this.#query.wrong(
        node.from,
        `wrong number of arguments for aggregate expression provided, expected ${count}, got ${args.length}`,
      );
    }
    const of = args.at(-1) as Expression;
    const parameter = count === 2 ? args[0] : undefined;
    this.#expect(of, 'vector', { node, what: `aggregation expression` });
    const parameterType = operator === 'count_values' ? 'string' : 'scalar';
    if (parameter) this.#expect(parameter, parameterType, { node, what: 'aggregation parameter' });
    const grouping = modifier && partsOf(modifier).find((part) => part.name === 'GroupingLabels');
    return {
      kind: 'aggregate',
      ...{ operator, parameter, of },
      labels: grouping ? this.#labelNames(grouping) : [],
      isWithout: modifier !== undefined && partsOf(modifier).some((part) => part.name === 'Without'),
    };
  }

  #call(node: SyntaxNode, depth: number): Expression {
    const [identifier, body] = partsOf(node) as [SyntaxNode, SyntaxNode];
    const name = this.#query.of(identifier);
    const signature = signatureOf(name);
    if (!signature) throw this.#query.notSupported(node.from, `the function ${name}`);
    const { takes, needs = takes.length, isVariadic = false, returns } = signature;
    const args = partsOf(body).map((part) => this.#expression(part, depth + 1));
    if (args.length < needs || (args.length > takes.length && !isVariadic)) {
      const expected = needs === takes.length ? `${needs}` : `at least ${needs}`;
      throw this.#query.wrong(node.from, `expected ${expected} argument(s) in call to "${name}", got ${args.length}`);
    }
    for (const [at, arg] of args.entries()) {
      this.#expect(arg, (takes[at] ?? takes.at(-1)) as ValueType, { node, what: `call to function "${name}"` });
    }
    return { kind: 'call', name, args, returns };
  }

  #expect(expression: Expression, type: ValueType, { node, what }: { node: SyntaxNode; what: string }): void {
    this.#refuse(node, faultOfType(expression, type, what));
  }

  #selector(node: SyntaxNode): Expression {
    const matchers: Matcher[] = [];
    const name = node.getChild('Identifier');
    if (name) matchers.push(matcherOf(METRIC_NAME, '=', this.#query.of(name)));
    for (const part of node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []) {
      const [label, operator, value] = partsOf(part) as [SyntaxNode, SyntaxNode, SyntaxNode];
      if (name && this.#query.of(label) === METRIC_NAME)
        throw this.#query.wrong(part.from, `metric name must not be set twice`);
      matchers.push(this.#matcher(label, operator, value));
    }
    if (matchers.every((matcher) => matcher.matches(''))) {
      throw this.#query.wrong(node.from, 'vector selector must contain at least one non-empty matcher');
    }
    const modifiers = this.#modifiers.get(node.to) ?? [];
    this.#modifiers.delete(node.to);
    return modifiedSelector({ kind: 'vector-selector', matchers, offsetMs: 0, at: undefined }, modifiers, this.#query);
  }

  #matcher(label: SyntaxNode, operator: SyntaxNode, value: SyntaxNode): Matcher {
    try {
      return matcherOf(this.#query.of(label), this.#query.of(operator) as MatchOperator, this.#query.string(value));
    } catch (error) {
      throw error instanceof PatternError ? this.#query.wrong(label.from, error.message) : error;
    }
  }

  #labelNames(node: SyntaxNode): string[] {
    return partsOf(node).map((part) => this.#query.labelName(part));
  }

  #only(node: SyntaxNode): SyntaxNode {
    const [only] = partsOf(node);
    if (!only) throw this.#query.wrong(node.from, 'unexpected ")"');
    return only;
  }

  #refuse(node: SyntaxNode, fault: string | undefined): void {
    if (fault !== undefined) throw this.#query.wrong(node.from, fault);
  }
}

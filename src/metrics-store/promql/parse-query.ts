import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { METRIC_NAME } from '../storage/labels.ts';
import { type Matcher, type MatchOperator, matcherOf } from '../storage/matcher.ts';
import { PatternError } from '../storage/pattern-error.ts';
import { parseDurationMs } from './duration.ts';
import {
  AGGREGATIONS,
  type Aggregation,
  ARITHMETIC,
  type Binary,
  type BinaryOperator,
  COMPARISONS,
  type Expression,
  isComparison,
  isSetOperator,
  type Matching,
  SET_OPERATORS,
  typeName,
  typeOf,
  type ValueType,
  type VectorSelector,
} from './expression.ts';
import { signatureOf } from './functions.ts';
import { type Modifier, takeModifiers } from './modifiers.ts';
import { QueryError } from './query-error.ts';
import { unquote } from './string-literal.ts';

/** Longer queries are not meant. */
const QUERY_MAX_CHARACTERS = 100_000;
/** Deeper ones would run out of stack. */
const DEPTH_MAX = 200;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const WITH_PARAMETER: ReadonlySet<Aggregation> = new Set(['quantile', 'topk', 'bottomk', 'count_values']);
const OPERATORS: readonly BinaryOperator[] = [...SET_OPERATORS, ...COMPARISONS, ...ARITHMETIC];

/** What the grammar of newer Prometheus knows and this does not, in words. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  AnchoredExpr: 'the modifier anchored',
  SmoothedExpr: 'the modifier smoothed',
  FillModifier: 'the modifier fill',
  QuotedLabelName: 'quoted label names',
  QuotedLabelMatcher: 'quoted label names',
  Atan2: 'the operator atan2',
};

const SUBQUERIES = 'subqueries (expression[range:step])';
/** Was in Prometheus 2 and is in the grammar no more. */
const GONE = /\bholt_winters\s*$/;

/** Reads a query. Throws a QueryError that says where it is wrong, or what in it is not supported. */
export function parseQuery(text: string): Expression {
  return new Reading(text).query();
}

/** The matchers of a plain selector, as `match[]` takes them. */
export function selectorMatchers(text: string): readonly Matcher[] {
  const expression = parseQuery(text);
  if (expression.kind === 'vector-selector') return expression.matchers;
  throw new QueryError('bad_data', `invalid parameter "match[]": ${JSON.stringify(text)} is no selector of series`);
}

class Reading {
  readonly #text: string;
  readonly #modifiers: Map<number, Modifier[]>;

  constructor(text: string) {
    const { plain, modifiers } = takeModifiers(text.slice(0, QUERY_MAX_CHARACTERS + 1));
    this.#text = plain;
    this.#modifiers = modifiers;
  }

  query(): Expression {
    if (this.#text.length > QUERY_MAX_CHARACTERS)
      throw this.#wrong(0, `the query is longer than ${QUERY_MAX_CHARACTERS} characters`);
    for (const { kind, text, from } of [...this.#modifiers.values()].flat()) {
      if (kind === 'range' && text.includes(':')) throw this.#notSupported(from, SUBQUERIES);
    }
    const top = parser.parse(this.#text).topNode;
    let depth = 0;
    top.cursor().iterate(
      (node) => {
        depth += 1;
        if (depth > DEPTH_MAX * 4) throw this.#wrong(node.from, 'the query is nested too deeply');
        if (node.type.isError && GONE.test(this.#text.slice(0, node.from))) {
          throw this.#notSupported(node.from, 'the function holt_winters');
        }
        if (node.type.isError) throw this.#wrong(node.from, this.#unexpected(node.from, node.to));
        const what = UNSUPPORTED[node.name];
        if (what !== undefined) throw this.#notSupported(node.from, what);
      },
      () => {
        depth -= 1;
      },
    );
    const [only, ...others] = partsOf(top);
    if (!only || others.length > 0) throw this.#wrong(0, 'no expression found in input');
    const expression = this.#expression(only, 0);
    for (const [first] of this.#modifiers.values()) if (first) throw this.#misplaced(first);
    return expression;
  }

  #expression(node: SyntaxNode, depth: number): Expression {
    if (depth > DEPTH_MAX) throw this.#wrong(node.from, 'the query is nested too deeply');
    switch (node.name) {
      case 'NumberDurationLiteral':
        return { kind: 'number', value: this.#number(node) };
      case 'StringLiteral':
        return { kind: 'string', text: this.#string(node) };
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
        throw this.#notSupported(node.from, node.name);
    }
  }

  #unary(node: SyntaxNode, depth: number): Expression {
    const [sign, operand] = partsOf(node);
    const of = this.#expression(operand as SyntaxNode, depth + 1);
    const type = typeOf(of);
    if (type !== 'scalar' && type !== 'vector') {
      throw this.#wrong(
        node.from,
        `unary expression only allowed on expressions of type scalar or instant vector, got "${typeName(type)}"`,
      );
    }
    return { kind: 'unary', isNegation: this.#textOf(sign as SyntaxNode) === '-', of };
  }

  #binary(node: SyntaxNode, depth: number): Expression {
    const parts = partsOf(node);
    const [leftNode, operatorNode] = parts as [SyntaxNode, SyntaxNode];
    const rightNode = parts.at(-1) as SyntaxNode;
    const operator = OPERATORS.find((one) => one === this.#textOf(operatorNode).toLowerCase());
    if (operator === undefined)
      throw this.#notSupported(operatorNode.from, `the operator ${this.#textOf(operatorNode)}`);
    // The grammar takes the sign of a number for a part of it, but a power binds more closely: -2^2 is -4.
    const sign = operator === '^' && leftNode.name === 'NumberDurationLiteral' ? this.#textOf(leftNode)[0] : undefined;
    const isSigned = sign === '-' || sign === '+';
    const left: Expression = isSigned
      ? { kind: 'number', value: this.#number(leftNode, 1) }
      : this.#expression(leftNode, depth + 1);
    const right = this.#expression(rightNode, depth + 1);
    const clause = parts.find(({ name }) => name === 'MatchingModifierClause');
    const isBool = parts.some(({ name }) => name === 'BoolModifier');
    const matching = this.#matching(clause);
    const binary: Binary = { kind: 'binary', operator, left, right, isBool, matching };
    this.#checkBinary(binary, { node, clause });
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

  #checkBinary(binary: Binary, { node, clause }: { node: SyntaxNode; clause: SyntaxNode | undefined }): void {
    const { operator, left, right, isBool, matching } = binary;
    const types = [typeOf(left), typeOf(right)];
    for (const type of types) {
      if (type !== 'scalar' && type !== 'vector') {
        throw this.#wrong(node.from, 'binary expression must contain only scalar and instant vector types');
      }
    }
    const areScalars = types.every((type) => type === 'scalar');
    const hasScalar = types.includes('scalar');
    if (isBool && !isComparison(operator))
      throw this.#wrong(node.from, 'bool modifier can only be used on comparison operators');
    if (isComparison(operator) && !isBool && areScalars) {
      throw this.#wrong(node.from, 'comparisons between scalars must use BOOL modifier');
    }
    if (isSetOperator(operator)) {
      if (hasScalar) throw this.#wrong(node.from, `set operator "${operator}" not allowed in binary scalar expression`);
      if (matching.many) throw this.#wrong(node.from, `no grouping allowed for "${operator}" operation`);
    }
    if (hasScalar && clause && matching.labels.length > 0) {
      throw this.#wrong(node.from, 'vector matching only allowed between instant vectors');
    }
    if (matching.isOn) {
      const both = matching.labels.find((name) => matching.include.includes(name));
      if (both !== undefined)
        throw this.#wrong(node.from, `label "${both}" must not occur in ON and GROUP clause at once`);
    }
  }

  #aggregate(node: SyntaxNode, depth: number): Expression {
    const parts = partsOf(node);
    const name = this.#textOf(parts[0] as SyntaxNode).toLowerCase();
    const operator = AGGREGATIONS.find((one) => one === name);
    if (operator === undefined) throw this.#notSupported(node.from, `the aggregation ${name}`);
    const modifier = parts.find((part) => part.name === 'AggregateModifier');
    const body = parts.find((part) => part.name === 'FunctionCallBody');
    if (!body) throw this.#wrong(node.from, `no arguments for aggregate expression "${name}"`);
    const args = partsOf(body).map((part) => this.#expression(part, depth + 1));
    const count = WITH_PARAMETER.has(operator) ? 2 : 1;
    if (args.length !== count) {
      throw this.#wrong(
        node.from,
        `wrong number of arguments for aggregate expression provided, expected ${count}, got ${args.length}`,
      );
    }
    const of = args.at(-1) as Expression;
    const parameter = count === 2 ? args[0] : undefined;
    this.#expect(of, 'vector', { node, what: `aggregation expression` });
    if (parameter)
      this.#expect(parameter, operator === 'count_values' ? 'string' : 'scalar', {
        node,
        what: 'aggregation parameter',
      });
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
    const name = this.#textOf(identifier);
    const signature = signatureOf(name);
    if (!signature) throw this.#notSupported(node.from, `the function ${name}`);
    const { takes, needs = takes.length, isVariadic = false, returns } = signature;
    const args = partsOf(body).map((part) => this.#expression(part, depth + 1));
    if (args.length < needs || (args.length > takes.length && !isVariadic)) {
      const expected = needs === takes.length ? `${needs}` : `at least ${needs}`;
      throw this.#wrong(node.from, `expected ${expected} argument(s) in call to "${name}", got ${args.length}`);
    }
    for (const [at, arg] of args.entries()) {
      this.#expect(arg, (takes[at] ?? takes.at(-1)) as ValueType, { node, what: `call to function "${name}"` });
    }
    return { kind: 'call', name, args, returns };
  }

  #expect(expression: Expression, type: ValueType, { node, what }: { node: SyntaxNode; what: string }): void {
    const found = typeOf(expression);
    if (found !== type)
      throw this.#wrong(node.from, `expected type ${typeName(type)} in ${what}, got ${typeName(found)}`);
  }

  #selector(node: SyntaxNode): Expression {
    const matchers: Matcher[] = [];
    const name = node.getChild('Identifier');
    if (name) matchers.push(matcherOf(METRIC_NAME, '=', this.#textOf(name)));
    for (const part of node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []) {
      const [label, operator, value] = partsOf(part) as [SyntaxNode, SyntaxNode, SyntaxNode];
      if (name && this.#textOf(label) === METRIC_NAME)
        throw this.#wrong(part.from, `metric name must not be set twice`);
      matchers.push(this.#matcher(label, operator, value));
    }
    if (matchers.every((matcher) => matcher.matches(''))) {
      throw this.#wrong(node.from, 'vector selector must contain at least one non-empty matcher');
    }
    return this.#modified({ kind: 'vector-selector', matchers, offsetMs: 0, at: undefined }, node);
  }

  #matcher(label: SyntaxNode, operator: SyntaxNode, value: SyntaxNode): Matcher {
    try {
      return matcherOf(this.#textOf(label), this.#textOf(operator) as MatchOperator, this.#string(value));
    } catch (error) {
      throw error instanceof PatternError ? this.#wrong(label.from, error.message) : error;
    }
  }

  /** Puts the range, the offset and the moment that stand behind it to a selector. */
  #modified(selector: VectorSelector, node: SyntaxNode): Expression {
    const modifiers = this.#modifiers.get(node.to) ?? [];
    this.#modifiers.delete(node.to);
    let rangeMs: number | undefined;
    let { offsetMs, at } = selector;
    for (const [place, modifier] of modifiers.entries()) {
      const { kind, text, from } = modifier;
      switch (kind) {
        case 'range':
          if (place > 0) throw this.#wrong(from, 'no offset or @ modifiers allowed before range');
          rangeMs = this.#duration(text, from);
          break;
        case 'offset':
          if (offsetMs !== 0) throw this.#wrong(from, 'offset may not be set multiple times');
          offsetMs = this.#duration(text.replace(/^[+-]/, ''), from) * (text.startsWith('-') ? -1 : 1);
          break;
        case 'at':
          if (at !== undefined) throw this.#wrong(from, '@ <timestamp> may not be set multiple times');
          at = this.#moment(text.toLowerCase(), from);
          break;
        default:
          return kind satisfies never;
      }
    }
    const whole: VectorSelector = { ...selector, offsetMs, at };
    return rangeMs === undefined ? whole : { kind: 'matrix-selector', selector: whole, rangeMs };
  }

  #moment(text: string, from: number): number | 'start' | 'end' {
    if (text.startsWith('start')) return 'start';
    if (text.startsWith('end')) return 'end';
    const ms = Math.round((numberOf(text) ?? Number.NaN) * 1000);
    if (!Number.isSafeInteger(ms)) throw this.#wrong(from, 'timestamp out of bounds for @ modifier');
    return ms;
  }

  #misplaced({ kind, from }: Modifier): QueryError {
    if (kind === 'range') return this.#wrong(from, 'ranges only allowed for vector selectors');
    const what = kind === 'at' ? '@ modifier' : 'offset modifier';
    return this.#wrong(from, `${what} must be preceded by an instant vector selector or range vector selector`);
  }

  #labelNames(node: SyntaxNode): string[] {
    return partsOf(node).map((part) => {
      const name = this.#textOf(part);
      if (!LABEL_NAME.test(name))
        throw this.#wrong(part.from, `unexpected ${JSON.stringify(name)} in grouping opts, expected label`);
      return name;
    });
  }

  #duration(text: string, from: number): number {
    const ms = parseDurationMs(text);
    if (ms === undefined) {
      const why = `not a valid duration string: ${JSON.stringify(text)}; only plain durations such as 5m are supported`;
      throw this.#wrong(from, why);
    }
    if (ms === 0) throw this.#wrong(from, 'duration must be greater than 0');
    return ms;
  }

  #number(node: SyntaxNode, from = 0): number {
    const text = this.#textOf(node).slice(from).trim().toLowerCase();
    const value = numberOf(text);
    if (value === undefined) throw this.#wrong(node.from, `error parsing number: ${JSON.stringify(text)}`);
    return value;
  }

  #string(node: SyntaxNode): string {
    const text = unquote(this.#textOf(node));
    if (text === undefined) throw this.#wrong(node.from, 'error unquoting string: invalid syntax');
    return text;
  }

  #only(node: SyntaxNode): SyntaxNode {
    const [only] = partsOf(node);
    if (!only) throw this.#wrong(node.from, 'unexpected ")"');
    return only;
  }

  #textOf(node: SyntaxNode): string {
    return this.#text.slice(node.from, node.to);
  }

  #unexpected(from: number, to: number): string {
    const word = /^\s*(\S{1,40})/.exec(this.#text.slice(from, Math.max(to, from + 40)))?.[1];
    if (word === undefined) return 'unexpected end of input';
    // The grammar takes no name but those of functions before an opening bracket.
    const before = /([a-zA-Z_][a-zA-Z0-9_]*)\s*$/.exec(this.#text.slice(0, from))?.[1];
    if (word.startsWith('(') && before !== undefined) return `unknown function with name "${before}"`;
    return `unexpected ${JSON.stringify(word)}`;
  }

  #wrong(from: number, message: string): QueryError {
    const before = this.#text.slice(0, from).split('\n');
    const place = `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
    return new QueryError('bad_data', `invalid parameter "query": ${place}: parse error: ${message}`);
  }

  #notSupported(from: number, what: string): QueryError {
    const column = from - this.#text.lastIndexOf('\n', from - 1);
    return new QueryError(
      'bad_data',
      `not supported: ${what}, at character ${column} of the query; the embedded metrics store answers a part of PromQL (docs/metrics-store.md)`,
    );
  }
}

/** Children without comments. */
function partsOf(node: SyntaxNode): SyntaxNode[] {
  const parts: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) {
    if (child.name !== 'LineComment') parts.push(child);
  }
  return parts;
}

/** A number of PromQL 2: durations as numbers came later. */
function numberOf(text: string): number | undefined {
  const [, sign = '', rest = ''] = /^([+-]?)\s*(.*)$/s.exec(text) ?? [];
  const factor = sign === '-' ? -1 : 1;
  if (rest === 'inf') return factor * Number.POSITIVE_INFINITY;
  if (rest === 'nan') return Number.NaN;
  if (/^0x[0-9a-f]+$/.test(rest)) return factor * Number(rest);
  if (/^0[0-7]+$/.test(rest)) return factor * Number.parseInt(rest, 8);
  if (/^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/.test(rest)) return factor * Number(rest);
  return undefined;
}

import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import type { QueryText } from './query-text.ts';

/** Deeper ones would run out of stack. */
const NODES_DEEP_MAX = 800;

/** What the grammar of newer Prometheus knows and this does not, in words. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  AnchoredExpr: 'the modifier anchored',
  SmoothedExpr: 'the modifier smoothed',
  FillModifier: 'the modifier fill',
  QuotedLabelName: 'quoted label names',
  QuotedLabelMatcher: 'quoted label names',
  Atan2: 'the operator atan2',
};

/** Was in Prometheus 2 and is in the grammar no more. */
const GONE = /\bholt_winters\s*$/;

/** The one expression that the query is, as the grammar sees it. Throws where it sees none. */
export function expressionNode(query: QueryText): SyntaxNode {
  const top = parser.parse(query.text).topNode;
  let depth = 0;
  top.cursor().iterate(
    (node) => {
      depth += 1;
      if (depth > NODES_DEEP_MAX) throw query.wrong(node.from, 'the query is nested too deeply');
      if (node.type.isError && GONE.test(query.text.slice(0, node.from))) {
        throw query.notSupported(node.from, 'the function holt_winters');
      }
      if (node.type.isError) throw query.wrong(node.from, unexpected(query.text, node));
      const what = UNSUPPORTED[node.name];
      if (what !== undefined) throw query.notSupported(node.from, what);
    },
    () => {
      depth -= 1;
    },
  );
  const [only, ...others] = partsOf(top);
  if (!only || others.length > 0) throw query.wrong(0, 'no expression found in input');
  return only;
}

/** Children without comments. */
export function partsOf(node: SyntaxNode): SyntaxNode[] {
  const parts: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) {
    if (child.name !== 'LineComment') parts.push(child);
  }
  return parts;
}

function unexpected(text: string, { from, to }: { from: number; to: number }): string {
  const word = /^\s*(\S{1,40})/.exec(text.slice(from, Math.max(to, from + 40)))?.[1];
  if (word === undefined) return 'unexpected end of input';
  // The grammar takes no name but those of functions before an opening bracket.
  const before = /([a-zA-Z_][a-zA-Z0-9_]*)\s*$/.exec(text.slice(0, from))?.[1];
  if (word.startsWith('(') && before !== undefined) return `unknown function with name "${before}"`;
  return `unexpected ${JSON.stringify(word)}`;
}

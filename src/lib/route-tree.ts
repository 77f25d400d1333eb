import type { RoutePart } from './route-pattern.ts';

/** Where routes that begin alike part from each other. Leaves: what ends here. */
export interface Branch<Leaf> {
  readonly texts: Map<string, Branch<Leaf>>;
  param: Branch<Leaf> | undefined;
  rest: Branch<Leaf> | undefined;
  leaves: Leaf[];
}

export function newBranch<Leaf>(): Branch<Leaf> {
  return { texts: new Map(), param: undefined, rest: undefined, leaves: [] };
}

/** Grown where it is not there yet. */
export function branchOf<Leaf>(root: Branch<Leaf>, parts: readonly RoutePart[]): Branch<Leaf> {
  return parts.reduce(stepInto, root);
}

function stepInto<Leaf>(branch: Branch<Leaf>, part: RoutePart): Branch<Leaf> {
  switch (part.kind) {
    case 'text': {
      const next = branch.texts.get(part.text) ?? newBranch<Leaf>();
      branch.texts.set(part.text, next);
      return next;
    }
    case 'param':
      branch.param ??= newBranch();
      return branch.param;
    case 'rest':
      branch.rest ??= newBranch();
      return branch.rest;
    default:
      return part satisfies never;
  }
}

/** Takes leaves away, and the branches that lead nowhere then. */
export function takeFrom<Leaf>(
  branch: Branch<Leaf>,
  [part, ...parts]: readonly RoutePart[],
  isTaken: (leaf: Leaf) => boolean,
): void {
  if (!part) {
    branch.leaves = branch.leaves.filter((leaf) => !isTaken(leaf));
    return;
  }
  const next = part.kind === 'text' ? branch.texts.get(part.text) : branch[part.kind];
  if (!next) return;
  takeFrom(next, parts, isTaken);
  if (!isBare(next)) return;
  if (part.kind === 'text') branch.texts.delete(part.text);
  else branch[part.kind] = undefined;
}

function isBare<Leaf>({ leaves, texts, param, rest }: Branch<Leaf>): boolean {
  return leaves.length === 0 && texts.size === 0 && !param && !rest;
}

/**
 * Visits the branches that a path may mean, the most exact first, until a visit gives something. A visitor and not a
 * generator, which costs more than the walk itself.
 */
export function visitBranches<Leaf, Found>(
  branch: Branch<Leaf>,
  texts: readonly string[],
  visit: (leaves: readonly Leaf[]) => Found | undefined,
  at = 0,
): Found | undefined {
  const text = texts[at];
  if (text === undefined) return visit(branch.leaves);
  const exact = branch.texts.get(text);
  const found = exact && visitBranches(exact, texts, visit, at + 1);
  if (found !== undefined) return found;
  const byParam = branch.param && text !== '' ? visitBranches(branch.param, texts, visit, at + 1) : undefined;
  return byParam ?? (branch.rest && visit(branch.rest.leaves));
}

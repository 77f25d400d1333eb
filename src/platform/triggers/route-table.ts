import { parseRoute, type RoutePart, shapeOf, splitPath } from './route-pattern.ts';
import type { HttpMethod, HttpSettings } from './trigger.ts';

/** Who answers on a route, best first. */
interface Answerer<T> {
  readonly method: HttpMethod | 'ANY';
  readonly owner: T;
  readonly parts: readonly RoutePart[];
}

interface Branch<T> {
  readonly texts: Map<string, Branch<T>>;
  param: Branch<T> | undefined;
  rest: Branch<T> | undefined;
  answerers: Answerer<T>[];
}

export type Found<T> =
  | { readonly kind: 'route'; readonly owner: T; readonly params: Readonly<Record<string, string>> }
  | { readonly kind: 'wrong-method'; readonly allow: readonly string[] };

/**
 * Finds who answers a request. Part by part, text goes before a parameter and a parameter before the rest; a path that leads
 * nowhere is tried the next way. Of equal routes the one that was put last answers.
 */
export class RouteTable<T> {
  readonly #root: Branch<T> = newBranch();

  put({ method, path }: Pick<HttpSettings, 'method' | 'path'>, owner: T): void {
    const parts = parseRoute(path);
    this.#branchOf(parts).answerers.unshift({ method, owner, parts });
  }

  /** Branches that lead nowhere stay: there are never more than routes were put. */
  take({ path }: Pick<HttpSettings, 'path'>, owner: T): void {
    const branch = this.#branchOf(parseRoute(path));
    branch.answerers = branch.answerers.filter((each) => each.owner !== owner);
  }

  /** `path` as it came, without the query. A path that is not encoded as a URL is leads nowhere. */
  find(method: string, path: string): Found<T> | undefined {
    const texts = splitPath(path);
    const allow = new Set<string>();
    for (const branch of branchesFor(this.#root, texts, 0)) {
      const answerer = pick(branch.answerers, method);
      if (!answerer) {
        for (const other of branch.answerers) allow.add(other.method);
        continue;
      }
      const params = paramsOf(answerer.parts, texts);
      if (params) return { kind: 'route', owner: answerer.owner, params };
    }
    return allow.size > 0 ? { kind: 'wrong-method', allow: [...allow].sort() } : undefined;
  }

  #branchOf(parts: readonly RoutePart[]): Branch<T> {
    let branch = this.#root;
    for (const part of parts) branch = stepInto(branch, part);
    return branch;
  }
}

/** Whether two routes would take the same requests. */
export function isSameRoute(a: HttpSettings, b: HttpSettings): boolean {
  return a.method === b.method && shapeOf(parseRoute(a.path)) === shapeOf(parseRoute(b.path));
}

function newBranch<T>(): Branch<T> {
  return { texts: new Map(), param: undefined, rest: undefined, answerers: [] };
}

function stepInto<T>(branch: Branch<T>, part: RoutePart): Branch<T> {
  switch (part.kind) {
    case 'text': {
      const next = branch.texts.get(part.text) ?? newBranch<T>();
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

/** All that this path may mean, the most exact first. */
function* branchesFor<T>(branch: Branch<T>, texts: readonly string[], at: number): Iterable<Branch<T>> {
  const text = texts[at];
  if (text === undefined) {
    yield branch;
    return;
  }
  const exact = branch.texts.get(text);
  if (exact) yield* branchesFor(exact, texts, at + 1);
  if (branch.param && text !== '') yield* branchesFor(branch.param, texts, at + 1);
  if (branch.rest) yield branch.rest;
}

/** The method itself, then GET for HEAD, then any. */
function pick<T>(answerers: readonly Answerer<T>[], method: string): Answerer<T> | undefined {
  const by = (wanted: string) => answerers.find((each) => each.method === wanted);
  return by(method) ?? (method === 'HEAD' ? by('GET') : undefined) ?? by('ANY');
}

function paramsOf(parts: readonly RoutePart[], texts: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  try {
    for (const [at, part] of parts.entries()) {
      if (part.kind === 'param') params[part.name] = decodeURIComponent(texts[at] ?? '');
      // What was an encoded slash stays told apart from a real one.
      else if (part.kind === 'rest') params[part.name] = texts.slice(at).join('/');
    }
  } catch {
    return undefined;
  }
  return params;
}

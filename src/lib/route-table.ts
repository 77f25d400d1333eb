import { parseRoute, type RoutePart, shapeOf, splitPath } from './route-pattern.ts';
import { branchesFor, branchOf, newBranch, takeFrom } from './route-tree.ts';

/** A method, or `ANY`, and a pattern such as `/orders/{id}`. */
export interface RouteKey {
  readonly method: string;
  readonly path: string;
}

/** Who answers on a route. */
interface Answerer<T> {
  readonly method: string;
  readonly owner: T;
  readonly parts: readonly RoutePart[];
}

export type Found<T> =
  | { readonly kind: 'route'; readonly owner: T; readonly params: Readonly<Record<string, string>> }
  | { readonly kind: 'wrong-method'; readonly allow: readonly string[] };

/**
 * Finds who answers a request. Part by part, text goes before a parameter and a parameter before the rest; a path that leads
 * nowhere is tried the next way. Of equal routes the one that was put last answers.
 */
export class RouteTable<T> {
  readonly #root = newBranch<Answerer<T>>();

  put({ method, path }: RouteKey, owner: T): void {
    const parts = parseRoute(path);
    branchOf(this.#root, parts).leaves.unshift({ method, owner, parts });
  }

  /** With the branches that lead nowhere then. */
  take({ path }: Pick<RouteKey, 'path'>, owner: T): void {
    takeFrom(this.#root, parseRoute(path), (each) => each.owner === owner);
  }

  /** `path` as it came, without the query. A path that is not encoded as a URL is leads nowhere. */
  find(method: string, path: string): Found<T> | undefined {
    const texts = splitPath(path);
    const allow = new Set<string>();
    for (const { leaves } of branchesFor(this.#root, texts, 0)) {
      const answerer = pick(leaves, method);
      if (!answerer) {
        for (const other of leaves) allow.add(other.method);
        continue;
      }
      const params = paramsOf(answerer.parts, texts);
      if (params) return { kind: 'route', owner: answerer.owner, params };
    }
    return allow.size > 0 ? { kind: 'wrong-method', allow: [...allow].sort() } : undefined;
  }
}

/** Whether two routes would take the same requests. */
export function isSameRoute(a: RouteKey, b: RouteKey): boolean {
  return a.method === b.method && shapeOf(parseRoute(a.path)) === shapeOf(parseRoute(b.path));
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

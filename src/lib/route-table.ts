import { parseRoute, type RoutePart, shapeOf, splitPath } from './route-pattern.ts';
import { branchOf, newBranch, takeFrom, visitBranches } from './route-tree.ts';

/** A method, or `ANY`, and a pattern such as `/orders/{id}`. */
export interface RouteKey {
  readonly method: string;
  readonly path: string;
}

interface Entry<T> {
  readonly method: string;
  readonly owner: T;
  readonly parts: readonly RoutePart[];
}

export type Found<T> =
  | { readonly kind: 'route'; readonly owner: T; readonly params: Readonly<Record<string, string>> }
  | { readonly kind: 'wrong-method'; readonly allow: readonly string[] };

/**
 * Finds the owner of the route that a request is for. Part by part, text goes before a parameter and a parameter before the
 * rest; a path that leads nowhere is tried the next way. Of equal routes the one that was put last is found.
 */
export class RouteTable<T> {
  readonly #root = newBranch<Entry<T>>();
  readonly #isSlashAtEndIgnored: boolean;

  /** Otherwise a path with a slash at its end is another one than without. */
  constructor({ isSlashAtEndIgnored = true } = {}) {
    this.#isSlashAtEndIgnored = isSlashAtEndIgnored;
  }

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
    if (!this.#isSlashAtEndIgnored && path.length > 1 && path.endsWith('/')) texts.push('');
    let allow: Set<string> | undefined;
    const found = visitBranches(this.#root, texts, (entries): Found<T> | undefined => {
      const entry = pick(entries, method);
      if (!entry) {
        for (const other of entries) allow = (allow ?? new Set()).add(other.method);
        return undefined;
      }
      const params = paramsOf(entry.parts, texts);
      return params && { kind: 'route', owner: entry.owner, params };
    });
    return found ?? (allow && { kind: 'wrong-method', allow: [...allow].sort() });
  }
}

/** Whether two routes would take the same requests. */
export function isSameRoute(a: RouteKey, b: RouteKey): boolean {
  return a.method === b.method && shapeOf(parseRoute(a.path)) === shapeOf(parseRoute(b.path));
}

/** The method itself, then GET for HEAD, then any. */
function pick<T>(entries: readonly Entry<T>[], method: string): Entry<T> | undefined {
  let second: Entry<T> | undefined;
  let any: Entry<T> | undefined;
  for (const entry of entries) {
    if (entry.method === method) return entry;
    if (method === 'HEAD' && entry.method === 'GET') second ??= entry;
    if (entry.method === 'ANY') any ??= entry;
  }
  return second ?? any;
}

function paramsOf(parts: readonly RoutePart[], texts: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [at, part] of parts.entries()) {
    if (part.kind === 'text') continue;
    // What was an encoded slash stays told apart from a real one.
    const text = part.kind === 'rest' ? texts.slice(at).join('/') : decoded(texts[at] ?? '');
    if (text === undefined) return undefined;
    params[part.name] = text;
  }
  return params;
}

function decoded(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

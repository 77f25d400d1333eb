/** One part of a route between slashes. `rest` takes all that is left, and stands last. */
export type RoutePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'param' | 'rest'; readonly name: string };

/** Says what is wrong in words that follow the path. */
export class RouteError extends Error {
  override readonly name = 'RouteError';
}

const PATH_MAX = 512;
const PARTS_MAX = 32;
/** What may stand in a path as it is: the rest is encoded in a request, and would never be matched. */
const TEXT = /^[A-Za-z0-9\-._~!$&'()*+,;=:@]+$/;
const PARAM = /^\{([A-Za-z][A-Za-z0-9_]{0,63})(\+?)\}$/;

/** `/orders/{id}` and `/files/{rest+}`; a slash at the end says nothing. Throws a RouteError. */
export function parseRoute(path: string): readonly RoutePart[] {
  if (!path.startsWith('/')) throw new RouteError('must begin with a slash');
  if (path.length > PATH_MAX) throw new RouteError(`must be ${PATH_MAX} characters or less`);
  const texts = splitPath(path);
  if (texts.length > PARTS_MAX) throw new RouteError(`must have ${PARTS_MAX} parts or less`);
  const parts = texts.map(parsePart);
  if (parts.slice(0, -1).some(({ kind }) => kind === 'rest')) {
    throw new RouteError('may have a {name+} as its last part only');
  }
  const names = parts.flatMap((part) => (part.kind === 'text' ? [] : [part.name]));
  if (new Set(names).size < names.length) throw new RouteError('has two parameters of one name');
  return parts;
}

/** The parts of a path between slashes; of `/` there are none. */
export function splitPath(path: string): string[] {
  const parts = path.slice(1).split('/');
  if (parts.at(-1) === '') parts.pop();
  return parts;
}

function parsePart(text: string): RoutePart {
  if (text === '') throw new RouteError('must not have two slashes in a row');
  if (text === '.' || text === '..') throw new RouteError('must not have dots for a part');
  const [, name, plus] = PARAM.exec(text) ?? [];
  if (name !== undefined) return { kind: plus === '+' ? 'rest' : 'param', name };
  if (TEXT.test(text)) return { kind: 'text', text };
  throw new RouteError(
    `has the part ${JSON.stringify(text)}, which is no text of a URL and no parameter such as {id} or {rest+}`,
  );
}

/** The same for routes that take the same requests. */
export function shapeOf(parts: readonly RoutePart[]): string {
  return parts
    .map((part) => (part.kind === 'text' ? `/${part.text}` : part.kind === 'param' ? '/{}' : '/{+}'))
    .join('');
}

/** What may be asked, by the template under which it is counted. */
export type RouteName =
  | '/health'
  | '/metrics'
  | '/fn/list'
  | '/fn/stats'
  | '/fn/chain'
  | '/fn/invoke/:name'
  | '/fn/burst/:name'
  | '/fn/warmpool/:name'
  | '/debug/pprof/*'
  | 'unknown';

export interface Asked {
  readonly route: RouteName;
  /** Of a function, where the route has one. */
  readonly name: string;
}

const METHODS: Readonly<Record<Exclude<RouteName, 'unknown' | '/debug/pprof/*'>, readonly string[]>> = {
  '/health': ['GET', 'HEAD'],
  '/metrics': ['GET', 'HEAD'],
  '/fn/list': ['GET', 'HEAD'],
  '/fn/stats': ['GET', 'HEAD'],
  '/fn/chain': ['POST'],
  '/fn/invoke/:name': ['POST'],
  '/fn/burst/:name': ['POST'],
  '/fn/warmpool/:name': ['POST', 'DELETE'],
};

const UNKNOWN: Asked = { route: 'unknown', name: '' };

export function routeOf(path: string): Asked {
  if (path === '/debug/pprof' || path.startsWith('/debug/pprof/')) return { route: '/debug/pprof/*', name: '' };
  if (isPlain(path)) return { route: path, name: '' };
  const [root, fn, verb, encoded = '', ...rest] = path.split('/');
  const route = `/fn/${verb}/:name`;
  if (root !== '' || fn !== 'fn' || rest.length > 0 || encoded === '' || !isRoute(route)) return UNKNOWN;
  try {
    return { route, name: decodeURIComponent(encoded) };
  } catch {
    return UNKNOWN;
  }
}

/** Undefined: any. */
export function methodsOf(route: RouteName): readonly string[] | undefined {
  return isRoute(route) ? METHODS[route] : undefined;
}

function isRoute(path: string): path is keyof typeof METHODS {
  return Object.hasOwn(METHODS, path);
}

function isPlain(path: string): path is keyof typeof METHODS {
  return isRoute(path) && !path.endsWith(':name');
}

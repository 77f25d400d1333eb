import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { type Found, RouteTable } from '../../lib/route-table.ts';
import { PlatformError } from '../model/platform-error.ts';
import type { Reply } from '../model/reply.ts';
import { HTTP_METHODS, type HttpMethod } from '../model/trigger.ts';
import { type HostGuardOptions, hostGuard, isFromAnotherSite } from './guards.ts';
import { readBody } from './read-body.ts';
import { type Route, RouteRequest, splitUrl } from './route.ts';
import { type ReplyForm, sendReply } from './send-reply.ts';

/** How a dialect says what every dialect has to say. */
export interface ErrorReplies extends ReplyForm {
  notFound(): Reply;
  notAllowed(methods: readonly string[]): Reply;
  fromAnotherSite(): Reply;
  wrongHost(): Reply;
  /** Undefined: a fault of this program, of which the caller learns nothing. */
  failed(error: PlatformError | undefined): Reply;
  /** Writes such a fault into the log. */
  logFault(error: unknown, request: { readonly method: string | undefined; readonly path: string }): void;
}

/** What a dialect answers, and how it speaks. */
export interface HttpApi {
  readonly routes: readonly Route[];
  /** Takes the paths that no route has; left out: they are not found. */
  readonly fallback?: Route | undefined;
  /** Of routes that do not say it themselves. */
  readonly bodyMaxBytes: number;
  readonly errors: ErrorReplies;
  /** Called first, with every request; `route` is the path of the route that was asked for, as it stands in the table. */
  readonly observe?: (response: ServerResponse, incoming: { method: string; route: string | undefined }) => void;
}

const WITHOUT_BODY: ReadonlySet<string> = new Set<HttpMethod>(['GET', 'HEAD', 'DELETE']);
/** Paths whose routes are remembered, and how long those are at most: a few MB, whatever callers ask for. */
const REMEMBERED_MAX = 10_000;
const REMEMBERED_LENGTH_MAX = 256;

/** Guards the port, finds the route of each request, reads its body, and sends the reply of its handler. */
export function routeListener(api: HttpApi, options: HostGuardOptions): RequestListener {
  const { errors, fallback, observe } = api;
  const findRoute = routeFinder(api.routes);
  const isOwnHost = hostGuard(options);
  return (request, response) => {
    if (!isOwnHost(request.headers.host)) {
      sendReply(response, closing(request, errors.wrongHost()), errors);
      return;
    }
    const { method = 'GET', url = '/' } = request;
    const found = findRoute(method, url);
    const isFound = found?.kind === 'route';
    const route = isFound ? found.owner : found ? undefined : fallback;
    observe?.(response, { method, route: (route ?? routeAt(findRoute, url, found))?.path });
    const isReading = method === 'GET' || method === 'HEAD';
    if (!isReading && !route?.isForOtherSites && isFromAnotherSite(request)) {
      sendReply(response, errors.fromAnotherSite(), errors);
    } else if (route) {
      readAndHandle(route, new RouteRequest(request, response, isFound ? found.params : {}), api);
    } else if (found?.kind === 'wrong-method') {
      sendReply(response, errors.notAllowed(inUsualOrder(found.allow)), errors);
    } else sendReply(response, errors.notFound(), errors);
  };
}

type FindRoute = (method: string, url: string) => Found<Route> | undefined;

/** Remembers what it found, for most requests are for a path that was asked for before: a call would pay for the search each time. */
function routeFinder(routes: readonly Route[]): FindRoute {
  const table = new RouteTable<Route>({ isSlashAtEndIgnored: false });
  for (const route of routes) table.put(route, route);
  const byMethod = new Map<string, Map<string, Found<Route>>>();
  let remembered = 0;
  return (method, url) => {
    const before = byMethod.get(method)?.get(url);
    if (before) return before;
    const { path } = splitUrl(url);
    const found = path.startsWith('/') ? table.find(method, path) : undefined;
    if (found?.kind !== 'route' || path !== url || url.length > REMEMBERED_LENGTH_MAX) return found;
    // Callers can make up paths without end: then all are forgotten.
    if (remembered >= REMEMBERED_MAX) {
      byMethod.clear();
      remembered = 0;
    }
    const ofMethod = byMethod.get(method) ?? new Map<string, Found<Route>>();
    byMethod.set(method, ofMethod.set(url, found));
    remembered += 1;
    return found;
  };
}

/** The route of a path that was asked for with another method. */
function routeAt(findRoute: FindRoute, url: string, found: Found<Route> | undefined): Route | undefined {
  if (found?.kind !== 'wrong-method') return undefined;
  const allowed = findRoute(found.allow[0] ?? '', url);
  return allowed?.kind === 'route' ? allowed.owner : undefined;
}

function inUsualOrder(methods: readonly string[]): readonly string[] {
  return HTTP_METHODS.filter((method) => methods.includes(method));
}

function readAndHandle(route: Route, incoming: RouteRequest, api: HttpApi): void {
  const { bodyMaxBytes = WITHOUT_BODY.has(route.method) ? 'unread' : api.bodyMaxBytes } = route;
  if (bodyMaxBytes === 'unread') {
    handle(route, incoming, api);
    return;
  }
  readBody(incoming.request, bodyMaxBytes, (error, body) => {
    if (error) {
      fail(error, { route, incoming, api });
      return;
    }
    incoming.body = body;
    handle(route, incoming, api);
  });
}

function handle(route: Route, incoming: RouteRequest, api: HttpApi): void {
  try {
    const reply = route.handle(incoming);
    if (reply instanceof Promise) {
      reply.then(
        (later) => later && sendReply(incoming.response, later, api.errors),
        (error: unknown) => fail(error, { route, incoming, api }),
      );
    } else if (reply) sendReply(incoming.response, reply, api.errors);
  } catch (error) {
    fail(error, { route, incoming, api });
  }
}

function fail(
  error: unknown,
  { route, incoming, api: { errors } }: { route: Route; incoming: RouteRequest; api: HttpApi },
): void {
  const { request, response, path } = incoming;
  const known = error instanceof PlatformError ? error : undefined;
  // A caller that went away learns nothing, and is no fault.
  if (!known && !response.destroyed) errors.logFault(error, { method: request.method, path });
  const reply = (known && route.replyToError?.(known)) ?? errors.failed(known);
  sendReply(response, closing(request, reply), errors);
}

/** What is left of a body is neither waited for, nor taken for the next request. */
function closing({ complete, headers }: IncomingMessage, reply: Reply): Reply {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  return complete || !hasBody ? reply : { ...reply, headers: { ...reply.headers, connection: 'close' } };
}

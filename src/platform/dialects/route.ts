import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PlatformError } from '../model/platform-error.ts';
import type { Reply } from '../model/reply.ts';
import type { HttpMethod } from '../model/trigger.ts';

/** One line of a dialect's route table. */
export interface Route {
  readonly method: HttpMethod | 'ANY';
  readonly path: string;
  readonly handle: Handler;
  /** The most bytes of a body that are read before the route is called. `unread`: it reads the body itself, or needs none. */
  readonly bodyMaxBytes: number | 'unread' | undefined;
  /** Pages of other sites may call it too: for the paths that belong to functions, and for nothing else. */
  readonly isForOtherSites: boolean;
  /** The reply to an error, where it differs from the rest of the dialect; undefined: as everywhere. */
  readonly replyToError: ((error: PlatformError) => Reply | undefined) | undefined;
}

/** Undefined: the handler has sent the reply itself, or will. */
type Handler<Params = Readonly<Record<string, string>>> = (
  request: RouteRequest<Params>,
) => Reply | undefined | Promise<Reply | undefined>;

/** `{id: string}` for `/functions/{id}`. */
type ParamsOf<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? { readonly [Key in Name extends `${infer Text}+` ? Text : Name]: string } & ParamsOf<Rest>
  : unknown;

/** GET also answers HEAD. Bodies of GET, HEAD and DELETE are not read unless `bodyMaxBytes` says so. */
export function route<Path extends string>(
  method: Route['method'],
  path: Path,
  handle: Handler<ParamsOf<Path>>,
  { bodyMaxBytes, isForOtherSites = false, replyToError }: Partial<Omit<Route, 'method' | 'path' | 'handle'>> = {},
): Route {
  return { method, path, handle: handle as Handler, bodyMaxBytes, isForOtherSites, replyToError };
}

/** One request, and what its route made of the path. */
export class RouteRequest<Params = Readonly<Record<string, string>>> {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Of the path, decoded; of a `{rest+}` as it came. */
  readonly params: Params;
  /** Empty where the route does not have it read. */
  body: Buffer = NO_BODY;
  #query: URLSearchParams | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, params: Params) {
    this.request = request;
    this.response = response;
    this.params = params;
  }

  /** As it came, without the query. */
  get path(): string {
    return splitUrl(this.request.url).path;
  }

  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams(splitUrl(this.request.url).search);
    return this.#query;
  }
}

const NO_BODY = Buffer.alloc(0);

/** By hand: a URL would resolve dots, and refuse paths that are merely not there. */
export function splitUrl(url = '/'): { readonly path: string; readonly search: string } {
  const mark = url.indexOf('?');
  return mark < 0 ? { path: url, search: '' } : { path: url.slice(0, mark), search: url.slice(mark + 1) };
}

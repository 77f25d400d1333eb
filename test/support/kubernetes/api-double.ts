import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Stored {
  metadata: {
    name: string;
    namespace: string;
    resourceVersion: string;
    generation: number;
    uid: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  [part: string]: unknown;
}

interface Event {
  readonly version: number;
  readonly collection: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: Stored;
  readonly before: Stored | undefined;
}

interface Watcher {
  readonly collection: string;
  readonly namespace: string | undefined;
  readonly selector: string | undefined;
  readonly response: ServerResponse;
}

const PATH =
  /^\/apis\/(apps\/v1|autoscaling\/v2)(?:\/namespaces\/([^/]+))?\/(deployments|statefulsets|horizontalpodautoscalers)(?:\/([^/]+))?(?:\/(status))?$/;

/**
 * As much of an API server as the adapter meets: collections with one growing version, lists with pages, watches with
 * bookmarks and an end to history, merge patches that hold to the version they name. What it does here is held to the
 * real one by the suite that runs on both.
 */
export class ApiDouble {
  readonly #objects = new Map<string, Stored>();
  #events: Event[] = [];
  readonly #watchers = new Set<Watcher>();
  #version = 100;
  /** Versions up to here are forgotten. */
  #forgotten = 0;
  readonly #server: Server = createServer((request, response) => void this.#receive(request, response));

  async start(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const url = new URL(request.url ?? '/', 'http://double');
    const match = PATH.exec(url.pathname);
    if (!match) return refuse(response, 404, 'NotFound', 'the server could not find the requested resource');
    const [, , namespace, collection = '', name, part] = match;
    const place = { collection, namespace, name, part };
    if (name === undefined) {
      if (request.method === 'POST') return this.#create(response, place, JSON.parse(text));
      if (url.searchParams.has('watch')) return this.#watch(response, place, url.searchParams);
      return this.#list(response, place, url.searchParams);
    }
    const key = `${collection}/${namespace}/${name}`;
    const stored = this.#objects.get(key);
    if (!stored) return refuse(response, 404, 'NotFound', `${collection} "${name}" not found`);
    if (request.method === 'GET') return answer(response, 200, stored);
    if (request.method === 'DELETE') {
      this.#objects.delete(key);
      this.#tell('DELETED', collection, stored, stored);
      return answer(response, 200, { kind: 'Status', status: 'Success' });
    }
    return this.#patch(response, { ...place, stored, key }, JSON.parse(text));
  }

  #create(
    response: ServerResponse,
    place: { collection: string; namespace: string | undefined },
    body: Stored,
  ): unknown {
    const key = `${place.collection}/${place.namespace}/${body.metadata.name}`;
    if (this.#objects.has(key)) return refuse(response, 409, 'AlreadyExists', `"${body.metadata.name}" already exists`);
    const stored: Stored = {
      ...body,
      metadata: { ...body.metadata, generation: 1, uid: key, resourceVersion: String(++this.#version) },
      status: {},
    };
    this.#objects.set(key, stored);
    this.#tell('ADDED', place.collection, stored, undefined);
    return answer(response, 201, stored);
  }

  #patch(
    response: ServerResponse,
    { collection, stored, key, part }: { collection: string; stored: Stored; key: string; part: string | undefined },
    patch: { metadata?: { resourceVersion?: string }; status?: unknown; spec?: unknown },
  ): unknown {
    const wanted = patch.metadata?.resourceVersion;
    if (wanted !== undefined && wanted !== stored.metadata.resourceVersion) {
      const message = `Operation cannot be fulfilled on ${collection} "${stored.metadata.name}": the object has been modified; please apply your changes to the latest version and try again`;
      return refuse(response, 409, 'Conflict', message);
    }
    const { status, ...rest } = patch;
    const merged = merge(stored, part === 'status' ? { status } : rest) as Stored;
    if (JSON.stringify(merged) === JSON.stringify(stored)) return answer(response, 200, stored);
    const isNewSpec = JSON.stringify(merged['spec']) !== JSON.stringify(stored['spec']);
    const metadata = { ...merged.metadata, resourceVersion: String(++this.#version) };
    const next = { ...merged, metadata: { ...metadata, generation: metadata.generation + (isNewSpec ? 1 : 0) } };
    this.#objects.set(key, next);
    this.#tell('MODIFIED', collection, next, stored);
    return answer(response, 200, next);
  }

  #list(
    response: ServerResponse,
    { collection, namespace }: { collection: string; namespace: string | undefined },
    query: URLSearchParams,
  ): void {
    const limit = Number(query.get('limit') ?? 500);
    const from = Number(query.get('continue') ?? 0);
    const all = [...this.#objects]
      .filter(
        ([key, object]) => key.startsWith(`${collection}/`) && isMeant(object, namespace, query.get('labelSelector')),
      )
      .map(([, object]) => object);
    const rest = from + limit < all.length ? { continue: String(from + limit) } : {};
    answer(response, 200, {
      kind: 'List',
      metadata: { resourceVersion: String(this.#version), ...rest },
      items: all.slice(from, from + limit),
    });
  }

  #watch(
    response: ServerResponse,
    { collection, namespace }: { collection: string; namespace: string | undefined },
    query: URLSearchParams,
  ): void {
    const from = Number(query.get('resourceVersion'));
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    if (from < this.#forgotten) {
      const gone = { kind: 'Status', code: 410, reason: 'Expired', message: `too old resource version: ${from}` };
      response.end(`${JSON.stringify({ type: 'ERROR', object: gone })}\n`);
      return;
    }
    const watcher = { collection, namespace, selector: query.get('labelSelector') ?? undefined, response };
    for (const event of this.#events) if (event.version > from) send(watcher, event);
    const bookmark = { kind: 'Bookmark', metadata: { resourceVersion: String(this.#version) } };
    response.write(`${JSON.stringify({ type: 'BOOKMARK', object: bookmark })}\n`);
    this.#watchers.add(watcher);
    response.once('close', () => this.#watchers.delete(watcher));
  }

  #tell(type: Event['type'], collection: string, object: Stored, before: Stored | undefined): void {
    const told =
      type === 'DELETED'
        ? { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } }
        : object;
    const event = { version: this.#version, collection, type, object: told, before };
    this.#events.push(event);
    for (const watcher of this.#watchers) send(watcher, event);
    if (this.#events.length > 1_000) this.forget();
  }

  /** History ends here: whoever watches from before has to list again. */
  forget(): void {
    this.#events = [];
    this.#forgotten = ++this.#version;
  }
}

/** To whom an object goes out of sight, by its labels, it is deleted. */
function send({ collection, namespace, selector, response }: Watcher, event: Event): void {
  if (event.collection !== collection) return;
  const is = event.type !== 'DELETED' && isMeant(event.object, namespace, selector);
  const was = event.before !== undefined && isMeant(event.before, namespace, selector);
  if (!is && !was) return;
  const type = is ? (was ? 'MODIFIED' : 'ADDED') : 'DELETED';
  response.write(`${JSON.stringify({ type, object: event.object })}\n`);
}

function isMeant(object: Stored, namespace: string | undefined, selector: string | null | undefined): boolean {
  if (namespace !== undefined && object.metadata.namespace !== namespace) return false;
  return !selector || object.metadata.labels?.[selector] !== undefined;
}

function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const merged: Record<string, unknown> = { ...(typeof target === 'object' ? target : {}) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = merge(merged[key], value);
  }
  return merged;
}

function answer(response: ServerResponse, status: number, body: unknown): ServerResponse {
  return response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function refuse(response: ServerResponse, code: number, reason: string, message: string): ServerResponse {
  return answer(response, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message });
}

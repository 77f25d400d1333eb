import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Route, type RouteRequest, route } from '../../../src/platform/dialects/route.ts';
import { type ErrorReplies, type HttpApi, routeListener } from '../../../src/platform/dialects/route-listener.ts';
import { PlatformError } from '../../../src/platform/model/platform-error.ts';

const faults: unknown[] = [];
const errors: ErrorReplies = {
  errorType: 'application/x-error',
  notFound: () => ({ status: 404, body: 'not found' }),
  notAllowed: (methods) => ({ status: 405, body: 'not allowed', headers: { allow: methods.join(', ') } }),
  fromAnotherSite: () => ({ status: 403, body: 'another site' }),
  wrongHost: () => ({ status: 421, body: 'wrong host' }),
  failed: (error) => ({ status: error ? 400 : 500, body: error?.code ?? 'a fault' }),
  logFault: (error, { path }) => faults.push([path, (error as Error).message]),
};

let server: Server | undefined;
let url = '';
afterEach(async () => {
  faults.length = 0;
  await new Promise((resolve) => server?.close(resolve));
});

async function serving(routes: readonly Route[], more: Partial<HttpApi> = {}) {
  const onRequest = routeListener(
    { routes, bodyMaxBytes: 10, errors, ...more },
    { boundHost: '127.0.0.1', allowedHosts: [] },
  );
  server = createServer(onRequest);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function ask(method: string, path: string, body?: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

const echo = ({ params, query, path, body }: RouteRequest<unknown>) => ({
  status: 200,
  body: { params, query: Object.fromEntries(query), path, body: body.toString() },
});

describe('a listener of routes', () => {
  it('hands a route its parameters, its query and its body', async () => {
    await serving([route('POST', '/a/{id}/b/{rest+}', echo)]);
    expect((await ask('POST', '/a/x%2Fy/b/c/d%20?q=1&r=%20', 'hello')).body).toEqual({
      params: { id: 'x/y', rest: 'c/d%20' },
      query: { q: '1', r: ' ' },
      path: '/a/x%2Fy/b/c/d%20',
      body: 'hello',
    });
  });

  it('answers HEAD as GET without the body', async () => {
    await serving([route('GET', '/a', () => ({ status: 200, body: 'abc' }))]);
    const { status, headers, body } = await ask('HEAD', '/a');
    expect([status, headers.get('content-length'), body]).toEqual([200, '5', undefined]);
  });

  it('says which methods a path has, in the usual order, and that there is no such path', async () => {
    const nothing = () => ({ status: 204 });
    await serving([route('DELETE', '/a', nothing), route('POST', '/a', nothing), route('GET', '/a', nothing)]);
    const wrong = await ask('PUT', '/a');
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, POST, DELETE']);
    for (const path of ['/b', '/a/', '/a/b', '/%zz', '/']) expect((await ask('GET', path)).status).toBe(404);
    expect(wrong.headers.get('content-type')).toBe('application/x-error');
  });

  it('gives paths without a route to the fallback, and wrong methods not', async () => {
    const fallback = route('ANY', '/{path+}', echo);
    await serving([route('GET', '/a', echo)], { fallback });
    expect((await ask('PUT', '/b/c')).body.path).toBe('/b/c');
    expect((await ask('PUT', '/a')).status).toBe(405);
  });

  it('reads a body up to the limit of its route, or leaves it to the route', async () => {
    await serving([
      route('POST', '/usual', echo),
      route('POST', '/more', echo, { bodyMaxBytes: 20 }),
      route(
        'POST',
        '/own',
        async ({ request, body }) => {
          let bytes = 0;
          for await (const chunk of request) bytes += chunk.length;
          return { status: 200, body: { before: body.length, bytes } };
        },
        { bodyMaxBytes: 'unread' },
      ),
      route('DELETE', '/usual', echo),
    ]);
    const long = 'x'.repeat(20);
    const refused = await ask('POST', '/usual', long);
    expect([refused.status, refused.body, refused.headers.get('connection')]).toEqual([
      400,
      'payload-too-large',
      'close',
    ]);
    expect((await ask('POST', '/more', long)).body.body).toBe(long);
    expect((await ask('POST', '/own', long)).body).toEqual({ before: 0, bytes: 20 });
    expect((await ask('DELETE', '/usual', long)).body.body).toBe('');
  });

  it('lets pages of other sites read, and call only what is for them', async () => {
    await serving([
      route('POST', '/a', echo),
      route('GET', '/a', echo),
      route('POST', '/b', echo, { isForOtherSites: true }),
    ]);
    const origin = { origin: 'http://page.example' };
    for (const path of ['/a', '/nothing']) expect((await ask('POST', path, 'x', origin)).status).toBe(403);
    expect((await ask('PUT', '/a', 'x', origin)).status).toBe(403);
    expect((await ask('GET', '/a', undefined, origin)).status).toBe(200);
    expect((await ask('POST', '/b', 'x', origin)).status).toBe(200);
    expect((await ask('POST', '/a', 'x', { origin: url })).status).toBe(200);
  });

  it('sends errors in the words of the dialect or of the route, and logs what is a fault of the program', async () => {
    const refuse = () => {
      throw new PlatformError('name-taken', 'taken');
    };
    await serving([
      route('GET', '/refused', refuse),
      route('GET', '/refused-later', async () => refuse()),
      route('GET', '/own', refuse, { replyToError: ({ message }) => ({ status: 409, body: message }) }),
      route('GET', '/fault', async () => {
        throw new Error('secret');
      }),
    ]);
    expect(await ask('GET', '/refused')).toMatchObject({ status: 400, body: 'name-taken' });
    expect(await ask('GET', '/refused-later')).toMatchObject({ status: 400, body: 'name-taken' });
    expect(await ask('GET', '/own')).toMatchObject({ status: 409, body: 'taken' });
    expect(await ask('GET', '/fault?x=1')).toMatchObject({ status: 500, body: 'a fault' });
    expect(faults).toEqual([['/fault', 'secret']]);
  });

  it('sends nothing for a route that answers by itself', async () => {
    await serving([
      route('GET', '/a', ({ response }) => {
        response.end('"own"');
        return undefined;
      }),
    ]);
    expect((await ask('GET', '/a')).body).toBe('own');
  });

  it('shows every request with the route that it asked for, whatever becomes of it', async () => {
    const seen: unknown[] = [];
    await serving([route('GET', '/a/{id}', echo)], { observe: (_, asked) => seen.push(asked) });
    for (const [method, path] of [
      ['GET', '/a/1'],
      ['PUT', '/a/1'],
      ['GET', '/b'],
    ] as const)
      await ask(method, path);
    expect(seen).toEqual([
      { method: 'GET', route: '/a/{id}' },
      { method: 'PUT', route: '/a/{id}' },
      { method: 'GET', route: undefined },
    ]);
  });

  it('finds the route of a path that was asked for before, and of more paths than it remembers', () => {
    const calls: unknown[] = [];
    const listener = routeListener(
      {
        routes: [
          route(
            'POST',
            '/a/{id}',
            ({ params }) => {
              calls.push(params.id);
              return undefined;
            },
            { bodyMaxBytes: 'unread' },
          ),
        ],
        bodyMaxBytes: 0,
        errors,
      },
      { boundHost: '127.0.0.1', allowedHosts: [] },
    );
    const asked = ['1', '1', ...Array.from({ length: 10_050 }, (_, id) => `x${id}`), '1'];
    for (const id of asked) {
      const request = { method: 'POST', url: `/a/${id}`, headers: {} } as Parameters<typeof listener>[0];
      listener(request, {} as Parameters<typeof listener>[1]);
    }
    expect(calls).toEqual(asked);
  });
});

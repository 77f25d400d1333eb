import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRoute, RouteError } from '../../src/lib/route-pattern.ts';
import { isSameRoute, RouteTable } from '../../src/lib/route-table.ts';
import type { HttpSettings } from '../../src/platform/model/trigger.ts';

function tableOf(...routes: readonly (readonly [method: HttpSettings['method'], path: string])[]) {
  const table = new RouteTable<string>();
  for (const [method, path] of routes) table.put({ method, path }, `${method} ${path}`);
  return table;
}

const route = (owner: string, params = {}) => ({ kind: 'route', owner, params });

describe('a route', () => {
  it.each([
    ['hello', 'must begin with a slash'],
    ['/a//b', 'two slashes'],
    ['/a/../b', 'dots'],
    ['/./b', 'dots'],
    ['/a b', 'no text of a URL'],
    ['/ü', 'no text of a URL'],
    ['/a%20b', 'no text of a URL'],
    ['/{}', 'no text of a URL'],
    ['/{a-b}', 'no text of a URL'],
    ['/{__proto__}', 'no text of a URL'],
    ['/x{id}', 'no text of a URL'],
    ['/{id}/{id}', 'two parameters of one name'],
    ['/{all+}/more', 'as its last part only'],
    [`/${'a/'.repeat(33)}`, '32 parts or less'],
    [`/${'a'.repeat(600)}`, '512 characters'],
  ])('%s is refused in words', (path, words) => {
    expect(() => parseRoute(path)).toThrow(RouteError);
    expect(() => parseRoute(path)).toThrow(words);
  });

  it('is the same as another that takes the same requests', () => {
    const get = (path: string): HttpSettings => ({ kind: 'http', method: 'GET', path });
    expect(isSameRoute(get('/a/{id}'), get('/a/{name}/'))).toBe(true);
    expect(isSameRoute(get('/a/{id}'), get('/a/{id+}'))).toBe(false);
    expect(isSameRoute(get('/a'), { ...get('/a'), method: 'ANY' })).toBe(false);
  });
});

describe('RouteTable', () => {
  it('goes by text first, then by parameter, then by what is left', () => {
    const table = tableOf(['GET', '/a/{rest+}'], ['GET', '/a/{id}'], ['GET', '/a/b'], ['GET', '/']);
    expect(table.find('GET', '/')).toEqual(route('GET /'));
    expect(table.find('GET', '/a/b')).toEqual(route('GET /a/b'));
    expect(table.find('GET', '/a/b/')).toEqual(route('GET /a/b'));
    expect(table.find('GET', '/a/c')).toEqual(route('GET /a/{id}', { id: 'c' }));
    expect(table.find('GET', '/a/b/c')).toEqual(route('GET /a/{rest+}', { rest: 'b/c' }));
    expect(table.find('GET', '/a')).toBeUndefined();
    expect(table.find('GET', '/b')).toBeUndefined();
  });

  it('tries the next way where one leads nowhere', () => {
    const table = tableOf(['GET', '/a/{id}/x'], ['GET', '/a/b/y'], ['POST', '/a/b/x']);
    expect(table.find('GET', '/a/b/x')).toEqual(route('GET /a/{id}/x', { id: 'b' }));
  });

  it('says which methods there are', () => {
    const table = tableOf(['POST', '/a'], ['DELETE', '/{id}']);
    expect(table.find('GET', '/a')).toEqual({ kind: 'wrong-method', allow: ['DELETE', 'POST'] });
  });

  it('takes any method where the route does, HEAD where it takes GET, and the exact one first', () => {
    const table = tableOf(['ANY', '/a'], ['GET', '/a']);
    expect(table.find('HEAD', '/a')).toEqual(route('GET /a'));
    expect(table.find('PUT', '/a')).toEqual(route('ANY /a'));
    expect(table.find('PROPFIND', '/a')).toEqual(route('ANY /a'));
  });

  it('decodes parameters, and does not know paths that cannot be', () => {
    const table = tableOf(['GET', '/a/{id}'], ['GET', '/f/{rest+}']);
    expect(table.find('GET', '/a/x%2Fy%20%C3%BC')).toEqual(route('GET /a/{id}', { id: 'x/y ü' }));
    expect(table.find('GET', '/a/%zz')).toBeUndefined();
    expect(table.find('GET', '/f/x%2Fy/z')).toEqual(route('GET /f/{rest+}', { rest: 'x%2Fy/z' }));
    expect(table.find('GET', '/a//')).toBeUndefined();
  });

  it('knows no path with a slash at its end where that counts, but below a {rest+}', () => {
    const table = new RouteTable<string>({ isSlashAtEndIgnored: false });
    for (const path of ['/', '/a', '/a/{id}', '/f/{rest+}']) table.put({ method: 'GET', path }, path);
    const ownerAt = (path: string) => {
      const found = table.find('GET', path);
      return found?.kind === 'route' ? [found.owner, found.params] : found;
    };
    expect(['/', '/a', '/a/1'].map(ownerAt)).toEqual([
      ['/', {}],
      ['/a', {}],
      ['/a/{id}', { id: '1' }],
    ]);
    expect(['//', '/a/', '/a/1/', '/f'].map(ownerAt)).toEqual([undefined, undefined, undefined, undefined]);
    expect(['/f/', '/f/x/'].map(ownerAt)).toEqual([
      ['/f/{rest+}', { rest: '' }],
      ['/f/{rest+}', { rest: 'x/' }],
    ]);
  });

  it('lets the newest of equal ones answer, and the one before when it goes', () => {
    const table = new RouteTable<string>();
    table.put({ method: 'GET', path: '/a/{x}' }, 'old');
    table.put({ method: 'GET', path: '/a/{y}' }, 'new');
    expect(table.find('GET', '/a/1')).toEqual(route('new', { y: '1' }));
    table.take({ path: '/a/{y}' }, 'new');
    expect(table.find('GET', '/a/1')).toEqual(route('old', { x: '1' }));
    table.take({ path: '/a/{x}' }, 'old');
    expect(table.find('GET', '/a/1')).toBeUndefined();
  });

  it('finds every route by a path made from it', () => {
    const part = fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('{x}', '{y}', '{z}'));
    const paths = fc.uniqueArray(part, { maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
    fc.assert(
      fc.property(fc.array(paths, { minLength: 1, maxLength: 8 }), fc.constantFrom('a', 'q', 'q%20r'), (all, value) => {
        const table = tableOf(...all.map((path) => ['GET', path] as const));
        for (const path of all) expect(table.find('GET', path.replaceAll(/\{.\}/g, value))?.kind).toBe('route');
      }),
    );
  });
});

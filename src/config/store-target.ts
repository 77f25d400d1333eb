import { textKind, Unreadable, type ValueKind } from './value-kind.ts';

/** What `store.url` says. */
export type StoreTarget =
  | {
      readonly kind: 'cassandra';
      /** Each with its port. */
      readonly contactPoints: readonly string[];
      readonly port: number;
      readonly keyspace: string;
      readonly localDataCenter: string | undefined;
    }
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'memory' };

interface CassandraUrl {
  readonly kind: 'cassandra';
  readonly hosts: readonly string[];
  readonly keyspace: string | undefined;
  readonly localDataCenter: string | undefined;
}

export type StoreUrl = CassandraUrl | Exclude<StoreTarget, { kind: 'cassandra' }>;

const RULE =
  'cassandra://host1,host2:9042/keyspace?dc=name, cassandra: (with store.cassandra.*), sqlite:/path/file.db or memory:';

const CASSANDRA = /^cassandra:(?:\/\/([^/?#]*))?(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const KEYSPACE = /^[A-Za-z][A-Za-z0-9_]{0,47}$/;
const HOST = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/;

/** Throws Unreadable. A list of hosts is not what WHATWG calls a URL, hence by hand. */
export function parseStoreUrl(text: string): StoreUrl {
  if (text === 'memory:') return { kind: 'memory' };
  const path = /^sqlite:(?:\/\/)?(.+)$/.exec(text)?.[1];
  if (path) return { kind: 'sqlite', path };
  const match = CASSANDRA.exec(text);
  if (!match) throw new Unreadable(RULE);
  const [, authority = '', keyspace = '', query = ''] = match;
  const hosts = authority.split(',').filter((host) => host !== '');
  const parameters = new URLSearchParams(query);
  if (hosts.some((host) => !HOST.test(host)))
    throw new Unreadable('cassandra:// and hosts such as node1 or node1:9042');
  if (keyspace !== '' && !KEYSPACE.test(keyspace)) {
    throw new Unreadable('a URL with a keyspace of letters, digits and _, a letter first, 48 at most');
  }
  if ([...parameters.keys()].some((name) => name !== 'dc')) throw new Unreadable('a URL with dc as its only parameter');
  return {
    kind: 'cassandra',
    hosts,
    keyspace: keyspace || undefined,
    localDataCenter: parameters.get('dc') ?? undefined,
  };
}

/** The port that stands behind the last colon, outside brackets. */
export function portOf(host: string): number | undefined {
  const port = /:(\d{1,5})$/.exec(host.replace(/^\[.*\]/, ''))?.[1];
  return port === undefined ? undefined : Number(port);
}

export const storeUrlKind: ValueKind<string, ''> = {
  ...textKind,
  name: 'store URL',
  read(text) {
    if (text.includes('@')) throw new Unreadable('a URL without user and password: they go into store.cassandra');
    parseStoreUrl(text);
    return text;
  },
};

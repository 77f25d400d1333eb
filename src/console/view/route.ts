import { FILTERS, type Filter, PLAIN_QUERY, type Query, SORTS, type Sort } from './fleet-rows.ts';

export type Route =
  | { readonly page: 'fleet'; readonly query: Query }
  | { readonly page: 'function'; readonly versionId: string }
  | { readonly page: 'members' }
  | { readonly page: 'loops' }
  | { readonly page: 'unknown' };

/** Everything that a page shows stands in its address, so that it can be sent to somebody. */
export function readRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#?\/?/, '').split('?', 2);
  const [first = '', second] = path.split('/');
  if (first === 'functions' && second) {
    try {
      return { page: 'function', versionId: decodeURIComponent(second) };
    } catch {
      return { page: 'unknown' };
    }
  }
  if (first === '' || (first === 'functions' && !second)) return { page: 'fleet', query: readQuery(search) };
  if (first === 'members' || first === 'loops') return { page: first };
  return { page: 'unknown' };
}

export function writeRoute(route: Route): string {
  switch (route.page) {
    case 'fleet':
      return `#/functions${writeQuery(route.query)}`;
    case 'function':
      return `#/functions/${encodeURIComponent(route.versionId)}`;
    case 'members':
    case 'loops':
      return `#/${route.page}`;
    case 'unknown':
      return '#/functions';
  }
}

function readQuery(search: string): Query {
  const params = new URLSearchParams(search);
  const [filter, sort] = [params.get('show'), params.get('sort')?.replace(/^-/, '')];
  return {
    text: params.get('q') ?? '',
    filter: FILTERS.find((each): each is Filter => each === filter) ?? PLAIN_QUERY.filter,
    sort: SORTS.find((each): each is Sort => each === sort) ?? PLAIN_QUERY.sort,
    isDescending: params.get('sort')?.startsWith('-') ?? PLAIN_QUERY.isDescending,
  };
}

function writeQuery({ text, filter, sort, isDescending }: Query): string {
  const params = new URLSearchParams();
  if (text !== '') params.set('q', text);
  if (filter !== PLAIN_QUERY.filter) params.set('show', filter);
  if (sort !== PLAIN_QUERY.sort || isDescending) params.set('sort', `${isDescending ? '-' : ''}${sort}`);
  const search = params.toString();
  return search === '' ? '' : `?${search}`;
}

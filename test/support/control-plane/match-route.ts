import { PATTERNS } from '../../../src/contract/paths.ts';
import { RouteTable } from '../../../src/lib/route-table.ts';

export type Route =
  | { readonly call: 'prediction'; readonly account: string; readonly functionId: string; readonly versionId: string }
  | { readonly call: 'deployment'; readonly functionId: string; readonly versionId: string }
  | { readonly call: 'gpu-specification'; readonly deploymentId: string; readonly gpuSpecificationId: string }
  | { readonly call: 'scaling-targets' };

const table = new RouteTable<Route['call']>({ isSlashAtEndIgnored: false });
for (const [call, path] of Object.entries(PATTERNS)) table.put({ method: 'ANY', path }, call as Route['call']);

/** Which call a path means. Cut first, decoded then, so an encoded slash stays inside its id. */
export function matchRoute(path: string): Route | undefined {
  const end = path.search(/[?#]/);
  const found = table.find('ANY', end < 0 ? path : path.slice(0, end));
  return found?.kind === 'route' ? ({ call: found.owner, ...found.params } as Route) : undefined;
}

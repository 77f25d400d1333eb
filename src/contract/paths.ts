import { RouteTable } from '../lib/route-table.ts';

/** Where each call of the contract lives. Ids are any text: they are encoded here and nowhere else. */
export type Route =
  | { readonly call: 'prediction'; readonly account: string; readonly functionId: string; readonly versionId: string }
  | { readonly call: 'deployment'; readonly functionId: string; readonly versionId: string }
  | { readonly call: 'gpu-specification'; readonly deploymentId: string; readonly gpuSpecificationId: string }
  | { readonly call: 'scaling-targets' };

/** The same as patterns, for the side that serves them. */
export const PATTERNS = {
  prediction: '/v2/nvcf/accounts/{account}/predictions/functions/{functionId}/versions/{versionId}',
  deployment: '/v2/nvcf/deployments/functions/{functionId}/versions/{versionId}',
  'gpu-specification': '/v2/nvcf/deployments/{deploymentId}/gpu-specifications/{gpuSpecificationId}',
  'scaling-targets': '/v1/scaling-targets',
} as const satisfies Readonly<Record<Route['call'], string>>;

export const PAGE_LIMIT_MAX = 1_000;

export function predictionPath(id: { account: string; functionId: string; versionId: string }): string {
  const account = encodeURIComponent(id.account);
  const functionId = encodeURIComponent(id.functionId);
  return `/v2/nvcf/accounts/${account}/predictions/functions/${functionId}/versions/${encodeURIComponent(id.versionId)}`;
}

export function deploymentPath(id: { functionId: string; versionId: string }): string {
  const functionId = encodeURIComponent(id.functionId);
  return `/v2/nvcf/deployments/functions/${functionId}/versions/${encodeURIComponent(id.versionId)}`;
}

export function gpuSpecificationPath(id: { deploymentId: string; gpuSpecificationId: string }): string {
  const deploymentId = encodeURIComponent(id.deploymentId);
  return `/v2/nvcf/deployments/${deploymentId}/gpu-specifications/${encodeURIComponent(id.gpuSpecificationId)}`;
}

export function scalingTargetsPath({ after, limit }: { after: string; limit: number }): string {
  return `${PATTERNS['scaling-targets']}?after=${encodeURIComponent(after)}&limit=${limit}`;
}

/**
 * Whether text can be one segment of a path. Every URL library resolves `.` and `..`, also when they are percent-encoded,
 * and half of a surrogate pair is no text at all.
 */
export function isAddressable(id: string): boolean {
  return id.length > 0 && id !== '.' && id !== '..' && id.isWellFormed();
}

const table = new RouteTable<Route['call']>({ isSlashAtEndIgnored: false });
for (const [call, path] of Object.entries(PATTERNS)) table.put({ method: 'ANY', path }, call as Route['call']);

/** The serving side: which call a path means. Cut first, decoded then, so an encoded slash stays inside its id. */
export function matchRoute(path: string): Route | undefined {
  const end = path.search(/[?#]/);
  const found = table.find('ANY', end < 0 ? path : path.slice(0, end));
  return found?.kind === 'route' ? ({ call: found.owner, ...found.params } as Route) : undefined;
}

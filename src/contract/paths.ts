/** Where each call of the contract lives. Ids are any text: they are encoded here and nowhere else. */
export type Route =
  | { readonly call: 'prediction'; readonly account: string; readonly functionId: string; readonly versionId: string }
  | { readonly call: 'deployment'; readonly functionId: string; readonly versionId: string }
  | { readonly call: 'gpu-specification'; readonly deploymentId: string; readonly gpuSpecificationId: string }
  | { readonly call: 'scaling-targets' };

const SCALING_TARGETS_PATH = '/v1/scaling-targets';
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
  return `${SCALING_TARGETS_PATH}?after=${encodeURIComponent(after)}&limit=${limit}`;
}

/**
 * Whether text can be one segment of a path. Every URL library resolves `.` and `..`, also when they are percent-encoded,
 * and half of a surrogate pair is no text at all.
 */
export function isAddressable(id: string): boolean {
  return id.length > 0 && id !== '.' && id !== '..' && id.isWellFormed();
}

/** The serving side: which call a path means. Cut first, decoded then, so an encoded slash stays inside its id. */
export function matchRoute(path: string): Route | undefined {
  const segments = decodeSegments(path);
  if (!segments) return undefined;
  const [version, area, a, b, c, d, e, f, g] = segments;
  if (version === 'v1' && area === 'scaling-targets' && segments.length === 2) return { call: 'scaling-targets' };
  if (version !== 'v2' || area !== 'nvcf' || a === undefined || b === undefined) return undefined;
  if (a === 'accounts' && c === 'predictions' && d === 'functions' && f === 'versions' && segments.length === 9) {
    return e && g ? { call: 'prediction', account: b, functionId: e, versionId: g } : undefined;
  }
  if (a !== 'deployments' || !c || !d) return undefined;
  if (b === 'functions' && d === 'versions' && e && segments.length === 7) {
    return { call: 'deployment', functionId: c, versionId: e };
  }
  if (c === 'gpu-specifications' && segments.length === 6) {
    return { call: 'gpu-specification', deploymentId: b, gpuSpecificationId: d };
  }
  return undefined;
}

function decodeSegments(path: string): string[] | undefined {
  const end = path.search(/[?#]/);
  const segments = (end < 0 ? path : path.slice(0, end)).split('/');
  if (segments[0] !== '' || segments.length > 10) return undefined;
  try {
    return segments.slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

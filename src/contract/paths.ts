/** Where each call of the contract lives, for the side that serves them. */
export const PATTERNS = {
  prediction: '/v2/nvcf/accounts/{account}/predictions/functions/{functionId}/versions/{versionId}',
  deployment: '/v2/nvcf/deployments/functions/{functionId}/versions/{versionId}',
  'gpu-specification': '/v2/nvcf/deployments/{deploymentId}/gpu-specifications/{gpuSpecificationId}',
  'scaling-targets': '/v1/scaling-targets',
} as const;

export const PAGE_LIMIT_MAX = 1_000;

// Ids are any text: they are encoded here and nowhere else.

export function predictionPath(id: { account: string; functionId: string; versionId: string }): string {
  const account = encodeURIComponent(id.account);
  const functionId = encodeURIComponent(id.functionId);
  return `/v2/nvcf/accounts/${account}/predictions/functions/${functionId}/versions/${encodeURIComponent(id.versionId)}`;
}

export function deploymentPath(id: { functionId: string; versionId: string }): string {
  const functionId = encodeURIComponent(id.functionId);
  return `/v2/nvcf/deployments/functions/${functionId}/versions/${encodeURIComponent(id.versionId)}`;
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

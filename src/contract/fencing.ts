/** The header that carries the fencing token, and the one by which a repeated write is known. */
export const FENCING_TOKEN_HEADER = 'Fencing-Token';
export const IDEMPOTENCY_KEY_HEADER = 'Idempotency-Key';

/** Tokens are signed 64 bit in every store. */
const TOKEN_MAX = 2n ** 63n - 1n;

/** A token as it stands on the wire: decimal digits and nothing else, so that no JSON reader rounds it. */
export function parseToken(text: unknown): bigint | undefined {
  if (typeof text !== 'string' || !/^(?:0|[1-9][0-9]{0,18})$/.test(text)) return undefined;
  const token = BigInt(text);
  return token <= TOKEN_MAX ? token : undefined;
}

export function formatToken(token: bigint): string {
  return token.toString(10);
}

/** Version ids are any text; a header is not. */
export function idempotencyKey(versionId: string, token: bigint): string {
  return `${encodeURIComponent(versionId)}:${formatToken(token)}`;
}

/** What a write says: the part of its body that makes two writes the same. `predictedAt` is a note and not compared. */
export interface WriteBody {
  readonly requiredNumberOfInstances: number;
  readonly deploymentId?: string | undefined;
}

export type WriteJudgement = 'accept' | 'repeat' | 'stale';

/**
 * The rule that makes a control plane fenced: a greater token is accepted; the same token with the same body is answered
 * as before; everything else is stale. It holds only if the check and the write are one step, and if tokens outlive restarts.
 */
export function judgeWrite(
  stored: { readonly token: bigint; readonly body: WriteBody } | undefined,
  offered: { readonly token: bigint; readonly body: WriteBody },
): WriteJudgement {
  if (!stored || offered.token > stored.token) return 'accept';
  if (offered.token < stored.token) return 'stale';
  const isSame =
    stored.body.requiredNumberOfInstances === offered.body.requiredNumberOfInstances &&
    stored.body.deploymentId === offered.body.deploymentId;
  return isSame ? 'repeat' : 'stale';
}

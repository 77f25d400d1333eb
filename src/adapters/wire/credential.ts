import { errorText } from '../../lib/error-text.ts';
import { type Unanswered, unanswered } from './outcome.ts';

/** There is nothing to prove ourselves with just now. */
export class CredentialError extends Error {
  override name = 'CredentialError';
  readonly kind = 'auth';
}

/** Proves who we are, whatever carries the request; a `Proof` is what goes along with it. */
export interface Credential<Proof> {
  /** Rejects when there is none. */
  current(signal: AbortSignal): Promise<Proof>;
  /** It was refused. True: `current` gives another one that is worth a try. */
  renew(refused: Proof): boolean | Promise<boolean>;
  /** So was the one after it. */
  renewedInVain?(refused: Proof): void;
  /** A request went through with it. */
  accepted?(): void;
}

/** What goes along with a request in HTTP and gRPC alike. */
export type Headers = Readonly<Record<string, string>>;

/** The one place where a refused credential is answered with a second attempt: one, with another credential, if there is one. */
export async function sendWithCredential<Proof, Result>(
  credential: Credential<Proof>,
  request: {
    readonly signal: AbortSignal;
    readonly send: (proof: Proof) => Promise<Result>;
    readonly isRefused: (result: Result) => boolean;
    readonly onRefused: () => void;
  },
): Promise<Result | Unanswered> {
  const { signal, send, isRefused, onRefused } = request;
  const attempt = async (): Promise<{ proof: Proof; result: Result } | Unanswered> => {
    let proof: Proof;
    try {
      proof = await credential.current(signal);
    } catch (error) {
      const detail = errorText(error);
      return unanswered('not-sent', 'credential', { detail, error });
    }
    const result = await send(proof);
    if (isRefused(result)) onRefused();
    else credential.accepted?.();
    return { proof, result };
  };
  const first = await attempt();
  if ('arrival' in first) return first;
  if (!isRefused(first.result) || !(await isRenewed(credential, first.proof))) return first.result;
  const second = await attempt();
  if ('arrival' in second) return second;
  if (isRefused(second.result)) credential.renewedInVain?.(second.proof);
  return second.result;
}

async function isRenewed<Proof>(credential: Credential<Proof>, refused: Proof): Promise<boolean> {
  try {
    return await credential.renew(refused);
  } catch {
    // The refusal says more than that no other credential could be had.
    return false;
  }
}

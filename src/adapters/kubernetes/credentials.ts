import type { TlsMaterial } from '../wire/tls.ts';

/** Where the API server is and how to prove who we are, as it stands now. */
export interface Credentials extends TlsMaterial {
  readonly server: string;
  readonly token?: string | undefined;
}

/** What may not be kept longer than `validMs`. */
export interface ReadAccess {
  readonly credentials: Credentials;
  /** The namespace that is ours when none is named. */
  readonly namespace: string;
  readonly validMs: number;
}

/** No way to the API server can be made from what is there. Says what is missing and what to do. */
export class AccessError extends Error {
  override name = 'AccessError';
}

/** Files are read again after this: kubelets replace a token in place, well before the old one ends. */
export const REREAD_MS = 10_000;

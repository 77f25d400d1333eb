/**
 * Every failure of a coordination store, by what the caller may conclude from it.
 * `unavailable`: it did not happen. `unknown`: it may have happened, or may yet. `busy`: it did not happen, try later.
 */
export type StoreErrorKind = 'unavailable' | 'unknown' | 'busy' | 'auth' | 'full' | 'schema' | 'closed';

export class StoreError extends Error {
  override name = 'StoreError';
  readonly kind: StoreErrorKind;
  constructor(kind: StoreErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

export function closedError(): StoreError {
  return new StoreError('closed', 'the store was closed; open another one');
}

/** It may have happened, or may yet: only asking again, or sending again under the same nonce, can tell. */
export function isUnknown(error: unknown): boolean {
  return error instanceof StoreError && error.kind === 'unknown';
}

/** What a compare-and-set came to, after the nonce rule has resolved whatever could be resolved. */
export type Swap<Row> =
  | { readonly outcome: 'applied'; readonly row: Row }
  | { readonly outcome: 'lost'; readonly row: Row | undefined };

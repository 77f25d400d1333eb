import type { Policy } from '../domain/policy.ts';
import type { DECLARATIONS } from './declarations.ts';
import type { Typed } from './option.ts';
import type { StoreTarget } from './store-target.ts';

/**
 * The finished configuration. Durations are milliseconds and end in `Ms`, sizes end in `Bytes`; a listener that is off,
 * and whatever was left unset, is undefined.
 */
export interface Config extends Typed<typeof DECLARATIONS> {
  /** What `store.url` and `store.cassandra` together say. */
  readonly storeTarget: StoreTarget;
  /** What `policy` makes of the defaults of its kind; checked. */
  readonly defaultPolicy: Policy;
}

/** The options as they are typed, before what follows from them is worked out. */
export type PlainConfig = Typed<typeof DECLARATIONS>;

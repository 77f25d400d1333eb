import type { Bucket } from './bucket.ts';
import type { FencingToken } from './fencing-token.ts';
import type { FunctionVersion } from './function-version.ts';

/** A function version that discovery has seen lately; a row that ages out unless it is refreshed. */
export interface ActiveVersion extends FunctionVersion {
  readonly bucket: Bucket;
  /** The signal profiles that show it, best first. */
  readonly profiles: readonly string[];
  readonly seenMs: number;
  /** The discovery token under which the row was written: it shows whose refresh it was. */
  readonly discoveryToken: FencingToken;
}

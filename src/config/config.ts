import type { DECLARATIONS } from './declarations.ts';
import type { Typed } from './option.ts';

/**
 * The finished configuration. Durations are milliseconds and end in `Ms`, sizes end in `Bytes`; a listener that is off,
 * and whatever was left unset, is undefined.
 */
export type Config = Typed<typeof DECLARATIONS>;

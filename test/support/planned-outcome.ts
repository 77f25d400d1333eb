import type { MemoryOperation } from '../../src/adapters/memory/world.ts';
import type { StoreErrorKind } from '../../src/ports/store-error.ts';

export interface MemoryCall {
  /** The client that calls, by the name it was opened under. */
  readonly client: string;
  readonly operation: MemoryOperation;
  readonly isWrite: boolean;
}

/** What becomes of one call on its way to the store and back. */
export type PlannedOutcome =
  | { readonly kind: 'answered'; readonly beforeMs: number; readonly afterMs: number }
  /** Nothing happens in the store, and the caller is told so. */
  | {
      readonly kind: 'refused';
      readonly error: Exclude<StoreErrorKind, 'unknown' | 'closed'>;
      readonly afterMs: number;
    }
  /**
   * No answer comes; the caller gives up after `giveUpMs`. The write happens at once, after `lateMs` (which may be later
   * than the giving up), or never.
   */
  | {
      readonly kind: 'lost';
      readonly applies: 'now' | 'never' | { readonly lateMs: number };
      readonly giveUpMs: number;
    };

export const ANSWERED_AT_ONCE: PlannedOutcome = { kind: 'answered', beforeMs: 0, afterMs: 0 };

import type { Lease } from './pooled-instance.ts';
import { Turn } from './turn.ts';

/** What a call brings along when no instance is free for it. */
export interface Ask {
  readonly nowMs: number;
  /** Rises with each call that comes. */
  readonly order: number;
  readonly deadlineMs: number;
  /** A function called this one, and holds an instance while it waits. */
  readonly isChild: boolean;
  /** It was handed an instance before, which turned out to be dead. */
  readonly isRetry: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A call that waits for an instance. */
export class Waiter extends Turn<Lease> {
  readonly ask: Ask;

  constructor(ask: Ask) {
    super();
    this.ask = ask;
  }
}

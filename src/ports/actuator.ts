import type { Actuation, Wish } from '../domain/actuation.ts';
import type { FunctionVersion } from '../domain/function-version.ts';

/** Safe only when `fenced`: the control plane itself refuses an older token. */
export type FencingStrength = 'fenced' | 'conditional' | 'plain';

/** Makes a wish true at the control plane. Never throws for what the control plane said: that is an outcome. */
export interface Actuator {
  readonly strength: FencingStrength;
  /** Whether wishes for this version are only shown: nothing is claimed for it, and nothing sent. */
  isDryRun(version: FunctionVersion): boolean;
  /** `deadlineMs` on the monotonic clock: nothing is sent after it. */
  actuate(wish: Wish, options: { deadlineMs: number; signal?: AbortSignal | undefined }): Promise<Actuation>;
  /**
   * Waits for permission to send one wish; rejects when the signal aborts, and with NotAdmitted where waiting is of no use.
   * A raise may use the part of the rate that is kept for raises; a wish without a verdict may not.
   */
  admit(signal?: AbortSignal, verdict?: 'raise' | 'lower'): Promise<void>;
}

/** The control plane takes no wishes for now. Claim nothing; the next cycle decides anew. */
export class NotAdmitted extends Error {
  override name = 'NotAdmitted';
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

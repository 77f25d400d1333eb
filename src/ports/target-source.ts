import type { FunctionVersion } from '../domain/function-version.ts';
import type { Target } from '../domain/target.ts';

export type TargetAnswer =
  /** `ageMs`: how long ago the control plane said so; grows while it is down. */
  | { readonly state: 'known'; readonly target: Target; readonly ageMs: number }
  /** The control plane answered that there is no such version; `detail` says what would make one. */
  | { readonly state: 'gone'; readonly detail?: string }
  /** It is there, and is not to be scaled by us: why, and what to do. Holds at once, whatever was known before. */
  | { readonly state: 'barred'; readonly detail: string }
  /** Nothing is known of it, and the source does not answer now. */
  | { readonly state: 'unknown'; readonly detail: string };

/** Bounds and policies, as the control plane last stated them. */
export interface TargetSource {
  /** Brings what is known up to date for these versions, in bulk where the control plane offers it. Never throws. */
  refresh(versions: readonly FunctionVersion[], signal?: AbortSignal): Promise<{ ok: boolean; detail: string }>;
  get(versionId: string): TargetAnswer;
}

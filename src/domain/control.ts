/** What an operator asked for one function version, or for the fleet. Each ends by itself. */
export type Control = (
  | { readonly kind: 'pause'; readonly versionId: string }
  | { readonly kind: 'override'; readonly versionId: string; readonly wanted: number }
  /** Lets decreases through for a fleet that froze itself; `until` is when the release lapses. */
  | { readonly kind: 'freeze-release' }
) & { readonly until: number; readonly by: string; readonly why: string };

export type ControlKind = Control['kind'];

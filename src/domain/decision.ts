import type { Reason } from './reason.ts';
import type { Signals } from './signal.ts';

/** `abstain`: the data does not allow an answer; nothing is written and the last wish stands. */
export type Verdict = 'raise' | 'lower' | 'keep' | 'abstain';

/** The value that everything downstream consumes: logged, kept in the ledger, shown, and only then acted on. */
export interface Decision {
  readonly verdict: Verdict;
  /** The wish that stood before: what the control plane last accepted, or what runs when nothing was ever asked for. */
  readonly previous: number | undefined;
  /** Instances seen running. */
  readonly actual: number | undefined;
  /** What should run. Equal to `previous` for keep and abstain; undefined only when abstaining with no previous wish. */
  readonly wanted: number | undefined;
  /** In order of effect; later stages add, nothing overwrites. */
  readonly reasons: readonly Reason[];
  readonly policy: string;
  readonly atMs: number;
  readonly signals: Signals;
}

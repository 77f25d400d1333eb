import type { ReasonCode } from '../../domain/reason.ts';
import { because, type Reasons, type View } from '../view.ts';

const CODES = {
  fresh: undefined,
  partial: 'partial-samples',
  stale: 'stale-samples',
  absent: 'no-samples',
  invalid: 'invalid-samples',
} as const satisfies Record<string, ReasonCode | undefined>;

/** Says what is wrong with the load, if anything. */
export function doubtLoad(view: View, reasons: Reasons): void {
  const code = CODES[view.load.quality];
  if (code) because(reasons, code, { samples: view.load.samples.length });
}

/**
 * Without load to go by there is no answer, with one exception: nothing runs, nothing is wanted, and a call was seen. Where
 * no instance is, none reports, so waiting for load would mean waiting for ever.
 */
export function aimWithoutLoad(view: View, reasons: Reasons): number | undefined {
  doubtLoad(view, reasons);
  const { standing, actual, activity, situation } = view;
  if (standing > 0 || (actual ?? 0) > 0 || activity !== 'called') return undefined;
  const { lastMs } = situation.signals.invocation;
  because(reasons, 'capacity-missing', { calledAgoSeconds: Math.round((situation.nowMs - (lastMs ?? 0)) / 1000) });
  return 1;
}

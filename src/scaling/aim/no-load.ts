import type { ReasonCode } from '../../domain/reason.ts';
import { because, type Reasons, type View } from '../decision-context.ts';

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
 * Without load to go by there is no answer, with one exception: nothing is wanted, and a call was seen. Where
 * no instance is, none reports, so waiting for load would mean waiting for ever.
 */
export function aimWithoutLoad(view: View, reasons: Reasons): number | undefined {
  doubtLoad(view, reasons);
  if (view.standing > 0 || view.activity !== 'called') return undefined;
  because(reasons, 'capacity-missing', { calledAgoSeconds: calledAgoSeconds(view) });
  return 1;
}

export function calledAgoSeconds({ situation }: View): number {
  return Math.round((situation.nowMs - (situation.signals.invocation.lastMs ?? 0)) / 1000);
}

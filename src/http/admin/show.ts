import type { Control } from '../../domain/control.ts';
import type { Decision } from '../../domain/decision.ts';
import type { FunctionState } from '../../domain/function-state.ts';
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import { reasonText, whyNot } from '../../domain/reason-text.ts';
import type { Sample } from '../../domain/signal.ts';

/** The outside form of our values: RFC 3339 times, tokens as strings, null for what is not known. */

export function showTime(atMs: number | undefined): string | null {
  return atMs === undefined || !Number.isFinite(atMs) ? null : new Date(atMs).toISOString();
}

export function showState(state: FunctionState) {
  return {
    token: state.token.toString(),
    phase: state.phase,
    holder: state.holder,
    wanted: state.wanted,
    applied: state.applied ?? null,
    appliedToken: state.appliedToken.toString(),
    outcome: state.outcome || null,
    claimedAt: showTime(state.claimedMs),
    settledAt: state.settledMs > 0 ? showTime(state.settledMs) : null,
  };
}

export function showReasons(reasons: LedgerEntry['reasons']) {
  return reasons.map((reason) => ({ code: reason.code, facts: reason.facts, text: reasonText(reason) }));
}

/** JSON has no infinity, and a number too large for it must not look like none. */
export function showSamples(samples: readonly Sample[]) {
  return samples.map(({ atMs, value }) => ({ at: showTime(atMs), value: showValue(value) }));
}

export function showValue(value: number | undefined): number | '+Inf' | null {
  if (value === undefined || Number.isNaN(value)) return null;
  return Number.isFinite(value) ? value : '+Inf';
}

export function showCounts(decision: Omit<Decision, 'signals' | 'reasons'>) {
  const { atMs, verdict, previous = null, wanted = null, actual = null, policy } = decision;
  return { at: showTime(atMs), verdict, previous, wanted, actual, policy };
}

export function showDecision(decision: Omit<Decision, 'signals'>) {
  return { ...showCounts(decision), reasons: showReasons(decision.reasons), whyNot: whyNot(decision) };
}

export function showEntry(entry: LedgerEntry) {
  return {
    ...showDecision(entry),
    utilisation: showSamples(entry.utilisation),
    demand: showSamples(entry.demand),
    holder: entry.holder,
    token: entry.token?.toString() ?? null,
    outcome: entry.outcome ?? null,
    detail: entry.detail,
  };
}

export function showControl(control: Control) {
  return { ...control, until: showTime(control.until) };
}

import type { Decision } from '../domain/decision.ts';
import type { FunctionVersion } from '../domain/function-version.ts';
import type { LedgerEntry } from '../domain/ledger-entry.ts';
import { type ExplainedDecision, reasonText, whyNot } from '../domain/reason-text.ts';
import type { Sample } from '../domain/signal.ts';
import { showTime } from '../http/admin/show.ts';
import { printableLine } from '../lib/printable.ts';

/** Decisions as people read them. Ids and texts of people or of the control plane stay within their line. */

export function evaluationText({
  version,
  decision,
  complaints,
}: {
  version: FunctionVersion;
  decision: Decision;
  complaints: readonly string[];
}): string {
  const { signals } = decision;
  return [
    `${printableLine(version.versionId)}: ${verdictText(decision)}`,
    ...whyLines(decision),
    `signals by ${signals.profile ?? 'no profile'}:`,
    `  utilisation % (${signals.utilisation.quality}): ${samplesText(signals.utilisation.samples)}`,
    `  demand (${signals.demand.quality}): ${samplesText(signals.demand.samples)}`,
    `  instances (${signals.instances.quality}): ${signals.instances.value ?? 'none'}`,
    `  last call (${signals.invocation.quality}): ${showTime(signals.invocation.lastMs) ?? 'none seen'}`,
    ...complaints.map((complaint) => `the time-series store: ${printableLine(complaint)}`),
    'nothing was written',
  ].join('\n');
}

export function entriesText(versionId: string, entries: readonly LedgerEntry[]): string {
  if (entries.length > 0) return entries.map(entryText).join('\n\n');
  return [
    `nothing is recorded for ${printableLine(versionId)}.`,
    'Only what is new is recorded: a version that was met and left as it is has no entry.',
    'starling evaluate decides for it now; starling doctor tells whether it is found at all.',
  ].join('\n');
}

function entryText(entry: LedgerEntry): string {
  const { outcome, token, detail } = entry;
  const ending = outcome === undefined ? '' : `, ${outcome}${token === undefined ? '' : ` under token ${token}`}`;
  return [
    `${new Date(entry.atMs).toISOString()}  ${verdictText(entry)}${ending}`,
    ...(detail === '' ? [] : [`  control plane: ${printableLine(detail)}`]),
    ...whyLines(entry),
  ].join('\n');
}

function verdictText({
  verdict,
  previous,
  wanted,
  actual,
}: Pick<Decision, 'verdict' | 'previous' | 'wanted' | 'actual'>): string {
  const isChange = verdict === 'raise' || verdict === 'lower';
  const change = isChange ? `${count(previous)} -> ${count(wanted)}` : count(wanted);
  return `${verdict} ${change} (running: ${count(actual)})`;
}

function whyLines(decision: ExplainedDecision & Pick<Decision, 'policy'>): string[] {
  const otherwise = whyNot(decision);
  return [
    `by ${printableLine(decision.policy)}, because`,
    ...decision.reasons.map((reason) => `  - ${printableLine(reasonText(reason))}`),
    ...(otherwise.length > 0 ? ['why not otherwise'] : []),
    ...otherwise.map((sentence) => `  - ${printableLine(sentence)}`),
  ];
}

function samplesText(samples: readonly Sample[]): string {
  return samples.map(({ value }) => Number(value.toFixed(1))).join(' ') || 'none';
}

function count(value: number | undefined): string {
  return value === undefined ? '?' : String(value);
}

import type { Decision } from './decision.ts';
import type { Reason } from './reason.ts';
import { type Facts, REASONS } from './reason-table.ts';

/** What of a decision its explanation is made from; a ledger entry has it too. */
export type ExplainedDecision = Pick<Decision, 'verdict' | 'previous' | 'wanted' | 'reasons'>;

/** One English sentence for a reason. */
export function reasonText({ code, facts }: Reason): string {
  return rowOf(code)?.text(facts) ?? `${String(code)} (not known to this version).`;
}

/** Why it did not go further, or did not go at all: one sentence for each thing that held it back, in order of effect. */
export function whyNot({ verdict, previous, wanted, reasons }: ExplainedDecision): string[] {
  const sentences: string[] = [];
  for (const { code, facts } of reasons) {
    const sentence = rowOf(code)?.otherwise?.(facts);
    if (sentence !== undefined && !sentences.includes(sentence)) sentences.push(sentence);
  }
  if (sentences.length > 0 || verdict === 'raise' || verdict === 'lower') return sentences;
  const aims = reasons.some(({ code }) => code === 'load-below-target' || code === 'idle');
  // Load asked for a move, nothing held it back, and yet nothing moved: the wish had got there before.
  return [
    `What load asks for is already wanted (${wanted ?? previous ?? '?'}); ${aims ? 'less' : 'more'} load would move it.`,
  ];
}

/** An entry written by a newer version may carry a code that this one does not know. */
function rowOf(code: string): { text: (facts: Facts) => string; otherwise?: (facts: Facts) => string } | undefined {
  return Object.hasOwn(REASONS, code) ? REASONS[code as Reason['code']] : undefined;
}

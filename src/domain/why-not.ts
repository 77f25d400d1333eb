import type { Decision } from './decision.ts';
import type { Reason, ReasonCode } from './reason.ts';

/** What is asked of a decision; a ledger entry has it too. */
export type Told = Pick<Decision, 'verdict' | 'previous' | 'wanted' | 'reasons'>;

/** What would have had to be different, by reason; undefined where the reason held nothing back. */
const OTHERWISE: Record<ReasonCode, ((facts: Reason['facts']) => string) | undefined> = {
  'load-above-target': undefined,
  'load-below-target': undefined,
  'load-within-band': (facts) =>
    facts['demand'] === undefined
      ? `Utilisation above ${facts['up'] ?? '?'} % would raise it, below ${facts['down'] ?? '?'} % lower it.`
      : `Demand above ${times(facts['aim'], facts['perInstance'])} calls would raise it, at or below ${times(minusOne(facts['aim']), facts['perInstance'])} lower it.`,
  'no-load': undefined,
  'capacity-missing': undefined,
  'backlog-from-zero': undefined,
  'starting-credited': (facts) =>
    `It would be raised past ${facts['standing'] ?? '?'} if the load stayed high once those that are starting run.`,
  idle: undefined,
  'recent-invocation': () => 'It would go to zero if no call came for the whole idle time.',
  'idle-unproven': () =>
    'It would go to zero if its calls were watched for the whole idle time without a gap, and none came.',
  'held-by-stickiness': (facts) =>
    `It would move if load stayed past ${facts['threshold'] ?? '?'} % for ${facts['requiredSeconds'] ?? '?'} s of ${facts['windowSeconds'] ?? '?'} s.`,
  'held-by-stabilisation': (facts) =>
    `It would go to ${facts['aim'] ?? '?'} if the load asked for no other count over ${facts['windowSeconds'] ?? '?'} s.`,
  'held-by-cooldown': (facts) =>
    `It would go to ${facts['aim'] ?? '?'} in ${facts['leftSeconds'] ?? '?'} s, if load stays as it is.`,
  'in-flight': () => 'It would be judged by its load once an instance is seen running.',
  'not-converging': () =>
    'The control plane would have to start or stop what it accepted; look there for why it does not.',
  'first-cycles': (facts) => `It could be lowered after ${facts['of'] ?? '?'} evaluations.`,
  recovering: () => 'It could be lowered once its load has been seen again for a while.',
  'no-samples': () => 'Fresh samples of its load would be needed for any answer.',
  'stale-samples': () => 'A newer sample of its load would be needed for any answer.',
  'partial-samples': () => 'A complete answer of the store would be needed to lower it.',
  'invalid-samples': () => 'Readable samples, 0 or more, would be needed for any answer.',
  'instances-unknown': () => 'A count of its running instances would be needed, from the metrics or the control plane.',
  'policy-unknown': () => 'Its policy and bounds would have to be heard of once.',
  'policy-stale': undefined,
  'clock-skew': () => 'The clocks of this member and the time-series store would have to agree.',
  'state-unknown': () => 'The record of its last wish would have to be readable.',
  floor: (facts) => `A minimum below ${facts['min'] ?? '?'} would be needed to go lower.`,
  ceiling: (facts) => `A maximum above ${facts['max'] ?? '?'} would be needed to go higher.`,
  'bounds-inverted': () =>
    'Bounds that can be met would be needed: minimum at most the maximum, at least one call an instance.',
  'step-limited': (facts) =>
    `It would go to ${facts['aim'] ?? '?'} at once without the step limit of its policy; so it takes more steps.`,
  'fleet-frozen': (facts) =>
    `It would go down to ${facts['aim'] ?? '?'} if the freeze ended by itself or were released.`,
  paused: (facts) => `Without the pause it would ${moveTo(facts['instead'])}.`,
  overridden: (facts) => `Without the override it would ${moveTo(facts['instead'])}.`,
  unconfirmed: undefined,
  'not-active': () => 'It would have to be ACTIVE.',
  barred: () => 'What bars it would have to be mended at the control plane.',
  gone: () => 'The control plane would have to know it.',
  'control-plane-backoff': () => 'It would be asked again when the back-off ends.',
};

/** Why it did not go further, or did not go at all: one sentence for each thing that held it back, in order of effect. */
export function whyNot({ verdict, previous, wanted, reasons }: Told): string[] {
  const sentences: string[] = [];
  for (const { code, facts } of reasons) {
    const sentence = OTHERWISE[code]?.(facts);
    if (sentence !== undefined && !sentences.includes(sentence)) sentences.push(sentence);
  }
  if (sentences.length > 0 || verdict === 'raise' || verdict === 'lower') return sentences;
  const aims = reasons.some(({ code }) => code === 'load-below-target' || code === 'idle');
  // Load asked for a move, nothing held it back, and yet nothing moved: the wish had got there before.
  return [
    `What load asks for is already wanted (${wanted ?? previous ?? '?'}); ${aims ? 'less' : 'more'} load would move it.`,
  ];
}

function times(count: Reason['facts'][string] | undefined, each: Reason['facts'][string] | undefined): string {
  if (typeof count !== 'number' || typeof each !== 'number') return '?';
  return String(Math.round(count * each * 1000) / 1000);
}

function minusOne(count: Reason['facts'][string] | undefined): number | undefined {
  return typeof count === 'number' ? count - 1 : undefined;
}

function moveTo(instead: Reason['facts'][string] | undefined): string {
  return instead === undefined ? 'be decided by its load' : `be ${instead}`;
}

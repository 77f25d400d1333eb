export type Fact = number | string | boolean;
export type Facts = Readonly<Record<string, Fact>>;

interface ReasonRow {
  /** The stage of deciding that gives it, or gives it first: see `scaling/decide.ts`. */
  readonly stage: 'preconditions' | 'policy' | 'aim' | 'zero' | 'hold' | 'bound' | 'freeze' | 'controls' | 'resend';
  /** One English sentence. Facts that an older entry does not have are left as a question mark, never guessed. */
  readonly text: (facts: Facts) => string;
  /** What would have had to be different; absent where the reason holds nothing back. */
  readonly otherwise?: (facts: Facts) => string;
}

/** All reasons, in the order of the stages. */
export const REASONS = {
  'clock-skew': {
    stage: 'preconditions',
    text: (facts) =>
      `The clock of this member${has(facts, 'skewSeconds') ? ` is ${span(facts, 'skewSeconds')} off` : ''} and that of the time-series store do not agree.`,
    otherwise: () => 'The clocks of this member and the time-series store would have to agree.',
  },
  'state-unknown': {
    stage: 'preconditions',
    text: () => 'The durable record of its last wish could not be read.',
    otherwise: () => 'The record of its last wish would have to be readable.',
  },
  'control-plane-backoff': {
    stage: 'preconditions',
    text: () => 'The control plane asked to be left alone for a while, or keeps failing.',
    otherwise: () => 'It would be asked again when the back-off ends.',
  },
  gone: {
    stage: 'preconditions',
    text: (facts) =>
      `The control plane does not know it (any more)${has(facts, 'detail') ? `: ${fact(facts, 'detail')}` : ''}.`,
    otherwise: () => 'The control plane would have to know it.',
  },
  barred: {
    stage: 'preconditions',
    text: (facts) => `It is not to be scaled: ${fact(facts, 'detail')}.`,
    otherwise: () => 'What bars it would have to be mended at the control plane.',
  },
  'not-active': {
    stage: 'preconditions',
    text: (facts) => `The control plane has it as ${fact(facts, 'status')}; only ACTIVE versions are scaled.`,
    otherwise: () => 'It would have to be ACTIVE.',
  },
  'bounds-inverted': {
    stage: 'preconditions',
    text: (facts) =>
      `Its bounds cannot be met: at least ${fact(facts, 'min')}, at most ${fact(facts, 'max')}, ${fact(facts, 'concurrency')} calls an instance.`,
    otherwise: () =>
      'Bounds that can be met would be needed: minimum at most the maximum, at least one call an instance.',
  },
  'policy-unknown': {
    stage: 'policy',
    text: (facts) =>
      `Its policy or its bounds have never been heard of${has(facts, 'detail') ? ` (${fact(facts, 'detail')})` : ''}; defaults are not put in their place.`,
    otherwise: () => 'Its policy and bounds would have to be heard of once.',
  },
  'policy-stale': {
    stage: 'policy',
    text: (facts) => `The source of policies does not answer; going by the policy of ${span(facts, 'ageSeconds')} ago.`,
  },
  'load-above-target': {
    stage: 'aim',
    text: (facts) =>
      has(facts, 'demand')
        ? `Demand of ${fact(facts, 'demand')} calls needs ${instances(facts, 'aim')} at ${fact(facts, 'perInstance')} calls each.`
        : `Utilisation of ${fact(facts, 'latest')} % is above ${fact(facts, 'threshold')} %, which asks for ${instances(facts, 'step')}.`,
  },
  'load-below-target': {
    stage: 'aim',
    text: (facts) =>
      has(facts, 'demand')
        ? `Demand of ${fact(facts, 'demand')} calls needs only ${instances(facts, 'aim')} at ${fact(facts, 'perInstance')} calls each.`
        : `Utilisation of ${fact(facts, 'latest')} % is below ${fact(facts, 'threshold')} %, which asks for ${instances(facts, 'step')}.`,
  },
  'load-within-band': {
    stage: 'aim',
    text: (facts) =>
      has(facts, 'demand')
        ? `Demand of ${fact(facts, 'demand')} calls needs just what is wanted, ${instances(facts, 'aim')}.`
        : `Utilisation of ${fact(facts, 'latest')} % lies between ${fact(facts, 'down')} % and ${fact(facts, 'up')} %.`,
    otherwise: (facts) =>
      !has(facts, 'demand')
        ? `Utilisation above ${fact(facts, 'up')} % would raise it, below ${fact(facts, 'down')} % lower it.`
        : `Demand above ${times(facts['aim'], facts['perInstance'])} calls would raise it, at or below ${times(minusOne(facts['aim']), facts['perInstance'])} lower it.`,
  },
  'no-load': { stage: 'aim', text: () => 'Nothing is running or queued.' },
  'capacity-missing': {
    stage: 'aim',
    text: (facts) =>
      has(facts, 'calledAgoSeconds')
        ? `A call was seen ${span(facts, 'calledAgoSeconds')} ago and no instance is there to take it.`
        : 'There is load and no capacity to carry it; utilisation is infinite.',
  },
  'backlog-from-zero': {
    stage: 'aim',
    text: (facts) =>
      `Nothing is wanted yet and ${fact(facts, 'demand')} calls wait, which need ${instances(facts, 'aim')}.`,
  },
  'starting-credited': {
    stage: 'aim',
    text: (facts) =>
      `${fact(facts, 'actual')} of ${fact(facts, 'standing')} wanted instances run; those that are still starting will take the rest.`,
    otherwise: (facts) =>
      `It would be raised past ${fact(facts, 'standing')} if the load stayed high once those that are starting run.`,
  },
  'held-by-stickiness': {
    stage: 'aim',
    text: (facts) =>
      `Utilisation of ${fact(facts, 'latest')} % is past ${fact(facts, 'threshold')} %, but not for ${span(facts, 'requiredSeconds')} of the last ${span(facts, 'windowSeconds')}.`,
    otherwise: (facts) =>
      `It would move if load stayed past ${fact(facts, 'threshold')} % for ${fact(facts, 'requiredSeconds')} s of ${fact(facts, 'windowSeconds')} s.`,
  },
  'in-flight': {
    stage: 'aim',
    text: (facts) =>
      has(facts, 'aim')
        ? `None of ${instances(facts, 'standing')} is seen running yet, so low load says nothing.`
        : `${instances(facts, 'standing')} asked for ${span(facts, 'forSeconds')} ago and none is seen yet; waiting for them.`,
    otherwise: () => 'It would be judged by its load once an instance is seen running.',
  },
  'no-samples': {
    stage: 'aim',
    text: () => 'There are no samples of its load. Absent is not zero.',
    otherwise: () => 'Fresh samples of its load would be needed for any answer.',
  },
  'stale-samples': {
    stage: 'aim',
    text: () => 'The newest sample of its load is too old to go by.',
    otherwise: () => 'A newer sample of its load would be needed for any answer.',
  },
  'partial-samples': {
    stage: 'aim',
    text: () => 'The store said that its answer is incomplete; that may raise, never lower.',
    otherwise: () => 'A complete answer of the store would be needed to lower it.',
  },
  'invalid-samples': {
    stage: 'aim',
    text: () => 'A sample of its load is something no load can be; none of them is used.',
    otherwise: () => 'Readable samples, 0 or more, would be needed for any answer.',
  },
  'instances-unknown': {
    stage: 'aim',
    text: () => 'How many instances run is not known, neither from the metrics nor from the control plane.',
    otherwise: () => 'A count of its running instances would be needed, from the metrics or the control plane.',
  },
  idle: {
    stage: 'zero',
    text: (facts) => `No call for ${span(facts, 'idleSeconds')}, and load is low: nothing needs to run.`,
  },
  'recent-invocation': {
    stage: 'zero',
    text: (facts) => `Last called ${span(facts, 'agoSeconds')} ago, too recent for zero.`,
    otherwise: () => 'It would go to zero if no call came for the whole idle time.',
  },
  'idle-unproven': {
    stage: 'zero',
    text: (facts) =>
      `Whether it was called cannot be shown for the whole idle time (invocations: ${fact(facts, 'invocation')}), so it does not go to zero.`,
    otherwise: () =>
      'It would go to zero if its calls were watched for the whole idle time without a gap, and none came.',
  },
  'held-by-stabilisation': {
    stage: 'hold',
    text: (facts) =>
      `Load asks for ${instances(facts, 'aim')}; over the last ${span(facts, 'windowSeconds')} it also asked for ${fact(facts, 'to')}, and that holds for now.`,
    otherwise: (facts) =>
      `It would go to ${fact(facts, 'aim')} if the load asked for no other count over ${fact(facts, 'windowSeconds')} s.`,
  },
  'held-by-cooldown': {
    stage: 'hold',
    text: (facts) =>
      `Load asks for ${instances(facts, 'aim')}, but the last change is too recent; ${span(facts, 'leftSeconds')} are left of the cool-down.`,
    otherwise: (facts) =>
      `It would go to ${fact(facts, 'aim')} in ${fact(facts, 'leftSeconds')} s, if load stays as it is.`,
  },
  'not-converging': {
    stage: 'hold',
    text: (facts) =>
      `${fact(facts, 'wanted')} wanted and ${fact(facts, 'actual')} running for ${span(facts, 'forSeconds')}: the control plane accepted the wish and does not follow it.`,
    otherwise: () => 'The control plane would have to start or stop what it accepted; look there for why it does not.',
  },
  'first-cycles': {
    stage: 'hold',
    text: (facts) =>
      `Met only ${fact(facts, 'cycle')} evaluations ago, after a start, a take-over or a lost record; the first ${fact(facts, 'of')} lower nothing.`,
    otherwise: (facts) => `It could be lowered after ${fact(facts, 'of')} evaluations.`,
  },
  recovering: {
    stage: 'hold',
    text: (facts) =>
      `Load came back ${span(facts, 'seenForSeconds')} ago after it could not be seen; it lowers nothing until it has lasted.`,
    otherwise: () => 'It could be lowered once its load has been seen again for a while.',
  },
  floor: {
    stage: 'bound',
    text: (facts) => `At least ${fact(facts, 'min')} must run; ${fact(facts, 'aim')} would be fewer.`,
    otherwise: (facts) => `A minimum below ${fact(facts, 'min')} would be needed to go lower.`,
  },
  ceiling: {
    stage: 'bound',
    text: (facts) => `At most ${fact(facts, 'max')} may run; ${fact(facts, 'aim')} would be more.`,
    otherwise: (facts) => `A maximum above ${fact(facts, 'max')} would be needed to go higher.`,
  },
  'step-limited': {
    stage: 'bound',
    text: (facts) =>
      `Load asks for ${instances(facts, 'aim')}; from ${fact(facts, 'start')} the limit per ${span(facts, 'periodSeconds')} is ${fact(facts, 'to')}.`,
    otherwise: (facts) =>
      `It would go to ${fact(facts, 'aim')} at once without the step limit of its policy; so it takes more steps.`,
  },
  'fleet-frozen': {
    stage: 'freeze',
    text: (facts) =>
      `It would go down to ${fact(facts, 'aim')}, but the fleet is frozen: too many versions fell or lost their signal at once.`,
    otherwise: (facts) => `It would go down to ${fact(facts, 'aim')} if the freeze ended by itself or were released.`,
  },
  paused: {
    stage: 'controls',
    text: (facts) => `Paused by ${fact(facts, 'by')} until ${moment(facts, 'until')}: ${fact(facts, 'why')}`,
    otherwise: (facts) => `Without the pause it would ${moveTo(facts['instead'])}.`,
  },
  overridden: {
    stage: 'controls',
    text: (facts) =>
      `Set to ${fact(facts, 'wanted')} by ${fact(facts, 'by')} until ${moment(facts, 'until')}: ${fact(facts, 'why')}`,
    otherwise: (facts) => `Without the override it would ${moveTo(facts['instead'])}.`,
  },
  unconfirmed: {
    stage: 'resend',
    text: (facts) =>
      `Whether the control plane took the last order is not known, so ${instances(facts, 'wanted')} are asked for again.`,
  },
} as const satisfies Record<string, ReasonRow>;

export type ReasonCode = keyof typeof REASONS;

function has(facts: Facts, name: string): boolean {
  return facts[name] !== undefined;
}

function fact(facts: Facts, name: string): string {
  const value = facts[name];
  return value === undefined ? '?' : String(value);
}

function instances(facts: Facts, name: string): string {
  return `${fact(facts, name)} ${facts[name] === 1 ? 'instance' : 'instances'}`;
}

function span(facts: Facts, name: string): string {
  const seconds = facts[name];
  if (typeof seconds !== 'number') return '?';
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

function moment(facts: Facts, name: string): string {
  const atMs = facts[name];
  if (typeof atMs !== 'number' || Math.abs(atMs) > 8.64e15) return '?';
  return new Date(atMs).toISOString();
}

function times(count: Fact | undefined, each: Fact | undefined): string {
  if (typeof count !== 'number' || typeof each !== 'number') return '?';
  return String(Math.round(count * each * 1000) / 1000);
}

function minusOne(count: Fact | undefined): number | undefined {
  return typeof count === 'number' ? count - 1 : undefined;
}

function moveTo(instead: Fact | undefined): string {
  return instead === undefined ? 'be decided by its load' : `be ${instead}`;
}

import type { Fact, Reason, ReasonCode } from './reason.ts';

type Facts = Readonly<Record<string, Fact>>;

/** One English sentence for a reason. Facts that an older entry does not have are left as a question mark, never guessed. */
export function tellReason({ code, facts }: Reason): string {
  const tell = SENTENCES[code] as ((facts: Facts) => string) | undefined;
  // An entry written by a newer version may carry a code that this one does not know.
  return tell ? tell(facts) : `${String(code)} (not known to this version).`;
}

const SENTENCES: Record<ReasonCode, (facts: Facts) => string> = {
  'load-above-target': (facts) =>
    has(facts, 'demand')
      ? `Demand of ${fact(facts, 'demand')} calls needs ${instances(facts, 'aim')} at ${fact(facts, 'perInstance')} calls each.`
      : `Utilisation of ${fact(facts, 'latest')} % is above ${fact(facts, 'threshold')} %, which asks for ${instances(facts, 'step')}.`,
  'load-below-target': (facts) =>
    has(facts, 'demand')
      ? `Demand of ${fact(facts, 'demand')} calls needs only ${instances(facts, 'aim')} at ${fact(facts, 'perInstance')} calls each.`
      : `Utilisation of ${fact(facts, 'latest')} % is below ${fact(facts, 'threshold')} %, which asks for ${instances(facts, 'step')}.`,
  'load-within-band': (facts) =>
    has(facts, 'demand')
      ? `Demand of ${fact(facts, 'demand')} calls needs just what is wanted, ${instances(facts, 'aim')}.`
      : `Utilisation of ${fact(facts, 'latest')} % lies between ${fact(facts, 'down')} % and ${fact(facts, 'up')} %.`,
  'no-load': () => 'Nothing is running or queued.',
  'capacity-missing': (facts) =>
    has(facts, 'calledAgoSeconds')
      ? `A call was seen ${span(facts, 'calledAgoSeconds')} ago and no instance is there to take it.`
      : 'There is load and no capacity to carry it; utilisation is infinite.',
  'backlog-from-zero': (facts) =>
    `Nothing is wanted yet and ${fact(facts, 'demand')} calls wait, which need ${instances(facts, 'aim')}.`,
  'starting-credited': (facts) =>
    `${fact(facts, 'actual')} of ${fact(facts, 'standing')} wanted instances run; those that are still starting will take the rest.`,
  idle: (facts) => `No call for ${span(facts, 'idleSeconds')}, and load is low: nothing needs to run.`,
  'recent-invocation': (facts) => `Last called ${span(facts, 'agoSeconds')} ago, too recent for zero.`,
  'idle-unproven': (facts) =>
    `Whether it was called cannot be shown for the whole idle time (invocations: ${fact(facts, 'invocation')}), so it does not go to zero.`,
  'held-by-stickiness': (facts) =>
    `Utilisation of ${fact(facts, 'latest')} % is past ${fact(facts, 'threshold')} %, but not for ${span(facts, 'requiredSeconds')} of the last ${span(facts, 'windowSeconds')}.`,
  'held-by-stabilisation': (facts) =>
    `Load asks for ${instances(facts, 'aim')}; over the last ${span(facts, 'windowSeconds')} it also asked for ${fact(facts, 'to')}, and that holds for now.`,
  'held-by-cooldown': (facts) =>
    `Load asks for ${instances(facts, 'aim')}, but the last change is too recent; ${span(facts, 'leftSeconds')} are left of the cool-down.`,
  'in-flight': (facts) =>
    has(facts, 'aim')
      ? `None of ${instances(facts, 'standing')} is seen running yet, so low load says nothing.`
      : `${instances(facts, 'standing')} asked for ${span(facts, 'forSeconds')} ago and none is seen yet; waiting for them.`,
  'not-converging': (facts) =>
    `${fact(facts, 'wanted')} wanted and ${fact(facts, 'actual')} running for ${span(facts, 'forSeconds')}: the control plane accepted the wish and does not follow it.`,
  'first-cycles': (facts) =>
    `Met only ${fact(facts, 'cycle')} evaluations ago, after a start, a take-over or a lost record; the first ${fact(facts, 'of')} lower nothing.`,
  recovering: (facts) =>
    `Load came back ${span(facts, 'seenForSeconds')} ago after it could not be seen; it lowers nothing until it has lasted.`,
  'no-samples': () => 'There are no samples of its load. Absent is not zero.',
  'stale-samples': () => 'The newest sample of its load is too old to go by.',
  'partial-samples': () => 'The store said that its answer is incomplete; that may raise, never lower.',
  'invalid-samples': () => 'A sample of its load is something no load can be; none of them is used.',
  'instances-unknown': () =>
    'How many instances run is not known, neither from the metrics nor from the control plane.',
  'policy-unknown': (facts) =>
    `Its policy or its bounds have never been heard of${has(facts, 'detail') ? ` (${fact(facts, 'detail')})` : ''}; defaults are not put in their place.`,
  'policy-stale': (facts) =>
    `The source of policies does not answer; going by the policy of ${span(facts, 'ageSeconds')} ago.`,
  'clock-skew': (facts) =>
    `The clock of this member${has(facts, 'skewSeconds') ? ` is ${span(facts, 'skewSeconds')} off` : ''} and that of the time-series store do not agree.`,
  'state-unknown': () => 'The durable record of its last wish could not be read.',
  floor: (facts) => `At least ${fact(facts, 'min')} must run; ${fact(facts, 'aim')} would be fewer.`,
  ceiling: (facts) => `At most ${fact(facts, 'max')} may run; ${fact(facts, 'aim')} would be more.`,
  'bounds-inverted': (facts) =>
    `Its bounds cannot be met: at least ${fact(facts, 'min')}, at most ${fact(facts, 'max')}, ${fact(facts, 'concurrency')} calls an instance.`,
  'step-limited': (facts) =>
    `Load asks for ${instances(facts, 'aim')}; from ${fact(facts, 'start')} the limit per ${span(facts, 'periodSeconds')} is ${fact(facts, 'to')}.`,
  'fleet-frozen': (facts) =>
    `It would go down to ${fact(facts, 'aim')}, but the fleet is frozen: too many versions fell or lost their signal at once.`,
  paused: (facts) => `Paused by ${fact(facts, 'by')} until ${moment(facts, 'until')}: ${fact(facts, 'why')}`,
  overridden: (facts) =>
    `Set to ${fact(facts, 'wanted')} by ${fact(facts, 'by')} until ${moment(facts, 'until')}: ${fact(facts, 'why')}`,
  unconfirmed: (facts) =>
    `Whether the control plane took the last order is not known, so ${instances(facts, 'wanted')} are asked for again.`,
  'not-active': (facts) => `The control plane has it as ${fact(facts, 'status')}; only ACTIVE versions are scaled.`,
  barred: (facts) => `It is not to be scaled: ${fact(facts, 'detail')}.`,
  gone: (facts) =>
    `The control plane does not know it (any more)${has(facts, 'detail') ? `: ${fact(facts, 'detail')}` : ''}.`,
  'control-plane-backoff': () => 'The control plane asked to be left alone for a while, or keeps failing.',
};

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

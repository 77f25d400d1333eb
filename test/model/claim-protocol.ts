import type { Step } from './explore.ts';

/**
 * The claim of one function version, as small as it can be said: a register with a token and a nonce, a control plane, a
 * network that delays anything without limit and delivers in any order, and members that may stop at any point. There is no
 * time in it: every timer may go off at any moment, so what holds here needs no clock at all.
 */
export interface ClaimModel {
  readonly members: number;
  readonly attempts: number;
  /** The control plane refuses a token that is not above the last it took. */
  readonly isFenced: boolean;
  /** Whether a member in doubt looks for its own nonce, or takes the expected token for its own success. */
  readonly checksNonce: boolean;
}

interface Member {
  readonly attempt: number;
  readonly phase: 'idle' | 'read' | 'asked' | 'doubt' | 'won';
  readonly seen: number;
  readonly copies: number;
}

type Message =
  | { readonly kind: 'claim'; readonly by: number; readonly attempt: number; readonly seen: number }
  | { readonly kind: 'put'; readonly token: number };

export interface ClaimState {
  readonly token: number;
  readonly nonce: string;
  readonly members: readonly Member[];
  readonly net: readonly Message[];
  /** The tokens under which somebody believed to write. */
  readonly won: readonly number[];
  /** What the control plane holds, and the highest it has ever taken. */
  readonly planeToken: number;
  readonly planeHighest: number;
}

const COPIES_MAX = 2;

export function initialClaimState(model: ClaimModel): ClaimState {
  const member: Member = { attempt: 0, phase: 'idle', seen: 0, copies: 0 };
  const members = Array.from({ length: model.members }, () => member);
  return { token: 0, nonce: '', members, net: [], won: [], planeToken: 0, planeHighest: 0 };
}

export function brokenClaimRule(state: ClaimState): 'unique' | 'order' | undefined {
  if (new Set(state.won).size < state.won.length) return 'unique';
  return state.planeToken < state.planeHighest ? 'order' : undefined;
}

export function* claimSteps(model: ClaimModel, state: ClaimState): Iterable<Step<ClaimState>> {
  for (const { what, next } of allSteps(model, state)) yield { what, next: withoutDeadLetters(model, next) };
}

function* allSteps(model: ClaimModel, state: ClaimState): Iterable<Step<ClaimState>> {
  for (const [index, member] of state.members.entries()) yield* memberSteps(model, state, { index, member });
  for (const [index, message] of state.net.entries()) {
    const rest = { ...state, net: state.net.filter((_, other) => other !== index) };
    if (message.kind === 'put')
      yield { what: `put ${message.token} arrives`, next: receive(model, rest, message.token) };
    else yield* arrivals(model, rest, message);
  }
}

function* memberSteps(
  model: ClaimModel,
  state: ClaimState,
  { index, member }: { index: number; member: Member },
): Iterable<Step<ClaimState>> {
  if (member.attempt >= model.attempts) return;
  const become = (change: Partial<Member>, more: Partial<ClaimState> = {}): ClaimState => ({
    ...state,
    ...more,
    members: state.members.map((each, other) => (other === index ? { ...each, ...change } : each)),
  });
  const giveUp = { attempt: member.attempt + 1, phase: 'idle', seen: 0, copies: 0 } as const;
  const ask = () =>
    become(
      { phase: 'asked', copies: member.copies + 1 },
      { net: [...state.net, { kind: 'claim', by: index, attempt: member.attempt, seen: member.seen }] },
    );
  switch (member.phase) {
    case 'idle':
      yield { what: `${index} reads ${state.token}`, next: become({ phase: 'read', seen: state.token }) };
      return;
    case 'read':
      yield { what: `${index} asks for ${member.seen + 1}`, next: ask() };
      return;
    case 'asked':
      yield { what: `${index} hears nothing`, next: become({ phase: 'doubt' }) };
      return;
    case 'doubt':
      if (isMine(model, state, { index, member })) {
        yield { what: `${index} finds that it won`, next: win(state, { index, member }) };
      } else if (state.token > member.seen) yield { what: `${index} finds that it lost`, next: become(giveUp) };
      else if (member.copies < COPIES_MAX) yield { what: `${index} asks again`, next: ask() };
      yield { what: `${index} gives up in doubt`, next: become(giveUp) };
      return;
    case 'won':
      yield {
        what: `${index} puts ${member.seen + 1}`,
        next: become(giveUp, { net: [...state.net, { kind: 'put', token: member.seen + 1 }] }),
      };
      yield { what: `${index} stops before it puts`, next: become(giveUp) };
  }
}

/** A claim reaches the store; its answer arrives, or is lost. */
function* arrivals(
  model: ClaimModel,
  state: ClaimState,
  message: Message & { kind: 'claim' },
): Iterable<Step<ClaimState>> {
  const { by, attempt, seen } = message;
  const isApplied = state.token === seen;
  const after = isApplied ? { ...state, token: seen + 1, nonce: `${by}/${attempt}` } : state;
  const what = `the claim of ${seen + 1} by ${by} ${isApplied ? 'applies' : 'does not apply'}`;
  yield { what: `${what}, its answer is lost`, next: after };
  const member = after.members[by];
  if (!member || member.attempt !== attempt || member.phase !== 'asked') return;
  if (isApplied || (member.copies > 1 && isMine(model, after, { index: by, member }))) {
    yield { what: `${what}, and it hears so`, next: win(after, { index: by, member }) };
    return;
  }
  const lost: Member = { attempt: attempt + 1, phase: 'idle', seen: 0, copies: 0 };
  const members = after.members.map((each, other) => (other === by ? lost : each));
  yield { what: `${what}, and it hears so`, next: { ...after, members } };
}

function isMine(model: ClaimModel, state: ClaimState, { index, member }: { index: number; member: Member }): boolean {
  if (model.checksNonce) return state.nonce === `${index}/${member.attempt}`;
  return state.token === member.seen + 1;
}

function win(state: ClaimState, { index, member }: { index: number; member: Member }): ClaimState {
  return {
    ...state,
    won: [...state.won, member.seen + 1].sort((one, other) => one - other),
    members: state.members.map((each, other) => (other === index ? { ...each, phase: 'won' } : each)),
  };
}

function receive(model: ClaimModel, state: ClaimState, token: number): ClaimState {
  if (model.isFenced && token <= state.planeToken) return state;
  return { ...state, planeToken: token, planeHighest: Math.max(token, state.planeHighest) };
}

/**
 * Leaves out messages that can never change anything again: a claim from a token that is gone, for which nobody waits, and a
 * put that the control plane will refuse. The rest stands in one order only. Both make fewer states look different, and no
 * two that behave differently look the same.
 */
function withoutDeadLetters(model: ClaimModel, state: ClaimState): ClaimState {
  const net = state.net.filter((message) => {
    if (message.kind === 'put') return !model.isFenced || message.token > state.planeToken;
    const sender = state.members[message.by];
    return state.token === message.seen || (sender?.attempt === message.attempt && sender.phase !== 'won');
  });
  const keyOf = (message: Message) =>
    message.kind === 'put' ? message.token : -1 - message.by * 100 - message.attempt;
  return { ...state, net: net.sort((one, other) => keyOf(one) - keyOf(other)) };
}

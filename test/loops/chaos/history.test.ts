import { describe, expect, it } from 'vitest';
import { type ChaosEvent, checkHistory, type Rules } from './history.ts';

const RULES: Rules = {
  bounds: new Map([['v1', { min: 1, max: 20 }]]),
  untouchable: new Set(['dry']),
  isFenced: true,
  selfStopMs: 3_000,
  sleepSlackMs: 2_000,
  claimDeadlineMs: 3_000,
  evidenceMs: 20_000,
  pauseHeardMs: 60_000,
  sendsPerMinute: 3,
  steadyMs: new Map([['v1', 30_000]]),
};

const beat = (atMs: number, member = 'm1'): ChaosEvent => ({
  kind: 'beat',
  atMs,
  member,
  beganMs: atMs,
  beganOwnMs: atMs,
});
const read = (atMs: number): ChaosEvent => ({ kind: 'read', atMs, member: 'm1', sound: new Set(['v1']) });
const claimed = (atMs: number, given: Partial<Extract<ChaosEvent, { kind: 'claimed' }>> = {}): ChaosEvent => ({
  kind: 'claimed',
  atMs,
  member: 'm1',
  versionId: 'v1',
  token: 7n,
  wanted: 5,
  beganOwnMs: atMs,
  ...given,
});
const sent = (atMs: number, given: Partial<Extract<ChaosEvent, { kind: 'sent' }>> = {}): ChaosEvent => ({
  kind: 'sent',
  atMs,
  member: 'm1',
  versionId: 'v1',
  token: 7n,
  wanted: 5,
  ownMs: atMs,
  standing: 4,
  ...given,
});
const accepted = (atMs: number, token = 7n, wanted = 5): ChaosEvent => ({
  kind: 'accepted',
  atMs,
  versionId: 'v1',
  token,
  wanted,
});

const whole = [beat(1_000), read(1_100), claimed(1_200), sent(1_300), accepted(1_400)];
/** The whole history with one event put in the place of another, or left out. */
const doctored = (index: number, ...events: ChaosEvent[]) => whole.toSpliced(index, 1, ...events);

describe('the judge of histories', () => {
  it('finds nothing wrong with a good one, not even with an older beat that comes late', () => {
    expect(checkHistory(whole, RULES)).toEqual([]);
    const late: ChaosEvent = { kind: 'beat', atMs: 1_250, member: 'm1', beganMs: -9_000, beganOwnMs: -9_000 };
    expect(checkHistory(doctored(3, late, sent(1_300)), RULES)).toEqual([]);
  });

  it.each<[string, readonly ChaosEvent[], RegExp]>([
    ['a write without a claim', doctored(2), /without a claim/],
    ['a write under the claim of another', doctored(2, claimed(1_200, { member: 'm2' })), /claim was m2's/],
    ['a write of another count than was claimed', doctored(2, claimed(1_200, { wanted: 6 })), /claim was m1's for 6/],
    ['a write long after its claim', doctored(2, claimed(1_200, { beganOwnMs: -1_701 })), /3001 ms after its claim/],
    [
      'two that claimed under one token',
      [...whole, claimed(1_500, { member: 'm2' })],
      /m2 and m1 both claimed v1 at 7/,
    ],
    [
      'two that wrote under one token',
      [beat(1_250, 'm2'), ...whole, claimed(1_450, { member: 'm2' }), sent(1_500, { member: 'm2' })],
      /which m1 had sent under already/,
    ],
    ['one that wrote twice under one token', [...whole, sent(1_500)], /which m1 had sent under already/],
    [
      'tokens of one member that fall',
      [...whole, claimed(1_450, { token: 6n }), sent(1_500, { token: 6n })],
      /after it had sent under 7/,
    ],
    ['a count above its bounds', doctored(3, sent(1_300, { wanted: 21 })), /out of its bounds/],
    ['a count below its bounds', doctored(3, sent(1_300, { wanted: 0 })), /out of its bounds/],
    ['a write of no known version', doctored(3, sent(1_300, { versionId: 'v9' })), /out of its bounds/],
    ['a claim of what is not to be touched', [...whole, claimed(1_500, { versionId: 'dry' })], /not to be touched/],
    ['a write of what is not to be touched', doctored(3, sent(1_300, { versionId: 'dry' })), /not to be touched/],
    ['a write without any beat', doctored(0), /without a beat that was ever acknowledged/],
    ['a write after self-stop', doctored(0, beat(-1_701)), /with a beat 3001 ms old by its own clock/],
    [
      'a write after a sleep that the own clock did not count',
      doctored(0, { kind: 'beat', atMs: 1_000, member: 'm1', beganMs: -3_701, beganOwnMs: 1_000 }),
      /300 ms old by its own clock, 5001 ms in truth/,
    ],
    [
      'a write of one that leaves',
      doctored(3, { kind: 'leaving', atMs: 1_250, member: 'm1' }, sent(1_300)),
      /after it had said that it leaves/,
    ],
    ['a lowering without sight of the load', doctored(1).with(2, sent(1_300, { standing: 6 })), /down from 6/],
    [
      'a lowering on what was seen long ago',
      [read(1_000), beat(20_900), claimed(21_000), sent(21_001, { standing: 6 })],
      /down from 6, without having seen its load \(last at 1000 ms\)/,
    ],
    ['a count that goes back at the control plane', [...whole, accepted(1_500, 6n)], /took 5 for v1 under 6 after 7/],
    [
      'a count that falls soon after it was raised',
      [
        ...whole,
        accepted(1_420, 8n, 5),
        claimed(1_450, { token: 9n, wanted: 6 }),
        accepted(1_500, 9n, 6),
        accepted(31_449, 10n, 5),
      ],
      /v1 fell from 6 to 5 29999 ms after its raise was asked for/,
    ],
    ['a count taken that was never sent', doctored(3), /took 7 of v1, never sent/],
    [
      'more writes than are fair',
      [
        beat(1_000),
        ...[1n, 2n, 3n, 4n].flatMap((token) => [claimed(1_200, { token }), sent(1_300, { token, standing: 1 })]),
      ],
      /the 4th within a minute/,
    ],
    [
      'a write of what was paused',
      [{ kind: 'paused', atMs: 1, versionId: 'v1' }, beat(60_000), claimed(60_001), sent(60_002)],
      /paused 60001 ms before/,
    ],
    [
      'versions enrolled under a duty that was refused',
      [
        { kind: 'duty-refused', atMs: 1, member: 'm1', token: 3n },
        { kind: 'enrolled', atMs: 2, member: 'm1', token: 3n },
      ],
      /enrolled versions under 3 after it was refused/,
    ],
  ])('finds %s', (_, history, complaint) => {
    expect(checkHistory(history, RULES).join('\n')).toMatch(complaint);
  });

  it('asks for no order where tokens are not checked', () => {
    const plain = { ...RULES, isFenced: false };
    const back = [
      beat(1_000),
      claimed(1_200, { token: 6n }),
      sent(1_250, { token: 6n }),
      ...whole,
      accepted(1_500, 6n),
    ];
    expect(checkHistory(back, plain)).toEqual([]);
    expect(checkHistory(doctored(1).with(2, sent(1_300, { standing: 6 })), plain)).toEqual([]);
  });
});

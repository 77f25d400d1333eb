import { describe, expect, it } from 'vitest';
import type { MemberRow } from '../../src/domain/member.ts';
import { RosterWatch } from '../../src/sharding/roster-watch.ts';

const SETTINGS = { deadAfterMs: 6000, selfStopMs: 3000, joinWaitMs: 2000 };

/** The rows of a store in which some members beat once a second, as a watcher named `me` sees them. */
class Story {
  readonly watch: RosterWatch;
  readonly rows = new Map<string, MemberRow>();
  readonly beating = new Set<string>();
  nowMs: number;
  settled = false;

  constructor(startMs = 50_000) {
    this.nowMs = startMs;
    this.watch = new RosterWatch({ me: { memberId: 'me', weight: 1 }, ...SETTINGS });
  }

  write(memberId: string, fields: Partial<MemberRow> = {}): void {
    const before = this.rows.get(memberId) ?? {
      memberId,
      beat: 0,
      state: 'active',
      version: '',
      address: '',
      weight: 1,
    };
    this.rows.set(memberId, { ...before, beat: before.beat + 1, ...fields });
  }

  /** One second in which those who live beat and I poll. */
  second(options: { myBeat?: boolean; myPoll?: boolean } = {}): string[] | undefined {
    this.nowMs += 1000;
    for (const memberId of this.beating) this.write(memberId);
    if (options.myBeat !== false) {
      this.watch.beaten(this.nowMs);
      this.write('me');
    }
    if (options.myPoll === false) return undefined;
    const view = this.watch.polled([...this.rows.values()], this.nowMs);
    this.settled = view.isSettled;
    return view.members.map(({ memberId }) => memberId);
  }

  seconds(count: number, options: { myBeat?: boolean; myPoll?: boolean } = {}): string[] | undefined {
    let members: string[] | undefined;
    for (let index = 0; index < count; index += 1) members = this.second(options);
    return members;
  }
}

describe('RosterWatch', () => {
  it('counts a member dead after six seconds without a beat, not after five', () => {
    const story = new Story();
    story.beating.add('a').add('b');
    expect(story.seconds(5)).toEqual(['a', 'b', 'me']);
    story.beating.delete('b');
    expect(story.seconds(5)).toEqual(['a', 'b', 'me']);
    expect(story.second()).toEqual(['a', 'me']);
  });

  it('counts no member dead on fewer than three polls, however long they took', () => {
    const story = new Story();
    const poll = (atMs: number) => {
      story.watch.beaten(atMs);
      return story.watch.polled([...story.rows.values()], atMs).members.map(({ memberId }) => memberId);
    };
    story.beating.add('a');
    story.seconds(3);
    story.beating.clear();
    // A watcher that is slow but never so slow as to lose the thread: polls 2.9 s apart.
    expect(poll(story.nowMs + 2900)).toEqual(['a', 'me']);
    expect(poll(story.nowMs + 5800)).toEqual(['a', 'me']);
    expect(poll(story.nowMs + 8700)).toEqual(['me']);
  });

  it('takes a member back as soon as it beats again', () => {
    const story = new Story();
    story.beating.add('a');
    story.seconds(3);
    story.beating.delete('a');
    expect(story.seconds(8)).toEqual(['me']);
    story.beating.add('a');
    expect(story.second()).toEqual(['a', 'me']);
  });

  it('counts no member dead in a store outage: after a gap of its own all timers start anew', () => {
    const story = new Story();
    story.beating.add('a').add('b').add('c');
    story.seconds(4);
    // Four minutes in which nobody can write or read; the rows have aged out of the store meanwhile.
    story.beating.clear();
    story.seconds(240, { myBeat: false, myPoll: false });
    story.rows.clear();
    expect(story.second({ myBeat: false })).toEqual(['a', 'b', 'c', 'me']);
    // `a` and `b` come back within their second; `c` died in the outage and is given its six seconds.
    story.beating.add('a').add('b');
    expect(story.seconds(5)).toEqual(['a', 'b', 'c', 'me']);
    expect(story.second()).toEqual(['a', 'b', 'me']);
  });

  it('counts no member dead while the store can be read but not written', () => {
    const story = new Story();
    story.beating.add('a').add('b').add('c');
    story.seconds(4);
    story.beating.clear();
    expect(story.seconds(240, { myBeat: false })).toEqual(['a', 'b', 'c', 'me']);
    // Whoever comes back first finds all of them still there.
    expect(story.second()).toEqual(['a', 'b', 'c', 'me']);
    story.beating.add('a').add('b');
    expect(story.seconds(4)).toEqual(['a', 'b', 'c', 'me']);
    expect(story.seconds(2)).toEqual(['a', 'b', 'me']);
  });

  it('keeps the share of the only member while its store takes no writes', () => {
    const story = new Story();
    story.seconds(4);
    expect(story.seconds(30, { myBeat: false })).toEqual(['me']);
  });

  it('counts no member dead whose silence it cannot tell from its own', () => {
    const story = new Story();
    story.beating.add('a').add('b');
    story.seconds(4);
    story.beating.delete('b');
    // I am cut off from writing and `a` is not: I am out, and about `b` I know nothing.
    expect(story.seconds(20, { myBeat: false })).toEqual(['a', 'b']);
    expect(story.second()).toEqual(['a', 'b', 'me']);
    expect(story.seconds(6)).toEqual(['a', 'me']);
  });

  it('is not fooled by the last words of the dead when it starts', () => {
    const story = new Story();
    story.write('dead', { beat: 4711 });
    story.write('alive', { beat: 99 });
    story.beating.add('alive');
    // The first poll cannot tell them apart; both have to move.
    expect(story.second()).toEqual(['me']);
    expect(story.second()).toEqual(['alive', 'me']);
    expect(story.settled).toBe(false);
    expect(story.second()).toEqual(['alive', 'me']);
    expect(story.settled).toBe(true);
  });

  it('welcomes a joiner with its first beat', () => {
    const story = new Story();
    story.beating.add('a');
    story.seconds(3);
    story.beating.add('z');
    expect(story.second()).toEqual(['a', 'me', 'z']);
  });

  it.each(['leaving', 'left'] as const)('drops a member that says it is %s at the very next poll', (state) => {
    const story = new Story();
    story.beating.add('a').add('b');
    story.seconds(3);
    story.beating.delete('b');
    story.write('b', { state });
    expect(story.second()).toEqual(['a', 'me']);
  });

  it('is not in its own view while its own beats go unanswered, as the others will see it', () => {
    const story = new Story();
    story.beating.add('a');
    story.seconds(4);
    expect(story.seconds(5, { myBeat: false })).toEqual(['a', 'me']);
    expect(story.second({ myBeat: false })).toEqual(['a']);
    expect(story.second()).toEqual(['a', 'me']);
  });

  it('is out of its own view once it leaves', () => {
    const story = new Story();
    story.beating.add('a');
    story.seconds(3);
    story.watch.leave();
    expect(story.second()).toEqual(['a']);
  });

  it('takes a beat that was overtaken on its way for what it is: nothing new', () => {
    const story = new Story();
    story.write('a', { beat: 10 });
    story.second();
    story.write('a', { beat: 12 });
    expect(story.second()).toEqual(['a', 'me']);
    // The dead member's retried beat 11 lands after 12, again and again.
    for (let index = 0; index < 5; index += 1) {
      story.write('a', { beat: index % 2 === 0 ? 11 : 12 });
      expect(story.second()).toEqual(['a', 'me']);
    }
    story.write('a', { beat: 11 });
    expect(story.second()).toEqual(['me']);
  });

  it('gives the very same list while nothing changes, so that buckets need not be assigned again', () => {
    const story = new Story();
    story.write('a');
    story.second();
    story.beating.add('a');
    story.second();
    const rows = () => [...story.rows.values()];
    const before = story.watch.polled(rows(), story.nowMs + 100).members;
    expect(story.watch.polled(rows(), story.nowMs + 200).members).toBe(before);
    story.write('a', { weight: 3 });
    const after = story.watch.polled(rows(), story.nowMs + 300).members;
    expect(after).not.toBe(before);
    expect(after).toEqual([
      { memberId: 'a', weight: 3 },
      { memberId: 'me', weight: 1 },
    ]);
  });

  it('finds every death within eight seconds, whatever the phases of the beats and the polls', () => {
    for (let phase = 0; phase < 1000; phase += 37) {
      for (let death = 10_000; death < 11_000; death += 53) {
        const watch = new RosterWatch({ me: { memberId: 'me', weight: 1 }, ...SETTINGS });
        const row = (beat: number): MemberRow => ({
          memberId: 'a',
          beat,
          state: 'active',
          version: '',
          address: '',
          weight: 1,
        });
        let foundMs: number | undefined;
        for (let pollMs = phase; foundMs === undefined && pollMs < 30_000; pollMs += 1000) {
          watch.beaten(pollMs);
          const beat = Math.floor(Math.min(pollMs, death) / 1000);
          const isIn = watch.polled([row(beat)], pollMs).members.some(({ memberId }) => memberId === 'a');
          if (pollMs > death && !isIn) foundMs = pollMs;
          if (pollMs > 3000 && pollMs <= death) expect(isIn).toBe(true);
        }
        expect((foundMs ?? Number.POSITIVE_INFINITY) - death).toBeLessThanOrEqual(8000);
        expect((foundMs ?? 0) - death).toBeGreaterThan(4000);
      }
    }
  });
});

import { describe, expect, it } from 'vitest';
import { Channel } from '../../../src/adapters/sqlite/channel.ts';
import type { LinkEvents } from '../../../src/adapters/sqlite/link.ts';
import type { End, WorkerRequest } from '../../../src/adapters/sqlite/messages.ts';
import type { StoreError } from '../../../src/ports/store-error.ts';
import { silentMeters } from '../../../src/telemetry/meters.ts';
import { HandWoundClock, settle } from '../../support/hand-wound-clock.ts';

const ok = (value?: unknown): End => ({ ok: true, value });

/** The channel on a wire whose other end is in the test's hand. */
async function wired() {
  const clock = new HandWoundClock();
  const sent: WorkerRequest[] = [];
  const links: LinkEvents[] = [];
  const recorded: Array<Record<string, unknown>> = [];
  const channel = new Channel({
    worker: { path: '/tmp/a file', busyTimeoutMs: 1000, fileBytesMax: undefined },
    clock,
    meters: { ...silentMeters, record: (_name, _value, labels) => recorded.push({ ...labels }) },
    callTimeoutMs: 2500,
    openLink: (_options, events) => {
      links.push(events);
      return { send: (request) => sent.push(request), end: async () => events.onEnd('it was ended') };
    },
  });
  const starting = channel.start(10_000);
  links[0]?.onAnswer({ kind: 'ready' });
  await starting;
  const answer = async (id: number, ...ends: End[]) => {
    links.at(-1)?.onAnswer({ kind: 'answer', id, ends });
    await settle();
  };
  return { clock, sent, links, recorded, channel, answer };
}

const kindOf = (call: Promise<unknown>) =>
  call.then(
    () => 'ok',
    (error: StoreError) => error.kind,
  );
const beat = (memberId: string) =>
  [{ memberId, beat: 1, state: 'active', version: '', address: '', weight: 1 } as const, 1] as const;

describe('the channel to the SQLite worker', () => {
  it('sends writes that come while one is under way together, in one transaction', async () => {
    const { channel, sent, answer } = await wired();
    const calls = ['a', 'b', 'c'].map((id) => kindOf(channel.write('roster.beat', ...beat(id))));
    expect(sent).toHaveLength(1);
    await answer(0, ok());
    expect(sent[1]).toMatchObject({ kind: 'write', jobs: [{ name: 'roster.beat' }, { name: 'roster.beat' }] });
    await answer(1, ok(), { ok: false, failure: { kind: 'full', message: 'no room' } });
    expect(await Promise.all(calls)).toEqual(['ok', 'ok', 'full']);
  });

  it('takes a write that was never sent for not done, and one that was sent for unknown', async () => {
    const { channel, clock, sent } = await wired();
    const first = kindOf(channel.write('roster.beat', ...beat('sent')));
    const second = kindOf(channel.write('roster.beat', ...beat('waiting')));
    const read = kindOf(channel.read('ping'));
    await clock.wind(2500);
    expect(await Promise.all([first, second, read])).toEqual(['unknown', 'busy', 'unavailable']);
    expect(sent.filter(({ kind }) => kind === 'write')).toHaveLength(1);
  });

  it('does not send a write after its caller was told that it was not sent', async () => {
    const { channel, clock, sent, answer } = await wired();
    const calls = ['a', 'b'].map((id) => kindOf(channel.write('roster.beat', ...beat(id))));
    await clock.wind(2500);
    await Promise.all(calls);
    await answer(0, ok());
    expect(sent).toHaveLength(1);
    const next = kindOf(channel.write('roster.beat', ...beat('c')));
    await answer(1, ok());
    expect(await next).toBe('ok');
  });

  it('starts another worker when one died, and says what may have been done', async () => {
    const { channel, links, answer } = await wired();
    const write = kindOf(channel.write('roster.beat', ...beat('a')));
    const read = kindOf(channel.read('ping'));
    const waiting = kindOf(channel.write('roster.beat', ...beat('b')));
    links[0]?.onEnd('out of memory');
    expect(await Promise.all([write, read])).toEqual(['unknown', 'unavailable']);
    expect(links).toHaveLength(2);
    await answer(2, ok());
    expect(await waiting).toBe('ok');
  });

  it('waits a second before it starts a worker again that never came up', async () => {
    const { channel, clock, links } = await wired();
    links[0]?.onEnd('killed');
    const first = channel.read('ping').catch((error: StoreError) => error);
    links[1]?.onAnswer({ kind: 'unusable', failure: { kind: 'unavailable', message: 'the folder is gone' } });
    links[1]?.onEnd('it ended');
    expect(await first).toMatchObject({ kind: 'unavailable', message: 'the folder is gone' });
    expect(await kindOf(channel.read('ping'))).toBe('unavailable');
    expect(links).toHaveLength(2);
    await clock.wind(1000);
    void kindOf(channel.read('ping'));
    expect(links).toHaveLength(3);
  });

  it('closes after what is under way, and refuses what was waiting', async () => {
    const { channel, answer } = await wired();
    const [first, second] = ['a', 'b'].map((id) => kindOf(channel.write('roster.beat', ...beat(id))));
    const closing = channel.close();
    expect(await second).toBe('closed');
    await answer(0, ok());
    await closing;
    expect(await first).toBe('ok');
    expect(await kindOf(channel.read('ping'))).toBe('closed');
  });

  it('does not wait without end to close', async () => {
    const { channel, clock } = await wired();
    const stuck = kindOf(channel.write('roster.beat', ...beat('a')));
    const closing = channel.close();
    await clock.wind(2500);
    await closing;
    expect(await stuck).toBe('unknown');
    expect(clock.pendingTimers).toBe(0);
  });

  it('records each call once, by operation and outcome, and leaves no timer behind', async () => {
    const { channel, clock, recorded, answer } = await wired();
    const calls = [kindOf(channel.read('ping')), kindOf(channel.write('roster.beat', ...beat('a')))];
    await answer(0, ok());
    await answer(1, { ok: false, failure: { kind: 'busy', message: 'locked' } });
    await Promise.all(calls);
    expect(recorded).toEqual([
      { operation: 'ping', outcome: 'ok' },
      { operation: 'roster.beat', outcome: 'busy' },
    ]);
    expect(clock.pendingTimers).toBe(0);
  });
});

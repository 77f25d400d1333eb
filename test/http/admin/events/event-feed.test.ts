import { describe, expect, it } from 'vitest';
import { EventFeed } from '../../../../src/http/admin/events/event-feed.ts';

function aListener(pending = () => 0) {
  const heard: string[] = [];
  const listener = { send: (text: string) => heard.push(text), pendingBytes: pending, end: () => heard.push('end') };
  return { listener, heard, types: () => heard.flatMap((text) => /^event: (\S+)/m.exec(text)?.[1] ?? text) };
}

const FRESH = { hello: {}, lastId: undefined };

function lastIdOf(heard: readonly string[]): string {
  return heard.flatMap((text) => /^id: (\S+)/m.exec(text)?.[1] ?? []).at(-1) ?? '';
}

describe('the event feed', () => {
  it('greets, and tells what happens from then on', () => {
    const feed = new EventFeed({ epoch: 'e' });
    feed.publish('functions', { before: true });
    const { listener, types } = aListener();
    feed.subscribe(listener, FRESH);
    feed.publish('functions', {});
    feed.send('status', {});
    expect(types()).toEqual(['hello', 'functions', 'status']);
  });

  it('goes on after the last event that was seen', () => {
    const feed = new EventFeed({ epoch: 'e' });
    const first = aListener();
    const leave = feed.subscribe(first.listener, FRESH);
    feed.publish('functions', { n: 1 });
    leave();
    feed.publish('functions', { n: 2 });
    feed.publish('members', { n: 3 });
    const again = aListener();
    feed.subscribe(again.listener, { hello: {}, lastId: lastIdOf(first.heard) });
    expect(again.types()).toEqual(['hello', 'functions', 'members']);
    expect(again.heard[1]).toContain('{"n":2}');
  });

  it.each([
    ['another life of the process', 'other-1'],
    ['the future', 'e-999'],
    ['nonsense', '\n'],
    ['longer ago than is kept', 'e-1'],
  ])('asks to read everything anew after %s', (_, lastId) => {
    const feed = new EventFeed({ epoch: 'e' });
    for (let n = 0; n < 520; n += 1) feed.publish('functions', { n });
    const { listener, types } = aListener();
    feed.subscribe(listener, { hello: {}, lastId });
    expect(types()).toEqual(['hello', 'resync']);
  });

  it('keeps no more than so many bytes', () => {
    const feed = new EventFeed({ epoch: 'e' });
    for (let n = 0; n < 10; n += 1) feed.publish('functions', { text: 'x'.repeat(3 * 2 ** 20) });
    const { listener, types } = aListener();
    feed.subscribe(listener, { hello: {}, lastId: 'e-8' });
    expect(types()).toEqual(['hello', 'functions', 'functions']);
    const other = aListener();
    feed.subscribe(other.listener, { hello: {}, lastId: 'e-3' });
    expect(other.types()).toEqual(['hello', 'resync']);
  });

  it('lets go of a listener that does not take what it is sent, and of no other', () => {
    const feed = new EventFeed({ epoch: 'e' });
    const slow = aListener(() => 8 * 2 ** 20 + 1);
    const quick = aListener();
    feed.subscribe(slow.listener, FRESH);
    feed.subscribe(quick.listener, FRESH);
    feed.publish('functions', {});
    feed.publish('functions', {});
    expect(slow.types()).toEqual(['hello', 'end']);
    expect(quick.types()).toEqual(['hello', 'functions', 'functions']);
    expect(feed.listeners).toBe(1);
  });

  it('is full at its bound, and ends everybody when it closes', () => {
    const feed = new EventFeed({ epoch: 'e' });
    for (let others = 0; others < 31; others += 1) feed.subscribe(aListener().listener, FRESH);
    expect(feed.isFull).toBe(false);
    const { listener, types } = aListener();
    const leave = feed.subscribe(listener, FRESH);
    expect(feed.isFull).toBe(true);
    feed.close();
    expect(types()).toEqual(['hello', 'end']);
    expect(feed.isFull).toBe(false);
    leave();
  });
});

import { describe, expect, it } from 'vitest';
import { KeyedQueue } from '../../src/lib/keyed-queue.ts';
import { settle } from '../support/hand-wound-clock.ts';

/** Tasks that end when the test says so, and a record of what began and ended in which order. */
function stage() {
  const events: string[] = [];
  const ends = new Map<string, () => void>();
  const task = (name: string) => async () => {
    events.push(`+${name}`);
    await new Promise<void>((resolve) => ends.set(name, resolve));
    events.push(`-${name}`);
    return name;
  };
  const end = async (name: string) => {
    ends.get(name)?.();
    await settle();
  };
  return { events, task, end };
}

describe('KeyedQueue', () => {
  it('runs the tasks of one key one after another, in order, and other keys beside them', async () => {
    const { events, task, end } = stage();
    const queue = new KeyedQueue<number>();
    const results = [
      queue.run(1, task('a')),
      queue.run(1, task('b')),
      queue.run(2, task('c')),
      queue.run(1, task('d')),
    ];
    await settle();
    expect(events).toEqual(['+a', '+c']);
    await end('a');
    expect(events).toEqual(['+a', '+c', '-a', '+b']);
    await end('c');
    await end('b');
    await end('d');
    expect(events).toEqual(['+a', '+c', '-a', '+b', '-c', '-b', '+d', '-d']);
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('goes on after a task that failed, and hands its error to its own caller only', async () => {
    const queue = new KeyedQueue<string>();
    const failing = queue.run('x', async () => {
      throw new Error('mine alone');
    });
    const next = queue.run('x', async () => 'fine');
    await expect(failing).rejects.toThrow('mine alone');
    expect(await next).toBe('fine');
  });

  it('keeps nothing of a key that has come to rest', async () => {
    const queue = new KeyedQueue<number>();
    await Promise.all(Array.from({ length: 50 }, (_, key) => queue.run(key % 7, async () => key)));
    await settle();
    expect(queue.busyKeys).toBe(0);
  });
});

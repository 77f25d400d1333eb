import pino from 'pino';
import { describe, expect, it } from 'vitest';
import type { Meters } from '../../src/telemetry/meters.ts';
import { silentMeters } from '../../src/telemetry/meters.ts';
import { Dependency } from '../../src/wiring/dependency.ts';
import { HandWoundClock } from '../support/hand-wound-clock.ts';

function watch({ clock = new HandWoundClock(), stopping = new AbortController().signal } = {}) {
  const lines: { event: string; detail: string; level: number }[] = [];
  const up: number[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const meters: Meters = { ...silentMeters, set: (_, value) => void up.push(value) };
  return { dependency: new Dependency('store', { clock, logger, meters, stopping }), lines, up };
}

describe('a dependency', () => {
  it('is asked more and more slowly until it answers, and says each thing once', async () => {
    const clock = new HandWoundClock();
    const { dependency, lines, up } = watch({ clock });
    const askedMs: number[] = [];
    const awaited = dependency.await(
      async () => {
        askedMs.push(clock.monotonicMs());
        if (askedMs.length < 8) throw new Error('refused');
        return 'there';
      },
      { isFatal: () => false, describe: (answer) => answer },
    );
    await clock.wind(60_000);
    expect(await awaited).toBe('there');
    const pauses = askedMs.slice(1).map((ms, index) => ms - (askedMs[index] ?? 0));
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    expect(lines.map(({ event, detail }) => [event, detail])).toEqual([
      ['dependency.down', 'refused'],
      ['dependency.up', 'there'],
    ]);
    expect(up).toEqual([0, 0, 0, 0, 0, 0, 0, 1]);
    expect(dependency.health).toEqual({ name: 'store', state: 'up', detail: 'there', hasAnswered: true });
  });

  it('is awaited before it has answered and down afterwards', () => {
    const { dependency, lines } = watch();
    dependency.failed(new Error('not yet'));
    expect(dependency.health).toMatchObject({ state: 'awaited', detail: 'not yet', hasAnswered: false });
    dependency.answered('cassandra');
    dependency.failed(new Error('gone'));
    dependency.failed(new Error('gone'));
    expect(dependency.health).toMatchObject({ state: 'down', detail: 'gone', hasAnswered: true });
    expect(lines.map(({ detail }) => detail)).toEqual(['not yet', 'cassandra', 'gone']);
  });

  it('is not waited for when waiting mends nothing', async () => {
    const { dependency } = watch();
    const fault = new Error('no tables');
    const options = { isFatal: () => true, describe: String };
    await expect(dependency.await(() => Promise.reject(fault), options)).rejects.toBe(fault);
  });

  it.each(['while it is asked', 'between two questions'])('is let go of at once, %s', async (when) => {
    const clock = new HandWoundClock();
    const stopping = new AbortController();
    const { dependency } = watch({ clock, stopping: stopping.signal });
    const ask =
      when === 'while it is asked' ? () => new Promise<string>(() => {}) : () => Promise.reject(new Error('no'));
    const awaited = dependency.await(ask, { isFatal: () => false, describe: String });
    await clock.wind(100);
    stopping.abort(new Error('stop'));
    await expect(awaited).rejects.toThrow('stop');
  });
});

import { describe, expect, it } from 'vitest';
import { sendUntilKnown } from '../../src/lib/send-until-known.ts';

class Doubt extends Error {}

function sending(...ends: Array<string | Error>) {
  let sent = 0;
  const end = sendUntilKnown({ attempts: 3, isUnknown: (error) => error instanceof Doubt }, async () => {
    const next = ends[sent++];
    if (next instanceof Error) throw next;
    return next;
  });
  return { end, sent: () => sent };
}

describe('sendUntilKnown', () => {
  it('sends once when the answer comes', async () => {
    const { end, sent } = sending('applied');
    expect(await end).toEqual({ outcome: 'known', value: 'applied' });
    expect(sent()).toBe(1);
  });

  it('throws what the first copy says clearly, and sends no other', async () => {
    const { end, sent } = sending(new Error('down'), 'applied');
    await expect(end).rejects.toThrow('down');
    expect(sent()).toBe(1);
  });

  it('sends again while in doubt', async () => {
    const { end, sent } = sending(new Doubt(), new Doubt(), 'mine');
    expect(await end).toEqual({ outcome: 'known', value: 'mine' });
    expect(sent()).toBe(3);
  });

  it('stays in doubt when a later copy clearly fails: the first may still arrive', async () => {
    const first = new Doubt('the first');
    const { end } = sending(first, new Error('down'), new Error('down'));
    expect(await end).toEqual({ outcome: 'unknown', error: first });
  });

  it('gives up in doubt after the last attempt', async () => {
    const { end, sent } = sending(new Doubt(), new Doubt(), new Doubt(), 'too late');
    expect((await end).outcome).toBe('unknown');
    expect(sent()).toBe(3);
  });
});

import { expect, it } from 'vitest';
import { EventLoopYielder } from '../../src/lib/event-loop-yielder.ts';
import { HandWoundClock } from '../support/hand-wound-clock.ts';

it('lets others have their turn once enough time went by, and counts from then', async () => {
  const clock = new HandWoundClock();
  const yielder = new EventLoopYielder(clock);
  await clock.wind(19);
  expect(yielder.isDue()).toBe(false);
  await clock.wind(1);
  expect(yielder.isDue()).toBe(true);
  let hadTurn = false;
  setImmediate(() => {
    hadTurn = true;
  });
  await yielder.yield();
  expect([hadTurn, yielder.isDue()]).toEqual([true, false]);
});

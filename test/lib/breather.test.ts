import { expect, it } from 'vitest';
import { Breather } from '../../src/lib/breather.ts';
import { HandWoundClock } from '../support/hand-wound-clock.ts';

it('lets others have their turn once enough time went by, and counts from then', async () => {
  const clock = new HandWoundClock();
  const breather = new Breather(clock, { afterMs: 20 });
  await clock.wind(19);
  expect(breather.isDue()).toBe(false);
  await clock.wind(1);
  expect(breather.isDue()).toBe(true);
  let hadTurn = false;
  setImmediate(() => {
    hadTurn = true;
  });
  await breather.breathe();
  expect([hadTurn, breather.isDue()]).toEqual([true, false]);
});

import { expect, it } from 'vitest';
import { HttpMetrics } from '../../../../src/platform/dialects/faas-server/http-metrics.ts';
import { MetricText } from '../../../../src/platform/metrics/metric-text.ts';
import { HandWoundClock } from '../../../support/hand-wound-clock.ts';

it('the longest answer is that of the last one to two minutes', async () => {
  const clock = new HandWoundClock();
  const tally = new HttpMetrics({ clock });
  const asked = { method: 'GET', route: '/health', code: 200 };
  const longest = () => {
    const page = new MetricText();
    tally.write(page);
    return Number(/_max\{.*\} (.*)/.exec(page.toString())?.[1]);
  };
  tally.add(asked, 3);
  tally.add(asked, 1);
  expect(longest()).toBe(3);
  await clock.wind(60_000);
  tally.add(asked, 2);
  expect(longest()).toBe(3);
  await clock.wind(60_000);
  expect(longest()).toBe(2);
  await clock.wind(60_000);
  expect(longest()).toBe(0);
  tally.add(asked, 1);
  await clock.wind(180_000);
  expect(longest()).toBe(0);
});

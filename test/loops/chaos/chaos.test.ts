import { describe, expect, it } from 'vitest';
import { runChaos } from './run-chaos.ts';

/** More by hand: CHAOS_SEEDS=500 CHAOS_FIRST=1000 npx vitest run --project unit test/loops/chaos */
const FIRST = Number(process.env['CHAOS_FIRST'] ?? 1);
const SEEDS = Number(process.env['CHAOS_SEEDS'] ?? 30);

describe('members in trouble keep every promise, and all comes right when the trouble ends', () => {
  const seen = { sent: 0, accepted: 0, leaving: 0 };

  it.each(Array.from({ length: SEEDS }, (_, index) => FIRST + index))('seed %i', async (seed) => {
    const { broken, history } = await runChaos(seed);
    for (const { kind } of history) if (kind in seen) seen[kind as keyof typeof seen] += 1;
    expect(broken, `CHAOS_FIRST=${seed} CHAOS_SEEDS=1 shows it again`).toEqual([]);
  });

  it('were in trouble indeed', () => {
    expect(seen.sent).toBeGreaterThan(SEEDS * 60);
    expect(seen.accepted).toBeLessThan(seen.sent * 0.97);
    expect(seen.leaving).toBeGreaterThan(SEEDS / 3);
  });
});

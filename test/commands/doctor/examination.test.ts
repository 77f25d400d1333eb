import { describe, expect, it } from 'vitest';
import { Examination } from '../../../src/commands/doctor/examination.ts';
import type { Finding } from '../../../src/commands/doctor/finding.ts';
import { HandWoundClock } from '../../support/hand-wound-clock.ts';

function examine() {
  const clock = new HandWoundClock();
  const interrupted = new AbortController();
  const findings: Finding[] = [];
  const begun: string[] = [];
  const examination = new Examination({
    clock,
    signal: interrupted.signal,
    onFinding: (finding) => findings.push(finding),
    onBegin: (area, what) => begun.push(`${area}: ${what}`),
  });
  return { clock, interrupted, findings, begun, examination };
}

const CHECK = { area: 'store', what: 'answers', mendOf: () => 'do something' } as const;

describe('an examination', () => {
  it('gives up a check that does not come back, and goes on', async () => {
    const { clock, findings, begun, examination } = examine();
    const hanging = examination.check(CHECK, () => new Promise<string>(() => {}), String as never);
    await clock.wind(14_999);
    expect(findings).toEqual([]);
    await clock.wind(1);
    expect(await hanging).toBeUndefined();
    expect(findings).toEqual([
      {
        area: 'store',
        what: 'answers',
        state: 'bad',
        detail: 'the check "answers" took longer than 15000 ms',
        mend: 'do something',
      },
    ]);
    expect(
      await examination.check(
        CHECK,
        async () => 'there',
        (detail) => ({ detail }),
      ),
    ).toBe('there');
    expect(findings[1]).toMatchObject({ state: 'good', detail: 'there', mend: '' });
    expect(begun).toEqual(['store: answers', 'store: answers']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('reports nothing more once it is interrupted', async () => {
    const { interrupted, findings, examination } = examine();
    const hanging = examination.check(CHECK, () => new Promise<string>(() => {}), String as never);
    interrupted.abort();
    await expect(hanging).rejects.toMatchObject({ name: 'AbortError' });
    expect(findings).toEqual([]);
  });

  it('keeps what others say in one line, and without credentials', async () => {
    const { findings, examination } = examine();
    await examination.check(CHECK, () => Promise.reject(new Error('no\n\u001b[2J password=canary')), String as never);
    expect(findings[0]?.detail).toBe('no\\u000a\\u001b[2J password=[redacted]');
  });
});

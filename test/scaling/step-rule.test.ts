import { describe, expect, it } from 'vitest';
import { isUnderBand, takeStep } from '../../src/scaling/aim/step-rule.ts';
import { bandOfPeer, cut, readAsPeer, sortedRows } from './peer.ts';
import { RECORDED_DECISIONS, type RecordedDecision } from './vectors/recorded.ts';

/** The peer's decision with our rule inside it. */
function decideAsPeer(line: RecordedDecision) {
  const { instances, cached, gatewayInstances } = line;
  if (instances === 0 && (cached?.desired ?? 0) > 0) return { action: 'skip_in_flight' };
  const band = bandOfPeer(line);
  const step = takeStep(
    sortedRows(line).map(([, value]) => readAsPeer(value)),
    instances,
    band,
  );
  const desiredTotal = !line.isRecentlyInvoked && isUnderBand(step, band) ? 0 : step.count;
  const desired = cut(
    gatewayInstances === undefined ? desiredTotal : Math.max(0, gatewayInstances + desiredTotal - instances),
  );
  const action =
    cached?.error === 'FUNCTION_NOT_FOUND'
      ? 'skip_not_found'
      : (cached?.desired ?? -1) === desired
        ? 'skip_duplicate'
        : 'send';
  return { action, desired, desiredTotal, mean: step.mean };
}

describe('the step rule', () => {
  it('has every recorded decision of the peer to compare with', () => {
    expect(RECORDED_DECISIONS).toHaveLength(1561);
  });

  const families = Map.groupBy(RECORDED_DECISIONS, ({ family }) => family);
  it.each([...families])('decides as the peer did: %s', (_family, lines) => {
    for (const line of lines) {
      const { mean, ...decided } = decideAsPeer(line);
      const { action, desired, desiredTotal } = line;
      expect({ id: line.id, ...decided }).toEqual(
        action === 'skip_in_flight' ? { id: line.id, action } : { id: line.id, action, desired, desiredTotal },
      );
      if (mean === undefined || line.mean === undefined || !Number.isFinite(line.mean)) {
        expect({ id: line.id, mean }).toEqual({ id: line.id, mean: line.mean });
      } else if (line.decay === 0) {
        expect({ id: line.id, mean }).toEqual({ id: line.id, mean: Math.fround(line.mean) });
      } else {
        // The last digits are the maths library's.
        expect(Math.abs(mean - line.mean), line.id).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(line.mean)));
      }
    }
  });

  it('multiplies in 32 bit, as 64 bit would give other counts', () => {
    const band = {
      up: { threshold: 70, factor: 1.2, window: 1, required: 1 },
      down: { threshold: 30, factor: 0.8, window: 1, required: 1 },
      decay: 0,
    };
    expect([5, 10, 25, 50, 100].map((count) => takeStep([80], count, band).count)).toEqual([6, 12, 31, 61, 121]);
    expect(takeStep([70.000003], 10, band).direction).toBe('hold');
  });
});

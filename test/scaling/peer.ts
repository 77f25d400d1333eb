import type { StepBand } from '../../src/scaling/aim/step-rule.ts';
import type { RecordedDecision } from './vectors/recorded.ts';

/**
 * The peer's ways around its step rule, in so far as they are not ours: how it reads samples and policies, and what it
 * sends. Only so can the rule itself be compared on every line.
 */

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** Whatever is no finite number is load 0. */
export function readAsPeer(value: string): number {
  const number = NUMBER.test(value) ? Number(value) : Number.NaN;
  return Number.isFinite(number) ? number : 0;
}

export function sortedRows(line: RecordedDecision): readonly (readonly [number, string])[] {
  return line.rows.toSorted(([one], [other]) => one - other);
}

/** A custom policy is taken as a whole or not at all, and then the platform's numbers stand in for it. */
export function bandOfPeer({ numbers, fetched, decay }: RecordedDecision): StepBand {
  const plain = (threshold: number, factor: number) => ({ threshold, factor, window: 1, required: 1 });
  const defaults = {
    up: plain(numbers.upThreshold, numbers.upFactor),
    down: plain(numbers.downThreshold, numbers.downFactor),
    decay,
  };
  if (fetched?.result !== 'ok' || !fetched.up || !fetched.down) return defaults;
  const [up, down] = [fetched.up, fetched.down].map((side) => ({
    threshold: Number(side.threshold),
    factor: Number(side.factor),
    ...samplesOf(side.stickiness),
  })) as [StepBand['up'], StepBand['down']];
  const f32 = Math.fround;
  const isRefused =
    f32(up.threshold) <= f32(down.threshold) || f32(up.factor) <= 1 || f32(down.factor) <= 0 || f32(down.factor) >= 1;
  return isRefused ? defaults : { up, down, decay };
}

function samplesOf(stickiness: { size_s: number | null; threshold_s: number | null } | null) {
  const minutes = (seconds: number | null) => Math.floor((Math.trunc(seconds ?? 0) >>> 0) / 60);
  const [window, required] = [minutes(stickiness?.size_s ?? 0), minutes(stickiness?.threshold_s ?? 0)];
  return window === 0 || required === 0 ? { window: 1, required: 1 } : { window, required };
}

/** To a signed 32-bit number by way of an unsigned 64-bit one. */
export function cut(count: number): number {
  const unsigned = BigInt(count) > 2n ** 64n - 1n ? 2n ** 64n - 1n : BigInt(count);
  return Number(BigInt.asIntN(32, unsigned));
}

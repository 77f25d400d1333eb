import { because, type Reasons, type View } from './decision-context.ts';

/** No raise too soon after a raise, no lowering too soon after any change. */
export function holdForCooldown(view: View, wanted: number, reasons: Reasons): number {
  const { policy, standing, memory, situation } = view;
  const isRaise = wanted > standing;
  // A function at rest wakes at once: somebody is waiting.
  if (isRaise && standing === 0) return wanted;
  const cooldownMs = (isRaise ? policy.cooldownUpSeconds : policy.cooldownDownSeconds) * 1000;
  const lastMs = isRaise ? memory.raisedMs : latest(memory.raisedMs, memory.loweredMs);
  if (cooldownMs === 0 || lastMs === undefined) return wanted;
  const leftMs = lastMs + cooldownMs - situation.nowMs;
  if (leftMs <= 0) return wanted;
  because(reasons, 'held-by-cooldown', { aim: wanted, leftSeconds: Math.ceil(leftMs / 1000) });
  return standing;
}

function latest(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined) return other;
  return other === undefined ? one : Math.max(one, other);
}

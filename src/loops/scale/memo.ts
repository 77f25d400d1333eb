import { z } from 'zod';
import { policySchema } from '../../domain/policy.ts';
import type { Target } from '../../domain/target.ts';
import { FRESH_MEMORY, type Memory, readMemory, writeMemory } from '../../scaling/memory.ts';

/** Bounds and policy as they were when the row was written, for an owner that starts while the control plane is silent. */
export interface LastKnown {
  readonly target: Target;
  readonly atMs: number;
}

/** The small JSON that a claim leaves for the next owner: what deciding remembers, and the last known target. */
export function writeMemo(memo: { memory: Memory; lastKnown: LastKnown | undefined }): string {
  const { memory, lastKnown } = memo;
  // A name comes anew with the first bounds; rows carry only what deciding needs.
  const kept = lastKnown && { ...lastKnown, target: { ...lastKnown.target, name: undefined } };
  return JSON.stringify({ memory: writeMemory(memory), ...(kept && { lastKnown: kept }) });
}

/** Anything that is not what `writeMemo` wrote gives fresh memory and no target; a memo never stops an evaluation. */
export function readMemo(text: string, nowMs: number): { memory: Memory; lastKnown: LastKnown | undefined } {
  const document = parse(text);
  return { memory: readMemory(document['memory'], nowMs), lastKnown: readLastKnown(document['lastKnown'], nowMs) };
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const count = z.int().min(0);
const lastKnownDocument = z.object({
  atMs: z.number(),
  target: z.object({
    functionId: z.string(),
    versionId: z.string(),
    account: z.string(),
    instancesMin: count,
    instancesMax: count,
    concurrency: count,
    policy: policySchema.optional(),
  }),
});

function readLastKnown(value: unknown, nowMs: number): LastKnown | undefined {
  const read = lastKnownDocument.safeParse(value);
  if (!read.success) return undefined;
  const { atMs, target } = read.data;
  // Counts are not policy: they were true only then.
  const rest = {
    status: 'ACTIVE',
    policy: target.policy,
    instancesActive: undefined,
    instancesPending: undefined,
  } as const;
  return { atMs: Math.min(nowMs, atMs), target: { ...target, ...rest } };
}

export const FRESH_MEMO = { memory: FRESH_MEMORY, lastKnown: undefined } as const;

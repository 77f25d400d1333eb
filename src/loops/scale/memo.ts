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

function readLastKnown(value: unknown, nowMs: number): LastKnown | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { target, atMs } = value as { target?: Partial<Target>; atMs?: unknown };
  if (typeof target !== 'object' || target === null || typeof atMs !== 'number') return undefined;
  const { functionId, versionId, account, instancesMin, instancesMax, concurrency } = target;
  const counts = [instancesMin, instancesMax, concurrency];
  if (!counts.every((count) => typeof count === 'number' && Number.isSafeInteger(count) && count >= 0))
    return undefined;
  if (typeof functionId !== 'string' || typeof versionId !== 'string' || typeof account !== 'string') return undefined;
  const policy = target.policy === undefined ? undefined : policySchema.safeParse(target.policy);
  if (policy && !policy.success) return undefined;
  return {
    atMs: Math.min(nowMs, atMs),
    target: {
      functionId,
      versionId,
      account,
      status: 'ACTIVE',
      instancesMin: instancesMin as number,
      instancesMax: instancesMax as number,
      concurrency: concurrency as number,
      policy: policy?.data,
      // Counts are not policy: they were true only then.
      instancesActive: undefined,
      instancesPending: undefined,
    },
  };
}

export const FRESH_MEMO = { memory: FRESH_MEMORY, lastKnown: undefined } as const;

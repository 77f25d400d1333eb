import { z } from 'zod';
import type { FunctionStatus } from '../domain/target.ts';
import { printableLine } from '../lib/printable.ts';
import { concurrency, instanceCount } from './counts.ts';

/** Fields as the asking side reads them: one that makes no sense is no reason to refuse what stands beside it. */

const FUNCTION_STATUSES = ['ACTIVE', 'DEPLOYING', 'INACTIVE', 'ERRORED', 'DELETED'] as const satisfies FunctionStatus[];

/** A status that this program does not know counts as inactive: only ACTIVE is scaled. */
export const functionStatus = z.unknown().optional().transform(readFunctionStatus);

export function readFunctionStatus(text: unknown): FunctionStatus {
  return FUNCTION_STATUSES.find((status) => status === text) ?? 'INACTIVE';
}

/** What a control plane did about a wish. */
const SCALING_STATUSES = [
  /** Wishes are not acted on here at all. */
  'NO_OPERATION',
  /** What runs and starts is what was asked for, or the bounds leave no room. */
  'NO_SCALING_NEEDED',
  'SCALING_UP',
  'SCALING_DOWN',
  /** Not active, or outside its bounds: the wish was not acted on. */
  'NOT_AUTO_SCALABLE',
] as const;

export type ScalingStatus = (typeof SCALING_STATUSES)[number];

export const scalingStatus = z
  .unknown()
  .optional()
  .transform((text): ScalingStatus | undefined => SCALING_STATUSES.find((status) => status === text));

export const reportedCount = instanceCount.optional().catch(undefined);

export const reportedConcurrency = concurrency.nullish().transform((value) => value ?? 1);

const NAME_MAX_CHARACTERS = 255;

/** What people call a version. It decides nothing and names nothing. Characters that a terminal would obey are spelled out. */
export const humanName = z
  .unknown()
  .optional()
  .transform((told) => {
    if (typeof told !== 'string' || told.length > NAME_MAX_CHARACTERS) return undefined;
    return printableLine(told.trim()) || undefined;
  });

/** The first thing that is wrong, with its place in `whole`. */
export function describeFault({ issues: [issue] }: z.ZodError, whole: string): string {
  return `${issue?.path.join('.') || whole}: ${issue?.message ?? 'unreadable'}`;
}

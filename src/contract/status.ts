import type { FunctionStatus } from '../domain/target.ts';

const FUNCTION_STATUSES = ['ACTIVE', 'DEPLOYING', 'INACTIVE', 'ERRORED', 'DELETED'] as const satisfies FunctionStatus[];

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

/** A status that this program does not know counts as inactive: only ACTIVE is scaled. */
export function readFunctionStatus(text: unknown): FunctionStatus {
  return FUNCTION_STATUSES.find((status) => status === text) ?? 'INACTIVE';
}

export function readScalingStatus(text: unknown): ScalingStatus | undefined {
  return SCALING_STATUSES.find((status) => status === text);
}

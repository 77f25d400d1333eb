import { createHash } from 'node:crypto';
import type { LaunchSettings } from './function-record.ts';

/**
 * Which instances may serve: those of the same code, layers and launch settings, and no others. The id stands in folder
 * names, labels and addresses, so it is base64 with the two safe letters and without padding.
 */
export function deployIdOf({
  codeHash,
  layers = [],
  launch,
}: {
  readonly codeHash: string;
  /** The hashes of the layers in the order in which they are laid over each other. */
  readonly layers?: readonly string[];
  readonly launch: LaunchSettings;
}): string {
  const hash = createHash('sha256').update(codeHash);
  for (const layer of layers) hash.update(':').update(layer);
  return hash.update('\n').update(canonicalLaunch(launch)).digest('base64url');
}

/** Every field by name and in one order, so that a new field, or another order of the variables, is no accident. */
function canonicalLaunch(launch: LaunchSettings): string {
  const { runtime, handler, timeoutMs, memoryMb, environment, concurrency } = launch;
  const variables = Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([runtime, handler, timeoutMs, memoryMb, variables, concurrency]);
}

import { describe, it } from 'vitest';
import { whyNot } from './tools.ts';

/** A suite that wants the programs of a group. Without them it is left out, in one line that says what to do. */
export function describeWithTools(group: 'chart' | 'cluster', name: string, suite: () => void): void {
  const missing = whyNot(group);
  if (missing === undefined) describe(name, suite);
  else it.skip(`${name}: ${missing}`, () => {});
}

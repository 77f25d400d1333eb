import { styleText } from 'node:util';
import { printableLine } from '../../lib/printable.ts';
import { scrub } from '../../lib/scrub.ts';

export const AREAS = ['store', 'timeseries', 'control-plane'] as const;
export type Area = (typeof AREAS)[number];

export interface Finding {
  readonly area: 'configuration' | Area;
  readonly what: string;
  readonly state: 'good' | 'doubtful' | 'bad';
  readonly detail: string;
  /** What to do about it; empty when it is good. */
  readonly mend: string;
}

/** Details come from other programs, so they are kept to one line without credentials. */
export function makeFinding(found: Omit<Finding, 'mend'> & { mend?: string | undefined }): Finding {
  return { ...found, detail: printableLine(scrub(found.detail)), mend: found.mend ?? '' };
}

const SIGNS = { good: ['green', '✓'], doubtful: ['yellow', '!'], bad: ['red', '✗'] } as const;

export function findingLine({ area, what, state, detail, mend }: Finding, stream: NodeJS.WriteStream): string {
  const [colour, sign] = SIGNS[state];
  const line = `${styleText(colour, sign, { stream })} ${area}: ${printableLine(what)}: ${detail}`;
  return mend === '' ? line : `${line}\n    ${mend}`;
}

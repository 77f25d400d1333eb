import { z } from 'zod';
import { printableLine } from '../lib/printable.ts';

const NAME_MAX_CHARACTERS = 255;

/**
 * What people call a version. It decides nothing and names nothing, so it is never a reason to refuse what stands beside it:
 * whatever is no usable text is no name. Characters that a terminal would obey are spelled out.
 */
export const humanName = z.unknown().optional().transform(readHumanName);

function readHumanName(told: unknown): string | undefined {
  if (typeof told !== 'string' || told.length > NAME_MAX_CHARACTERS) return undefined;
  return printableLine(told.trim()) || undefined;
}

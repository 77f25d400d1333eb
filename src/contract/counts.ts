import { z } from 'zod';

/** No version runs more; a larger number is a mistake on one side or the other. */
const INSTANCES_MAX = 1_000_000;

/** A count of instances. Counts are whole, not negative and bounded wherever they stand on this wire. */
export const instanceCount = z
  .int('must be a whole number')
  .min(0, 'must be 0 or more')
  .max(INSTANCES_MAX, {
    error: `must be ${INSTANCES_MAX} or less`,
  });

export const concurrency = z.int('must be a whole number').min(1, 'must be 1 or more').max(INSTANCES_MAX);

/** Ids are any text of this length. */
export const id = z.string('must be text').min(1, 'must not be empty').max(255, 'must be 255 characters or less');

import type { Clock } from '../../../lib/clock.ts';
import type { Random } from '../../../lib/random.ts';

const ID_CHARACTERS = 9;
const BASE = 36;

/** `fn-1767225600000-k3j9x0a2b`: when it was made, and nine characters so that no two of one millisecond are alike. */
export function makeId(prefix: 'fn' | 'req', { clock, random }: { clock: Clock; random: Random }): string {
  let characters = '';
  for (let index = 0; index < ID_CHARACTERS; index += 1) {
    characters += Math.floor(random.next() * BASE).toString(BASE);
  }
  return `${prefix}-${Math.trunc(clock.wallMs())}-${characters}`;
}

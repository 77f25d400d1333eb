export const MASK = '[redacted]';

/** What looks like a credential, most telling first. */
const CREDENTIALS: readonly (readonly [RegExp, string])[] = [
  // `basic authentication` is prose: only these words are, and only as whole words.
  [
    /(bearer|basic|negotiate)\s+(?!(?:auth(?:entication|orization)?|credentials?|realm|tokens?)(?![\w.~+/=-]))(?=[\w~+/]*[\d.=+/_~-]|\w{4})[\w.~+/=-]+/gi,
    `$1 ${MASK}`,
  ],
  [/(:\/\/)[^\s/@:"']*:[^\s/@"']+@/g, `$1${MASK}@`],
  // A bare `token` must begin a word: fencing tokens are numbers that people must see. What an article follows is prose.
  [
    /((?:\b|access_|refresh_|id_)token(?!: (?:an?|it|no|the)\s)|passw(?:or)?d|secret|\bapi_?key)(\\?["']?\s*[=:]\s*\\?["']?)(?!\[redacted)[^\s"'&,}\\]+/gi,
    `$1$2${MASK}`,
  ],
  [/eyJ[\w-]{5,}(?:\.[\w-]*){0,2}/g, MASK],
];

/** Masks what looks like credentials in text from outside, such as the body of an error answer. */
export function scrub(text: string): string {
  let scrubbed = text;
  for (const [pattern, mask] of CREDENTIALS) scrubbed = scrubbed.replace(pattern, mask);
  return scrubbed;
}

/** Text from outside, fit for a message: scrubbed, on one line, without what terminals obey, and short. */
export function scrubLine(text: string, lengthMax = 200): string {
  const line = text
    // More than can be shown need not be looked at.
    .slice(0, lengthMax * 8)
    .replace(/\u001b\[[0-9;]*[A-Za-z]/g, '')
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, ' ');
  const characters = [...scrub(line).trim()];
  if (characters.length <= lengthMax) return characters.join('');
  return `${characters.slice(0, lengthMax - 1).join('')}…`;
}

/** C0 but for tab and line feed, DEL and C1, line separators, and what turns the direction of writing. */
const OBEYED_BY_TERMINALS =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Text from outside as a terminal may show it: what would move the cursor, paint, or turn the line around is spelled out. */
export function printable(text: string): string {
  return text.replace(OBEYED_BY_TERMINALS, spelledOut);
}

/** The same in one line. */
export function printableLine(text: string): string {
  return printable(text).replace(/[\t\n]/g, spelledOut);
}

function spelledOut(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

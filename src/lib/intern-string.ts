/**
 * The one string of the process that says this. Ids come in from many sides, and whatever parses them makes a copy each time:
 * six copies of every id were 30 MB in a fleet of 100,000. V8 holds the names of properties once, for as long as anybody
 * needs them, so this is a pool that nobody has to clear.
 */
export function internString(text: string): string {
  const named: Record<string, true> = Object.create(null);
  named[text] = true;
  return Object.keys(named)[0] ?? text;
}

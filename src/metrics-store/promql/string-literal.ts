const SIMPLE: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([\s\S]))/g;

/** What a quoted text of PromQL says, by Go's rules; undefined when it is none. */
export function unquote(source: string): string | undefined {
  const quote = source[0] ?? '';
  if (source.length < 2 || !'"\'`'.includes(quote) || !source.endsWith(quote)) return undefined;
  const inside = source.slice(1, -1);
  if (quote === '`') return inside;
  if (inside.includes('\n')) return undefined;
  if (!inside.includes('\\')) return inside;
  let isWrong = false;
  // Single bytes (\xff) can make up a character only together, so all is put together as bytes.
  const bytes: Buffer[] = [];
  let from = 0;
  for (const match of inside.matchAll(ESCAPE)) {
    bytes.push(Buffer.from(inside.slice(from, match.index)));
    from = match.index + match[0].length;
    const [, byte, four, eight, octal, simple] = match;
    const code = Number.parseInt(byte ?? four ?? eight ?? '', 16);
    if (byte !== undefined) bytes.push(Buffer.from([code]));
    else if (four !== undefined || eight !== undefined) {
      if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) isWrong = true;
      else bytes.push(Buffer.from(String.fromCodePoint(code)));
    } else if (octal !== undefined) {
      const value = Number.parseInt(octal, 8);
      if (value > 255) isWrong = true;
      else bytes.push(Buffer.from([value]));
    } else {
      const character = SIMPLE[simple ?? ''];
      // The other kind of quote needs no escape, and Go allows none.
      if (character === undefined || ('"\''.includes(character) && character !== quote)) isWrong = true;
      else bytes.push(Buffer.from(character));
    }
  }
  bytes.push(Buffer.from(inside.slice(from)));
  return isWrong ? undefined : Buffer.concat(bytes).toString('utf8');
}

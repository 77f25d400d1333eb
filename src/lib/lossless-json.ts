/**
 * JSON that keeps what plain JSON loses: big integers, infinities and NaN. They travel as objects with one key that no
 * text from outside can forge, since a text stays a text.
 */
export function stringifyLossless(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return { $bigint: part.toString() };
    if (typeof part === 'number' && !Number.isFinite(part)) return { $number: String(part) };
    return part;
  });
}

export function parseLossless(text: string): unknown {
  return JSON.parse(text, (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null) return part;
    if ('$bigint' in part && typeof part.$bigint === 'string') return BigInt(part.$bigint);
    if ('$number' in part && typeof part.$number === 'string') return Number(part.$number);
    return part;
  });
}

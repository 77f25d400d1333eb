/**
 * An ever-growing number per function version (and per duty), raised on every claim and checked by the write. 64 bits
 * wide in every store, so a bigint here; a decimal string on the wire.
 */
export type FencingToken = bigint;

/**
 * The next token after `previous`. Order and uniqueness come from the compare-and-set; the wall clock in microseconds is
 * only a floor, so that a lost or restored table never issues a token below one that a control plane has already seen.
 */
export function nextToken(previous: FencingToken | undefined, wallMs: number): FencingToken {
  const floor = BigInt(Math.max(1, Math.floor(wallMs))) * 1000n;
  const successor = (previous ?? 0n) + 1n;
  return successor > floor ? successor : floor;
}

export function higherToken(a: FencingToken | undefined, b: FencingToken | undefined): FencingToken | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a > b ? a : b;
}

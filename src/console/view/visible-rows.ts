/** Which rows of a long list are to be drawn: those in sight, and some more on either side. */
export function visibleRange(list: {
  readonly count: number;
  readonly rowHeight: number;
  readonly scrollTop: number;
  readonly height: number;
}): { first: number; end: number } {
  const spare = 8;
  const first = Math.max(0, Math.floor(list.scrollTop / list.rowHeight) - spare);
  const end = Math.min(list.count, Math.ceil((list.scrollTop + list.height) / list.rowHeight) + spare);
  return { first: Math.min(first, end), end };
}

/** The scroll position at which a row is in sight; the same one where it already is. */
export function scrollToRow(
  row: number,
  list: { readonly rowHeight: number; readonly scrollTop: number; readonly height: number },
): number {
  const top = row * list.rowHeight;
  if (top < list.scrollTop) return top;
  return Math.max(list.scrollTop, top + list.rowHeight - list.height);
}

/** Between the two values next to the rank; `values` is sorted on the way, numbers that are none first. */
export function quantileOf(rank: number, values: number[]): number {
  if (values.length === 0 || Number.isNaN(rank)) return Number.NaN;
  if (rank < 0) return Number.NEGATIVE_INFINITY;
  if (rank > 1) return Number.POSITIVE_INFINITY;
  values.sort(ascending);
  const place = rank * (values.length - 1);
  const lower = Math.max(0, Math.floor(place));
  const upper = Math.min(values.length - 1, lower + 1);
  const weight = place - Math.floor(place);
  return (values[lower] as number) * (1 - weight) + (values[upper] as number) * weight;
}

/** Numbers that are none come first. */
export function ascending(a: number, b: number): number {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : -1;
  if (Number.isNaN(b)) return 1;
  return a - b || 0;
}

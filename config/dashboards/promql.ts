/** Matchers of the fleet that the variables choose. */
export const FLEET = 'namespace=~"$namespace", job=~"$job"';

/** Per second, summed up by these labels. */
export function rateOf(metric: string, { by = '', where = '' }: { by?: string; where?: string } = {}): string {
  return `sum${by && ` by (${by})`} (rate(${metric}{${matchers(where)}}[$__rate_interval]))`;
}

/** A quantile of a histogram, over all replicas. */
export function quantileOf(
  quantile: number,
  metric: string,
  { by = '', where = '' }: { by?: string; where?: string } = {},
): string {
  const labels = by ? `${by}, le` : 'le';
  return `histogram_quantile(${quantile}, sum by (${labels}) (rate(${metric}_bucket{${matchers(where)}}[$__rate_interval])))`;
}

function matchers(where: string): string {
  return where ? `${FLEET}, ${where}` : FLEET;
}

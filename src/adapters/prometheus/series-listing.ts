import { PrometheusDriver } from 'prometheus-query';
import type { Clock } from '../../lib/clock.ts';
import { scrubLine } from '../../lib/scrub.ts';
import { TimeseriesError } from '../../ports/signal-reader.ts';
import { matcher } from './promql-text.ts';
import type { StoreClient } from './store-client.ts';

export interface SeriesListing {
  readonly metric: string;
  /** How many series it has had within the last five minutes. */
  readonly series: number;
  /** Label → some of its values. */
  readonly labels: ReadonlyMap<string, readonly string[]>;
}

const SPAN_MS = 5 * 60_000;
const VALUES_SHOWN = 3;

/**
 * Which series of these metrics exist, and which labels they carry: for people who ask why a profile sees nothing. A few
 * small reads at human pace, through `prometheus-query`; the loop reads with its own thin client.
 */
export async function listSeries(
  client: StoreClient,
  options: { metrics: readonly string[]; clock: Clock; timeoutMs?: number },
): Promise<SeriesListing[]> {
  const { metrics, clock, timeoutMs = 10_000 } = options;
  const driver = new PrometheusDriver({
    endpoint: client.url,
    timeout: timeoutMs,
    requestInterceptor: {
      onFulfilled: async (config) => {
        const { headers, agents } = await client.requestSettings();
        for (const [name, value] of Object.entries(headers)) config.headers.set(name, value);
        return Object.assign(config, { ...agents, proxy: false, maxRedirects: 0 });
      },
    },
  });
  const endMs = clock.wallMs();
  const listings: SeriesListing[] = [];
  for (const metric of metrics) {
    try {
      listings.push(await listOne(driver, metric, { startMs: endMs - SPAN_MS, endMs }));
    } catch (error) {
      throw new TimeseriesError('unreachable', `the series of ${metric} could not be listed: ${reasonOf(error)}`, {
        cause: error,
      });
    }
  }
  return listings;
}

async function listOne(
  driver: PrometheusDriver,
  metric: string,
  { startMs, endMs }: { startMs: number; endMs: number },
): Promise<SeriesListing> {
  const selector = `{${matcher('__name__', '=', metric)}}`;
  const { result } = await driver.instantQuery(`count(last_over_time(${selector}[${SPAN_MS / 1000}s]))`, endMs);
  const series = Number(result[0]?.value?.value ?? 0);
  const labels = new Map<string, readonly string[]>();
  if (series === 0) return { metric, series, labels };
  for (const label of await driver.labelNames(selector, startMs, endMs)) {
    if (label === '__name__') continue;
    const values: unknown[] = await driver.labelValues(label, selector, startMs, endMs);
    labels.set(label, values.slice(0, VALUES_SHOWN).map(String));
  }
  return { metric, series, labels };
}

/** The driver throws plain objects. */
function reasonOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  const { error: says } = (error ?? {}) as { error?: unknown };
  return scrubLine(typeof says === 'string' ? says : JSON.stringify(error));
}

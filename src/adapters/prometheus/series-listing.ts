import { PrometheusDriver } from 'prometheus-query';
import type { Clock } from '../../lib/clock.ts';
import { TimeseriesError } from '../../ports/signal-reader.ts';
import type { StoreClient } from './store-client.ts';

export interface SeriesListing {
  readonly metric: string;
  /** How many series it has had within the span. */
  readonly series: number;
  /** Label → some of its values. */
  readonly labels: ReadonlyMap<string, readonly string[]>;
}

const SPAN_MS = 5 * 60_000;
const VALUES_SHOWN = 3;

/**
 * Which series of these metrics exist, and which labels they carry: for people who ask why a profile sees nothing. A
 * look at one machine's pace, through `prometheus-query`; the loop reads with its own thin client.
 */
export async function listSeries(
  client: StoreClient,
  options: { metrics: readonly string[]; clock: Clock; timeoutMs?: number; seriesMax?: number },
): Promise<SeriesListing[]> {
  const { metrics, clock, timeoutMs = 10_000, seriesMax = 1_000 } = options;
  const driver = new PrometheusDriver({
    endpoint: client.url,
    timeout: timeoutMs,
    requestInterceptor: {
      onFulfilled: async (config) => {
        const settings = await client.requestSettings();
        for (const [name, value] of Object.entries(settings.headers)) config.headers.set(name, value);
        const params = { ...(config.params as object), limit: seriesMax };
        return Object.assign(config, { ...settings.agents, proxy: false, maxRedirects: 0, params });
      },
    },
  });
  const nowMs = clock.wallMs();
  const listings: SeriesListing[] = [];
  for (const metric of metrics) {
    try {
      const found = await driver.series(metric, nowMs - SPAN_MS, nowMs);
      listings.push(
        listingOf(
          metric,
          found.map(({ labels }) => labels as Record<string, string>),
        ),
      );
    } catch (error) {
      // The driver throws plain objects.
      const says = error instanceof Error ? error.message : String((error as { message?: unknown }).message ?? error);
      throw new TimeseriesError('unreachable', `the series of ${metric} could not be listed: ${says}`, {
        cause: error,
      });
    }
  }
  return listings;
}

function listingOf(metric: string, series: readonly Readonly<Record<string, string>>[]): SeriesListing {
  const labels = new Map<string, string[]>();
  for (const one of series) {
    for (const [label, value] of Object.entries(one)) {
      const values = labels.get(label) ?? [];
      labels.set(label, values);
      if (values.length < VALUES_SHOWN && !values.includes(value)) values.push(value);
    }
  }
  return { metric, series: series.length, labels };
}

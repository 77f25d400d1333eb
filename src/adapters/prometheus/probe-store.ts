import type { Clock } from '../../lib/clock.ts';
import { TimeseriesError } from '../../ports/signal-reader.ts';
import { notPrometheus, parseEnvelope, sampleValue } from './query-result.ts';
import type { StoreClient } from './store-client.ts';

export type Flavour = 'prometheus' | 'victoriametrics' | 'thanos' | 'mimir' | 'unknown';

/** Asks the store for its time, which shows that it answers queries, and how far its clock is from ours. */
export async function probeSkew(client: StoreClient, clock: Clock, signal: AbortSignal | undefined): Promise<number> {
  // Without nocache VictoriaMetrics gives the time of 30 s ago.
  const path = '/api/v1/query?query=time()&nocache=1';
  const sentMs = clock.wallMs();
  const { bytes, status } = await client.get({ name: 'time', path, signal });
  const arrivedMs = clock.wallMs();
  const from = { url: `${client.url}/api/v1/query`, status };
  const seconds = timeOf(parseEnvelope(bytes, from));
  if (seconds === undefined) throw notPrometheus(from, 'no time');
  // A time in whole seconds was cut off, by half a second on average.
  const storeMs = seconds * 1000 + (Number.isInteger(seconds) ? 500 : 0);
  return (sentMs + arrivedMs) / 2 - storeMs;
}

/** A scalar in Prometheus, a vector of one in VictoriaMetrics. */
function timeOf({ status, data }: { status?: unknown; data?: { result?: unknown } }): number | undefined {
  if (status !== 'success' || !Array.isArray(data?.result)) return undefined;
  const [first, second] = data.result as [{ value?: unknown[] } | undefined, unknown];
  return sampleValue(typeof second === 'string' ? second : first?.value?.[1]);
}

/** Which product answers. Only for people: nothing is decided by it. */
export async function probeFlavour(client: StoreClient, signal: AbortSignal | undefined): Promise<Flavour> {
  try {
    const { bytes, header, status } = await client.get({ name: 'buildinfo', path: '/api/v1/status/buildinfo', signal });
    const text = JSON.stringify(parseEnvelope(bytes, { url: client.url, status })).toLowerCase();
    if (header('x-server-hostname') !== undefined || text.includes('victoria')) return 'victoriametrics';
    if (text.includes('mimir')) return 'mimir';
    if (text.includes('thanos')) return 'thanos';
    return text.includes('goversion') ? 'prometheus' : 'unknown';
  } catch (error) {
    // Some stores do not tell; whether they answer at all is found out by the query for the time.
    if (error instanceof TimeseriesError && error.kind === 'not-prometheus') return 'unknown';
    throw error;
  }
}

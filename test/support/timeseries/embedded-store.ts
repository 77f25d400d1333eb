import { pino } from 'pino';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import { type MetricsStore, openMetricsStore } from '../../../src/metrics-store/open-metrics-store.ts';

/** The embedded metrics store in this process, on a free port. */
export async function startEmbeddedStore({
  targets = [],
}: {
  /** `host:port`, scraped every second. */
  targets?: readonly string[];
} = {}): Promise<MetricsStore> {
  return openMetricsStore({
    address: { host: '127.0.0.1', port: 0 },
    targets: targets.map((target) => ({ url: `http://${target}/metrics`, job: 'targets' })),
    scrapeIntervalMs: 1_000,
    clock: systemClock,
    random: systemRandom,
    logger: pino({ level: 'silent' }),
  });
}

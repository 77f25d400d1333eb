import { type Command, Option as Flag, InvalidArgumentError } from 'commander';
import { systemClock } from '../adapters/system/clock.ts';
import { integerKind } from '../config/value-kind.ts';
import { BUCKET_COUNT } from '../domain/bucket.ts';
import { systemRandom } from '../lib/random.ts';
import { openMetricsStore } from '../metrics-store/open-metrics-store.ts';
import { bucketRules } from '../metrics-store/scrape/relabel.ts';
import type { ScrapeTarget } from '../metrics-store/scrape/target-scraper.ts';
import { createLogs } from '../telemetry/logger.ts';
import { EXIT, type ExitCode } from '../wiring/exit-codes.ts';
import { endOnCrash, listenForStop, stopOrExit } from '../wiring/process-life.ts';
import { VERSION } from '../wiring/version.ts';
import { addLogFlags, collectLabel, durationFlag, type LogFlags, readAs, readLabelName } from './value-flags.ts';

const PORT = 9090;
/** The slowest answers are cut off then. */
const END_AFTER_MS = 5_000;

interface MetricsStoreFlags extends LogFlags {
  readonly host: string;
  readonly port: number;
  readonly target: readonly ScrapeTarget[];
  readonly targetLabel: Readonly<Record<string, string>>;
  readonly scrapeInterval: number;
  readonly scrapeTimeout: number;
  readonly retention: number;
  readonly bucketLabel?: string;
  readonly bucketOf: string;
  readonly seriesMax: number;
  readonly queryTimeout: number;
}

/** `starling metrics-store`: the last hour of metrics in memory, until it is stopped. */
export function declareMetricsStore(command: Command, end: (code: ExitCode) => void): void {
  command
    .option('--host <host>', 'where to listen; it has no password, so others should not reach it', '127.0.0.1')
    .option('-p, --port <port>', 'port for queries', port, PORT)
    .addOption(
      new Flag('-t, --target <[job=]url>', 'scrape this page of metrics; may be repeated')
        .argParser(collectTarget)
        .default([], 'none'),
    )
    .addOption(
      new Flag('--target-label <name=value>', 'a label for everything scraped; may be repeated')
        .argParser(collectLabel)
        .default({}, 'none'),
    )
    .addOption(durationFlag('--scrape-interval <duration>', 'how often; from 1s on', 15_000, { minMs: 1_000 }))
    .addOption(durationFlag('--scrape-timeout <duration>', 'never longer than the interval', 10_000, { minMs: 1 }))
    .addOption(durationFlag('--retention <duration>', 'how long samples are kept', 3_600_000, { minMs: 1 }))
    .option(
      '--bucket-label <name>',
      `adds a label with the bucket (hashmod ${BUCKET_COUNT}), as in timeseries.bucketLabel`,
      readLabelName,
    )
    .option('--bucket-of <label>', 'the label that is hashed for it', readLabelName, 'function_version_id')
    .option('--series-max <number>', 'more series are not taken', readAs(integerKind), 200_000)
    .addOption(durationFlag('--query-timeout <duration>', 'longer queries are ended', 30_000, { minMs: 1 }));
  addLogFlags(command).action(async () => end(await serve(command.opts<MetricsStoreFlags>())));
}

/** Runs until SIGTERM or SIGINT; a second signal, or a stop that hangs, ends the process at once. */
async function serve(flags: MetricsStoreFlags): Promise<ExitCode> {
  const signals = listenForStop(systemClock);
  const logger = createLogs({
    level: flags.logLevel,
    format: flags.logFormat,
    serviceName: 'starling-metrics-store',
    version: VERSION,
  }).root;
  endOnCrash((error) => logger.fatal({ event: 'metrics-store.crashed', err: error }, 'nobody caught this; ending'));
  const { bucketLabel, bucketOf, retention, scrapeInterval } = flags;
  const store = await openMetricsStore({
    address: { host: flags.host, port: flags.port },
    targets: flags.target.map((target) => ({ ...target, labels: flags.targetLabel })),
    scrapeIntervalMs: scrapeInterval,
    scrapeTimeoutMs: flags.scrapeTimeout,
    retentionMs: retention,
    relabelRules:
      bucketLabel === undefined ? [] : bucketRules({ label: bucketLabel, of: bucketOf, modulus: BUCKET_COUNT }),
    seriesMax: flags.seriesMax,
    queryTimeoutMs: flags.queryTimeout,
    version: VERSION,
    clock: systemClock,
    random: systemRandom,
    logger,
  });
  const targets = flags.target.map(({ url }) => url);
  const running = { url: store.url, targets, scrapeIntervalMs: scrapeInterval, retentionMs: retention };
  logger.info({ event: 'metrics-store.started', ...running }, 'running');

  await signals.asked;
  await stopOrExit(store.stop(), {
    clock: systemClock,
    afterMs: END_AFTER_MS,
    complaint: 'the metrics store did not stop in time',
  });
  logger.info({ event: 'metrics-store.stopped' }, 'stopped; what was in memory is gone');
  return EXIT.ok;
}

function port(text: string): number {
  const value = readAs(integerKind)(text);
  if (value < 0 || value > 65_535) throw new InvalidArgumentError('It must be a port, or 0 for any that is free.');
  return value;
}

function collectTarget(text: string, before: readonly ScrapeTarget[]): ScrapeTarget[] {
  const [, job, url = ''] = /^(?:([a-zA-Z_][a-zA-Z0-9_-]*)=)?(.*)$/s.exec(text) ?? [];
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^https?:$/.test(parsed.protocol)) {
    throw new InvalidArgumentError('It must be an address such as http://127.0.0.1:8090/metrics, or job=address.');
  }
  if (before.some((target) => target.url === url)) throw new InvalidArgumentError('It is named twice.');
  return [...before, { url, ...(job !== undefined && { job }) }];
}

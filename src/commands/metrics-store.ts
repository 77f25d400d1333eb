import { type Command, Option as Flag, InvalidArgumentError } from 'commander';
import { systemClock } from '../adapters/system/clock.ts';
import { durationKind, integerKind, type ValueKind } from '../config/value-kind.ts';
import { BUCKET_COUNT } from '../domain/bucket.ts';
import { systemRandom } from '../lib/random.ts';
import { openMetricsStore } from '../metrics-store/open-metrics-store.ts';
import { bucketRules } from '../metrics-store/scrape/relabel.ts';
import type { ScrapeTarget } from '../metrics-store/scrape/target-scraper.ts';
import { createLogs } from '../telemetry/logger.ts';
import { EXIT, type ExitCode } from '../wiring/exit-codes.ts';
import { endOnCrash, listenForStop, stopOrExit } from '../wiring/process-life.ts';
import { VERSION } from '../wiring/version.ts';

const PORT = 9090;
const SCRAPE_INTERVAL_MIN_MS = 1_000;
/** The slowest answers are cut off then. */
const END_AFTER_MS = 5_000;

interface MetricsStoreFlags {
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
  readonly logLevel: string;
  readonly logFormat: 'auto' | 'json' | 'pretty';
}

/** `starling metrics-store`: the last hour of metrics in memory, until it is told to stop. */
export function declareMetricsStore(command: Command, end: (code: ExitCode) => void): void {
  command
    .addOption(
      new Flag('--host <host>', 'where to listen; it has no password, so others should not reach it').default(
        '127.0.0.1',
      ),
    )
    .addOption(new Flag('-p, --port <port>', 'port for queries').argParser(port).default(PORT))
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
    .addOption(duration('--scrape-interval <duration>', 'how often; from 1s on', 15_000))
    .addOption(duration('--scrape-timeout <duration>', 'never longer than the interval', 10_000))
    .addOption(duration('--retention <duration>', 'how long samples are kept', 3_600_000))
    .addOption(
      new Flag(
        '--bucket-label <name>',
        `adds a label with the bucket (hashmod ${BUCKET_COUNT}), as in timeseries.bucketLabel`,
      ).argParser(labelName),
    )
    .addOption(
      new Flag('--bucket-of <label>', 'the label that is hashed for it')
        .argParser(labelName)
        .default('function_version_id'),
    )
    .addOption(
      new Flag('--series-max <number>', 'more series are not taken').argParser(parser(integerKind)).default(200_000),
    )
    .addOption(duration('--query-timeout <duration>', 'longer queries are ended', 30_000))
    .addOption(new Flag('--log-level <level>', 'debug, info, warn, error').default('info'))
    .addOption(new Flag('--log-format <format>', 'how to log').choices(['auto', 'json', 'pretty']).default('auto'))
    .action(async () => end(await serve(command.opts<MetricsStoreFlags>())));
}

/** Runs until SIGTERM or SIGINT; a second signal, or a stop that hangs, ends the process at once. */
async function serve(flags: MetricsStoreFlags): Promise<ExitCode> {
  const signals = listenForStop({ clock: systemClock });
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
  logger.info(
    {
      event: 'metrics-store.started',
      url: store.url,
      targets,
      scrapeIntervalMs: scrapeInterval,
      retentionMs: retention,
    },
    'running',
  );

  await signals.asked;
  await stopOrExit(store.stop(), {
    clock: systemClock,
    afterMs: END_AFTER_MS,
    complaint: 'the metrics store did not stop in time',
  });
  logger.info({ event: 'metrics-store.stopped' }, 'stopped; what was in memory is gone');
  return EXIT.ok;
}

function duration(flag: string, description: string, defaultMs: number): Flag {
  return new Flag(flag, description)
    .argParser((text) => {
      const ms = parser(durationKind)(text);
      const min = flag.startsWith('--scrape-interval') ? SCRAPE_INTERVAL_MIN_MS : 1;
      if (ms < min) throw new InvalidArgumentError(`It must be ${min} ms or more.`);
      return ms;
    })
    .default(defaultMs, `${defaultMs / 1_000}s`);
}

/** Reads a flag as the configuration reads such values. */
function parser<T>(kind: ValueKind<T>): (text: string) => T {
  return (text) => {
    try {
      return kind.finish(kind.read(text));
    } catch (error) {
      throw new InvalidArgumentError(`It must be ${(error as Error).message}.`);
    }
  };
}

function port(text: string): number {
  const value = parser(integerKind)(text);
  if (value < 0 || value > 65_535) throw new InvalidArgumentError('It must be a port, or 0 for any that is free.');
  return value;
}

function labelName(text: string): string {
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(text))
    throw new InvalidArgumentError('It must be a name as Prometheus has them.');
  return text;
}

function collectLabel(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const split = text.indexOf('=');
  if (split < 1) throw new InvalidArgumentError('It must be name=value.');
  return { ...before, [labelName(text.slice(0, split))]: text.slice(split + 1) };
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

import { type Command, Option as Flag, InvalidArgumentError } from 'commander';
import { systemClock } from '../../adapters/system/clock.ts';
import { type ListenAddress, listenKind, sizeKind } from '../../config/value-kind.ts';
import { printableLine } from '../../lib/printable.ts';
import { systemRandom } from '../../lib/random.ts';
import type { Dialect } from '../../platform/dialects/dialect.ts';
import { createLogs } from '../../telemetry/logger.ts';
import { EXIT, type ExitCode } from '../../wiring/exit-codes.ts';
import { DIALECTS, type DialectEntry, dialectPort } from '../../wiring/platform-dialects.ts';
import { endOnCrash, listenForStop, stopOrExit } from '../../wiring/process-life.ts';
import { VERSION } from '../../wiring/version.ts';
import { addLogFlags, collectLabel, durationFlag, type LogFlags, readAs } from '../value-flags.ts';
import { addProfilingFlags, type ProfilingFlags, profilingOf } from './profiling-flags.ts';
import { addScalingRuleFlags, type ScalingRuleFlags, scalingRulesOf } from './scaling-rule-flags.ts';

const NATIVE_PORT = 8090;
/** Beside the grace itself: the processes are killed then, and the last answers written. */
const END_AFTER_GRACE_MS = 10_000;

interface PlatformFlags extends LogFlags, ProfilingFlags, ScalingRuleFlags {
  readonly dataDir: string;
  readonly native: ListenAddress | undefined;
  readonly allowedHost: readonly string[];
  readonly grace: number;
  readonly wishTtl: number;
  readonly beyondWish: 'hold' | 'grow';
  readonly payloadMax: number;
  readonly memoryLimit: 'auto' | 'watchdog';
  readonly tick: number;
  readonly idleBeforeScaleDown: number;
  readonly metricLabel: Readonly<Record<string, string>>;
  /** Of each dialect by its name; false: left out. */
  readonly [dialect: string]: unknown;
}

/** `starling platform`: functions on this machine, until it is stopped. */
export function declarePlatform(command: Command, end: (code: ExitCode) => void): void {
  command
    .option('--data-dir <folder>', 'where functions are kept; made if it is not there', './starling-data')
    .addOption(
      new Flag('--native <host:port>', "the platform's own API, the control plane and metrics; or off")
        .argParser(readAs(listenKind))
        .default({ host: '127.0.0.1', port: NATIVE_PORT }, `127.0.0.1:${NATIVE_PORT}`),
    );
  for (const { name, description, port } of DIALECTS) {
    command
      .option(`--${name} <host:port>`, `${description}; or off (default: 127.0.0.1:${port})`, listenOrNot)
      .option(`--no-${name}`, 'leave it out');
  }
  command
    .addOption(
      new Flag('--allowed-host <name>', 'a Host header that ports on loopback answer to; may be repeated')
        .argParser(collectHost)
        .default([], 'addresses and localhost'),
    )
    .addOption(durationFlag('--grace <duration>', 'for calls under way when it stops', 10_000))
    .addOption(
      durationFlag('--wish-ttl <duration>', 'a wish holds so long after the autoscaler was last heard of', 300_000),
    )
    .addOption(
      new Flag('--beyond-wish <rule>', 'may calls start instances beyond a wish that holds?')
        .choices(['hold', 'grow'])
        .default('hold'),
    )
    .addOption(
      new Flag('--payload-max <size>', 'larger events are refused')
        .argParser(readAs(sizeKind))
        .default(6 * 2 ** 20, '6MiB'),
    )
    .addOption(
      new Flag('--memory-limit <how>', 'auto: by the kernel where it lets us, else watched; watchdog: watched')
        .choices(['auto', 'watchdog'])
        .default('auto'),
    )
    .addOption(durationFlag('--tick <duration>', 'how often pools are looked at', 2_000).hideHelp())
    .addOption(
      durationFlag(
        '--idle-before-scale-down <duration>',
        'only instances free for so long are taken away',
        10_000,
      ).hideHelp(),
    )
    .addOption(
      new Flag('--metric-label <name=value>', 'a label for every series; may be repeated')
        .argParser(collectLabel)
        .default({}, 'none'),
    );
  addScalingRuleFlags(command);
  addProfilingFlags(command);
  addLogFlags(command).action(async () => end(await serve(command.opts<PlatformFlags>(), process.env)));
}

/** Runs until SIGTERM or SIGINT; a second signal, or a stop that hangs, ends the process at once, and its instances with it. */
async function serve(flags: PlatformFlags, env: NodeJS.ProcessEnv): Promise<ExitCode> {
  const signals = listenForStop(systemClock);
  const logger = createLogs({
    level: flags.logLevel,
    format: flags.logFormat,
    serviceName: 'starling-platform',
    version: VERSION,
  }).root;
  endOnCrash((error) => logger.fatal({ event: 'platform.crashed', err: error }, 'nobody caught this; ending'));
  const dialects = await Promise.all(DIALECTS.flatMap((entry) => dialectOf(entry, flags[keyOf(entry.name)], env)));
  const { Platform } = await import('../../platform/platform.ts');
  const profiling = profilingOf(flags, { env, labels: flags.metricLabel });
  const platform = new Platform({
    dataDir: flags.dataDir,
    native: flags.native,
    dialects,
    allowedHosts: flags.allowedHost,
    clock: systemClock,
    random: systemRandom,
    logger,
    version: VERSION,
    wishTtlMs: flags.wishTtl,
    payloadMaxBytes: flags.payloadMax,
    metricLabels: flags.metricLabel,
    profiling,
    backend: { memoryLimit: flags.memoryLimit },
    engine: {
      ...scalingRulesOf(flags),
      lazyAboveWish: flags.beyondWish,
      tickMs: flags.tick,
      scaleDownAfterIdleMs: flags.idleBeforeScaleDown,
    },
  });
  const listeners = await platform.start();
  const urls = Object.fromEntries(listeners.map(({ name, url }) => [name, url]));
  const functions = platform.registry.functions().length;
  const memoryLimit = platform.memoryLimit;
  if (isShownToPeople(flags.logFormat))
    process.stdout.write(
      screen({ urls, functions, memoryLimit, isProfiled: profiling !== undefined, dataDir: flags.dataDir }),
    );
  else logger.info({ event: 'platform.started', urls, functions, memoryLimit }, 'running');

  await signals.asked;
  logger.info({ event: 'platform.stopping', graceMs: flags.grace }, 'letting calls end');
  await stopOrExit(platform.stop({ graceMs: flags.grace }), {
    clock: systemClock,
    afterMs: flags.grace + END_AFTER_GRACE_MS,
    complaint: 'the platform did not stop in time',
  });
  return EXIT.ok;
}

function dialectOf(entry: DialectEntry, flag: unknown, env: NodeJS.ProcessEnv): Promise<Dialect>[] {
  const { name } = entry;
  if (flag === false) return [];
  const address = (flag ?? { host: '127.0.0.1', port: dialectPort(entry, env) }) as ListenAddress;
  return [entry.load(env).then((open) => ({ name, address, open }))];
}

/** As commander names the value of `--faas-server`. */
function keyOf(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function isShownToPeople(format: PlatformFlags['logFormat']): boolean {
  return format === 'pretty' || (format === 'auto' && process.stdout.isTTY === true);
}

function screen(facts: {
  urls: Readonly<Record<string, string>>;
  functions: number;
  memoryLimit: string;
  isProfiled: boolean;
  dataDir: string;
}): string {
  const { native, ...others } = facts.urls;
  const lines = [
    `Starling platform ${VERSION}`,
    '',
    ...(native
      ? [
          `  API            ${native}/v1/functions`,
          `  control plane  ${native}/v1/scaling-targets`,
          `  metrics        ${native}/metrics`,
          ...(facts.isProfiled ? [`  profiles       ${native}/debug/pprof/`] : []),
        ]
      : []),
    ...Object.entries(others).map(([name, url]) => `  ${name.padEnd(14)} ${url}`),
    '',
    `  ${facts.functions} functions in ${printableLine(facts.dataDir)}; memory limited by ${facts.memoryLimit}`,
    ...(native
      ? [
          '',
          'Try:',
          `  curl -s ${native}/v1/functions -d '{"name":"hello","runtime":"node","code":"exports.handler = async (e) => ({ hello: e.name })"}'`,
          `  curl -s ${native}/v1/functions/hello/invoke -d '{"name":"you"}'`,
        ]
      : []),
    '',
    'Ctrl-C stops it.',
    '',
  ];
  return lines.join('\n');
}

/** Undefined is a flag that was not given; `off` is what `--no-…` leaves. */
function listenOrNot(text: string): ListenAddress | false {
  return readAs(listenKind)(text) ?? false;
}

function collectHost(text: string, before: readonly string[]): string[] {
  if (!/^[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?$/i.test(text))
    throw new InvalidArgumentError('It must be a name without a port.');
  return [...before, text.toLowerCase()];
}

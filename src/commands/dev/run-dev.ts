import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import pino from 'pino';
import { systemClock } from '../../adapters/system/clock.ts';
import type { ConfigInput, LoadedConfig } from '../../config/load-config.ts';
import { errorText } from '../../lib/error-text.ts';
import { createLogs, type Logger } from '../../telemetry/logger.ts';
import { EXIT, type ExitCode } from '../../wiring/exit-codes.ts';
import { AdminClient } from '../../wiring/fleet/admin-client.ts';
import { endOnCrash, listenForStop } from '../../wiring/process-life.ts';
import { VERSION } from '../../wiring/version.ts';
import { type DataFolder, prepareDataFolder } from './data-folder.ts';
import { runDemo } from './demo/run-demo.ts';
import { DevSettings } from './dev-settings.ts';
import { LiveArea } from './live-area.ts';
import { Parts, placesOf } from './parts.ts';
import { type PortPlan, portPlan, refuseTakenPorts } from './port-plan.ts';
import { PartFault } from './replicas.ts';

/** After this the process ends, also when a part hangs: more than all parts take when each uses up its time. */
const STOP_WITHIN_MS = 1_900;

/** What the user can type to run it again: through npx, or in a checkout, where there is no other way. */
const COMMAND =
  import.meta.url.endsWith('.ts') || process.env['npm_command'] !== undefined ? 'npx starling' : 'starling';

export interface DevOptions {
  readonly port: number;
  readonly dataDir: string;
  readonly replicas: number;
  readonly isDemo: boolean;
  readonly demoPace: 'normal' | 'quick';
}

/** Starts the parts in order, shows one screen, and runs until SIGTERM or SIGINT. Rejects with a start-up fault. */
export async function runDev(given: ConfigInput, options: DevOptions): Promise<ExitCode> {
  // The replicas and the platform's instances end with this process, however it ends.
  const signals = listenForStop(systemClock);
  const settings = new DevSettings(given);
  const folder = prepareDataFolder(options.dataDir);
  const ports = portPlan(options.port);
  const planned = settings.load(placesOf(folder, ports));
  refuseContradictions(settings, planned, options);
  await refuseTakenPorts(portsOf(settings, ports));
  const logger = openLogger(folder);
  endOnCrash((error) => {
    logger.fatal({ event: 'dev.crashed', err: error }, 'nobody caught this; ending');
    process.stderr.write(`starling: ${errorText(error)}; see ${folder.path}/log\n`);
  });

  const area = new LiveArea(process.stdout);
  const stopping = new AbortController();
  const parts = new Parts({ settings, planned, ...options, folder, ports, logger, area, command: COMMAND });
  let fault: unknown;
  const failed = Promise.withResolvers<void>();
  const running = parts.start(stopping.signal).then(async ({ consoleUrl, platformUrl, loaded }) => {
    if (!options.isDemo || platformUrl === undefined) return;
    await runDemo({
      platformUrl,
      admin: new AdminClient({ url: consoleUrl, token: tokenOf(loaded), signal: stopping.signal }),
      pace: options.demoPace,
      area,
      clock: systemClock,
      signal: stopping.signal,
      explain: (versionId) =>
        [COMMAND, 'explain', versionId, '--config', shortest(folder.settingsFile), ...settings.storeArgs].join(' '),
      pageOf: (versionId) => `${consoleUrl}/#/functions/${encodeURIComponent(versionId)}`,
    });
  });
  running.catch((error: unknown) => {
    if (stopping.signal.aborted) return;
    fault = error;
    failed.resolve();
  });
  await Promise.race([signals.asked, failed.promise, parts.replicas.allGone]);

  area.clear();
  if (signals.isAsked()) area.say('Stopping …');
  stopping.abort();
  // A part that hangs ends with the process.
  const cancelExit = systemClock.after(STOP_WITHIN_MS, () => process.exit(fault === undefined ? EXIT.ok : EXIT.failed));
  await parts.stop();
  cancelExit();
  if (fault !== undefined) throw fault;
  if (!signals.isAsked()) return EXIT.failed;
  area.say(`Stopped. The data is in ${folder.path}`);
  return EXIT.ok;
}

function portsOf({ embedded }: DevSettings, ports: PortPlan): { what: string; port: number }[] {
  return [
    { what: 'the console', port: ports.console },
    ...(embedded.platform ? [{ what: 'the platform', port: ports.platform }] : []),
    ...(embedded.metricsStore ? [{ what: 'the metrics store', port: ports.metricsStore }] : []),
  ];
}

/** The one that the replicas ask for, where one was configured. */
function tokenOf({ config }: LoadedConfig): string | undefined {
  const { file, inline } = config.http.adminToken;
  return file === undefined ? inline?.reveal() : readFileSync(file, 'utf8').trim();
}

/** As it is typed in this folder. */
function shortest(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.length < path.length ? fromHere : path;
}

/** Refuses options that contradict each other. */
function refuseContradictions(
  { embedded }: DevSettings,
  planned: LoadedConfig,
  { isDemo, replicas }: DevOptions,
): void {
  if (isDemo && !embedded.platform) {
    throw new PartFault('--demo drives the platform that dev starts itself; leave out --control-plane');
  }
  if (replicas > 1 && planned.config.storeTarget.kind === 'memory') {
    throw new PartFault('a store in memory belongs to one process: leave out --store, or ask for one replica');
  }
}

/** The terminal belongs to the screen; what the parts say goes into a file. */
function openLogger(folder: DataFolder): Logger {
  const { descriptor } = folder.openLog('dev');
  return createLogs({
    level: 'info',
    format: 'json',
    serviceName: 'starling-dev',
    version: VERSION,
    destination: pino.destination({ fd: descriptor, sync: true }),
  }).root;
}

import type { Logger } from 'pino';
import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import { Platform } from '../../platform/platform.ts';
import { DIALECTS, dialectPort } from '../../wiring/platform-dialects.ts';
import { VERSION } from '../../wiring/version.ts';
import { HOST, isFree } from './port-plan.ts';

/** Counts follow within a second, so that what was decided is seen at once. */
const TICK_MS = 500;
const IDLE_BEFORE_SCALE_DOWN_MS = 1_000;

export interface EmbeddedPlatform {
  readonly url: string;
  readonly functions: number;
  /** `url` is undefined where the port was taken and the dialect left out. */
  readonly dialects: readonly { readonly name: string; readonly url: string | undefined; readonly port: number }[];
  stop(options: { graceMs: number }): Promise<void>;
}

/** Rejects with a RegistryFileError or a ListenError. */
export async function startPlatform(options: {
  dataDir: string;
  port: number;
  /** False: free ports for them too. */
  areDialectPortsFixed: boolean;
  /** Host headers that its ports answer to besides. */
  allowedHosts: readonly string[];
  env: NodeJS.ProcessEnv;
  clock: Clock;
  random: Random;
  logger: Logger;
}): Promise<EmbeddedPlatform> {
  const { dataDir, port, areDialectPortsFixed, allowedHosts, env, clock, random, logger } = options;
  const wanted = await Promise.all(
    DIALECTS.map(async (entry) => {
      const dialect = areDialectPortsFixed ? dialectPort(entry, env) : 0;
      return { entry, port: dialect, open: (await isFree(dialect)) ? await entry.load(env) : undefined };
    }),
  );
  const platform = new Platform({
    dataDir,
    native: { host: HOST, port },
    // A newcomer who has something else on one of these ports still gets all the rest.
    dialects: wanted.flatMap(({ entry: { name }, port: dialect, open }) =>
      open ? [{ name, address: { host: HOST, port: dialect }, open }] : [],
    ),
    allowedHosts: allowedHosts.map(nameOf),
    clock,
    random,
    logger,
    version: VERSION,
    // `hold`, as `starling platform` has it: what the autoscaler wants is what is seen.
    engine: { tickMs: TICK_MS, scaleDownAfterIdleMs: IDLE_BEFORE_SCALE_DOWN_MS, lazyAboveWish: 'hold' },
  });
  const listeners = await platform.start();
  const urlOf = (name: string) => listeners.find((listener) => listener.name === name)?.url;
  return {
    url: urlOf('native') ?? '',
    functions: platform.registry.functions('native').length,
    dialects: wanted.map(({ entry: { name }, port: dialect }) => ({ name, port: dialect, url: urlOf(name) })),
    stop: (stopping) => platform.stop(stopping),
  };
}

/** In the configuration a name may stand with the port that a proxy shows; the platform looks at names alone. */
function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, '');
}

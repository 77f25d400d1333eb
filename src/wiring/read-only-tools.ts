import { inspectFile } from '../adapters/sqlite/inspect-file.ts';
import { systemClock } from '../adapters/system/clock.ts';
import type { Config } from '../config/config.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import { Secrets } from '../config/secrets.ts';
import { systemRandom } from '../lib/random.ts';
import type { Store } from '../ports/store.ts';
import { StoreError } from '../ports/store-error.ts';
import { createLogs } from '../telemetry/logger.ts';
import { silentMeters } from '../telemetry/meters.ts';
import type { ConnectionTools } from './connection-tools.ts';
import { openStore } from './open-store.ts';

/**
 * Gives a command that only reads what it needs, and closes it in any case. Logs go to standard error, and only errors.
 * Ctrl-C aborts the signal; a second one ends the process at once.
 */
export async function withTools<T>(
  loaded: LoadedConfig,
  work: (tools: ConnectionTools, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const logger = createLogs({ level: 'error', to: 'stderr', format: loaded.config.telemetry.logFormat }).root;
  const secrets = new Secrets({ clock: systemClock });
  const interrupted = new AbortController();
  const { signal } = interrupted;
  const { promise: interruption, reject } = Promise.withResolvers<never>();
  const onSignal = () => {
    interrupted.abort();
    reject(signal.reason);
  };
  process.once('SIGINT', onSignal);
  const working = work({ secrets, clock: systemClock, random: systemRandom, meters: silentMeters, logger }, signal);
  try {
    return await Promise.race([working, interruption]);
  } finally {
    process.off('SIGINT', onSignal);
    // What was left behind may still fail; that is of no interest now.
    working.catch(() => {});
    secrets.close();
  }
}

const NAME_ANOTHER =
  '--store or --config names the one of the replicas (starling dev: --config starling-data/dev.yaml)';

/** As `withStore`, for commands that write nothing: opening an SQLite file would make it and its tables. */
export async function withExistingStore<T>(
  config: Config,
  tools: ConnectionTools,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const { storeTarget: target } = config;
  if (target.kind === 'memory') {
    throw new StoreError('unavailable', `memory: is seen by its own process alone; ${NAME_ANOTHER}`);
  }
  if (target.kind === 'sqlite') {
    const kind = await inspectFile(target.path).catch((error: Error) => {
      throw new StoreError('auth', `SQLite file ${target.path}: ${error.message}`, { cause: error });
    });
    if (kind === 'foreign') throw new StoreError('schema', `${target.path} is the SQLite file of another program`);
    if (kind !== 'usable') {
      const found = kind === 'absent' ? `there is no file ${target.path}` : `${target.path} is empty`;
      throw new StoreError('unavailable', `${found}, so no replica has run on it; ${NAME_ANOTHER}`);
    }
  }
  return withStore(config, tools, work);
}

/** Opens the store for `work` and closes it in any case. */
export async function withStore<T>(
  config: Config,
  tools: ConnectionTools,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const store = await openStore(config, tools);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

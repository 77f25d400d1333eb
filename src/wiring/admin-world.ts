import type { Logger } from 'pino';
import type { Live } from '../config/live-files.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import type { Secret } from '../config/secret.ts';
import type { AdminWorld } from '../http/admin/admin-world.ts';
import type { ConsoleState } from '../http/console.ts';
import type { DependencyHealth } from '../http/health.ts';
import type { Clock } from '../lib/clock.ts';
import { TokenBucket } from '../lib/token-bucket.ts';
import type { Autoscaler } from '../loops/autoscaler.ts';
import type { Tracked } from '../loops/scale/tracked.ts';
import type { Store } from '../ports/store.ts';
import type { TargetSource } from '../ports/target-source.ts';
import { VERSION } from './version.ts';

/** Callers are remembered for their rate up to this many; then the record starts anew. */
const CALLERS_MAX = 1_000;

export function adminWorld(parts: {
  loaded: LoadedConfig;
  memberId: string;
  startedMs: number;
  store: Store;
  autoscaler: Autoscaler;
  targets: TargetSource;
  token: Live<Secret> | undefined;
  clock: Clock;
  logger: Logger;
  dependencies: () => readonly DependencyHealth[];
  stopping: AbortSignal;
  console: () => ConsoleState;
}): AdminWorld {
  const { loaded, memberId, startedMs, store, autoscaler, targets, token, clock, logger } = parts;
  const { http } = loaded.config;
  const summaryOf = ({ version, state, latest }: Tracked) => ({
    version,
    state,
    latest,
    utilisation: autoscaler.observer.latestUtilisation(version.versionId),
    demand: autoscaler.observer.latestDemand(version.versionId),
    target: targets.get(version.versionId),
  });
  const hosts = ['localhost', '127.0.0.1', '[::1]', http.admin?.host ?? '', ...http.allowedHosts];
  return {
    memberId,
    version: VERSION,
    startedMs,
    nowMs: () => clock.wallMs(),
    after: (delayMs, callback) => clock.after(delayMs, callback),
    stopping: parts.stopping,
    store,
    members: () => autoscaler.membership.members(),
    ownerOf: (bucket) => autoscaler.membership.ownerOf(bucket),
    bucketOf: async (versionId) => autoscaler.placeById(versionId),
    servedAgeMs: (bucket) => autoscaler.recorder.servedAgeMs(bucket),
    loops: () => autoscaler.loops(),
    poke: (loop) => autoscaler.poke(loop),
    dependencies: parts.dependencies,
    freeze: () => {
      const { isFrozen, isReleased, memory } = autoscaler.freeze.judgement;
      return { isFrozen, isReleased, sinceMs: memory.frozenSinceMs, cause: memory.cause };
    },
    summaryOf: (versionId) => {
      const tracked = autoscaler.fleet.get(versionId);
      return tracked && summaryOf(tracked);
    },
    tracked: () => autoscaler.fleet.all(),
    defaultPolicy: loaded.config.defaultPolicy,
    live: (versionId) => {
      const tracked = autoscaler.fleet.get(versionId);
      if (!tracked) return undefined;
      const samples = autoscaler.observer.samplesOf(versionId, clock.wallMs());
      return { ...tracked, ...samples, target: targets.get(versionId) };
    },
    console: parts.console,
    configuration: () => ({ hash: loaded.hash, options: loaded.effective }),
    token: () => token?.current().reveal(),
    allowedHosts: hosts.filter((host) => host !== '').map((host) => host.toLowerCase()),
    bodyMaxBytes: http.bodyMaxBytes,
    mayChange: changesByCaller(clock, http.ratePerSecond),
    audit: ({ what, by, why, versionId }) =>
      logger.info(
        { event: 'admin.changed', what, by, why, ...(versionId && { function_version_id: versionId }) },
        `${what} by ${by}`,
      ),
  };
}

function changesByCaller(clock: Clock, ratePerSecond: number): (caller: string) => boolean {
  const buckets = new Map<string, TokenBucket>();
  return (caller) => {
    if (buckets.size >= CALLERS_MAX) buckets.clear();
    const bucket = buckets.get(caller) ?? new TokenBucket({ clock, ratePerSecond, burst: Math.max(1, ratePerSecond) });
    buckets.set(caller, bucket);
    return bucket.tryTake();
  };
}

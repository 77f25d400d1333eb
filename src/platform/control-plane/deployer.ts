import type { Logger } from 'pino';
import type { CallMeter } from '../metrics/call-meter.ts';
import { PlatformError } from '../model/platform-error.ts';
import type { Pools } from '../model/pool-snapshot.ts';
import type { RegisteredVersion } from '../registry/registered-version.ts';
import type { Registry, RegistryChange } from '../registry/registry.ts';
import type { StartWatch } from './start-watch.ts';

export interface DeployerOptions {
  readonly registry: Registry;
  readonly pools: Pools;
  readonly meter: CallMeter;
  readonly starts: StartWatch;
  readonly logger: Logger;
}

/**
 * Makes the pools follow the registry, and takes versions from DEPLOYING to ACTIVE or ERRORED: they are active when an instance
 * of them has started.
 */
export class Deployer {
  readonly #options: DeployerOptions;
  readonly #stopping = new AbortController();
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: DeployerOptions) {
    this.#options = options;
    options.registry.onChange((change) => this.#follow(change));
  }

  /** What a stop or a crash cut short. */
  resume(): void {
    for (const version of [...this.#options.registry.versions()])
      if (version.status === 'DEPLOYING') this.deploy(version, 1);
  }

  /** In the background. */
  deploy({ versionId }: RegisteredVersion, count: number): void {
    const { signal } = this.#stopping;
    const work = this.#options.pools
      .warm(versionId, { count, source: 'prewarm', signal })
      .then(
        (warm) => this.#settle(versionId, warm > 0 ? undefined : new Error('no instance of it started')),
        (error: unknown) => this.#settle(versionId, error),
      )
      .finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
  }

  /** Starts an instance for a call that comes soon, where none is free. If it does not start, the call finds out why. */
  haveOneReady(versionId: string): void {
    const { registry, pools } = this.#options;
    const version = registry.version(versionId);
    // Where calls have instances of their own, nothing would use it.
    if (version?.status !== 'ACTIVE' || version.pool.reuse !== 'warm') return;
    const isReady = pools.of(versionId)?.instances.some(({ state }) => state !== 'busy' && state !== 'terminating');
    if (!isReady) pools.warm(versionId, { count: 1, source: 'prewarm' }).catch(() => {});
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new PlatformError('stopping', 'the platform is stopping'));
    await Promise.all(this.#underWay);
  }

  #follow(change: RegistryChange): void {
    const { pools, meter, starts } = this.#options;
    switch (change.kind) {
      case 'version-changed': {
        const { versionId, status } = change.version;
        if (status === 'INACTIVE') {
          pools.wish(versionId, undefined);
          pools.retire(versionId);
        } else if (status !== 'ERRORED') pools.refresh(versionId);
        break;
      }
      case 'version-removed': {
        const { versionId } = change.version;
        pools.wish(versionId, undefined);
        pools.retire(versionId);
        meter.forget(versionId);
        starts.forget(versionId);
        break;
      }
      case 'function-changed':
      case 'function-removed':
        break;
      default:
        change satisfies never;
    }
  }

  #settle(versionId: string, error: unknown): void {
    const { registry, logger } = this.#options;
    // Cut short by a stop, or decided otherwise meanwhile: that stands.
    if (this.#stopping.signal.aborted || registry.version(versionId)?.status !== 'DEPLOYING') return;
    if (error === undefined) {
      registry.updateVersion(versionId, { status: 'ACTIVE', statusDetail: '' });
      return;
    }
    const statusDetail = error instanceof PlatformError ? error.message : 'it did not start; see the log';
    registry.updateVersion(versionId, { status: 'ERRORED', statusDetail });
    logger.warn({ event: 'deploy.failed', version: versionId, err: error }, 'a version does not start');
  }
}

import type { Logger } from 'pino';
import { PlatformError } from '../model/platform-error.ts';
import type { Pools } from '../model/pool-snapshot.ts';
import type { RegisteredVersion } from '../registry/registered-version.ts';
import type { Registry } from '../registry/registry.ts';

/** Takes versions from DEPLOYING to ACTIVE or ERRORED: they are, when an instance of them has started. */
export class Deployer {
  readonly #registry: Registry;
  readonly #pools: Pools;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  readonly #underWay = new Set<Promise<void>>();

  constructor({ registry, pools, logger }: { registry: Registry; pools: Pools; logger: Logger }) {
    this.#registry = registry;
    this.#pools = pools;
    this.#logger = logger;
  }

  /** What a stop or a crash cut short. */
  resume(): void {
    for (const version of [...this.#registry.versions()]) if (version.status === 'DEPLOYING') this.deploy(version, 1);
  }

  /** In the background. */
  deploy({ versionId }: RegisteredVersion, count: number): void {
    const { signal } = this.#stopping;
    const work = this.#pools
      .warm(versionId, { count, source: 'prewarm', signal })
      .then(
        (warm) => this.#settle(versionId, warm > 0 ? undefined : new Error('no instance of it started')),
        (error: unknown) => this.#settle(versionId, error),
      )
      .finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new PlatformError('stopping', 'the platform is stopping'));
    await Promise.all(this.#underWay);
  }

  #settle(versionId: string, error: unknown): void {
    // Cut short by a stop, or decided otherwise meanwhile: that stands.
    if (this.#stopping.signal.aborted || this.#registry.version(versionId)?.status !== 'DEPLOYING') return;
    if (error === undefined) {
      this.#registry.updateVersion(versionId, { status: 'ACTIVE', statusDetail: '' });
      return;
    }
    const statusDetail = error instanceof PlatformError ? error.message : 'it did not start; see the log';
    this.#registry.updateVersion(versionId, { status: 'ERRORED', statusDetail });
    this.#logger.warn({ event: 'deploy.failed', version: versionId, err: error }, 'a version does not start');
  }
}

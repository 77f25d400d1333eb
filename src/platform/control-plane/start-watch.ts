import type { VersionRecord } from '../model/function-record.ts';
import { PlatformError } from '../model/platform-error.ts';
import type { InstanceBackend, RunningInstance } from '../runtime/instance-backend.ts';

/** So many starts in a row must fail before a version counts as errored: one may have met a full machine. */
const FAILURES_TO_ERRORED = 3;

/** Stands in front of the back end and remembers how starts ended: code that never starts is not worth scaling. */
export class StartWatch implements InstanceBackend {
  readonly #inner: InstanceBackend;
  readonly #failures = new Map<string, { deployId: string; count: number; message: string }>();
  #live = 0;

  constructor(inner: InstanceBackend) {
    this.#inner = inner;
  }

  get memoryLimit(): 'cgroup' | 'watchdog' {
    return this.#inner.memoryLimit;
  }

  /** Processes that were started and not reaped. */
  get live(): number {
    return this.#live;
  }

  async start(version: VersionRecord, options: Parameters<InstanceBackend['start']>[1]): Promise<RunningInstance> {
    try {
      const instance = await this.#inner.start(version, options);
      this.#failures.delete(version.versionId);
      this.#live += 1;
      instance.exited.finally(() => {
        this.#live -= 1;
      });
      return instance;
    } catch (error) {
      if (!options.signal?.aborted) this.#note(version, error);
      throw error;
    }
  }

  /** Why the last starts of a version failed; undefined while that does not make it errored. */
  failureOf(versionId: string): string | undefined {
    const failure = this.#failures.get(versionId);
    return failure && failure.count >= FAILURES_TO_ERRORED ? failure.message : undefined;
  }

  /** The version is gone, or was given other settings. */
  forget(versionId: string): void {
    this.#failures.delete(versionId);
  }

  #note({ versionId, deployId }: VersionRecord, error: unknown): void {
    const before = this.#failures.get(versionId);
    const count = before?.deployId === deployId ? before.count + 1 : 1;
    const message = error instanceof PlatformError ? error.message : 'it does not start; see the log';
    this.#failures.set(versionId, { deployId, count, message });
  }
}

import type { Logger } from 'pino';
import type { DependencyHealth } from '../http/health.ts';
import { type Clock, sleep } from '../lib/clock.ts';
import { errorText } from '../lib/error-text.ts';
import type { Meters } from '../telemetry/meters.ts';

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;

export interface DependencyOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly meters: Meters;
  /** Aborted when the service stops. */
  readonly stopping: AbortSignal;
}

/** Something this service stands on, and what it last did. Logs when that changes, not every time it is asked. */
export class Dependency {
  readonly #name: string;
  readonly #options: DependencyOptions;
  #state: DependencyHealth['state'] = 'awaited';
  #detail = 'not asked so far';
  #hasAnswered = false;

  constructor(name: string, options: DependencyOptions) {
    this.#name = name;
    this.#options = options;
  }

  get health(): DependencyHealth {
    return { name: this.#name, state: this.#state, detail: this.#detail, hasAnswered: this.#hasAnswered };
  }

  answered(detail: string): void {
    this.#tell('up', detail);
    this.#hasAnswered = true;
  }

  failed(error: unknown): void {
    this.#tell(this.#hasAnswered ? 'down' : 'awaited', errorText(error));
  }

  /** Takes the answer to a check while the service runs. */
  async note(answer: Promise<string>): Promise<void> {
    try {
      this.answered(await answer);
    } catch (error) {
      if (!this.#options.stopping.aborted) this.failed(error);
    }
  }

  /** Asks again and again, more and more slowly, until there is an answer or a fault that waiting will not mend. */
  async await<T>(
    ask: () => Promise<T>,
    { isFatal, describe }: { isFatal: (error: unknown) => boolean; describe: (answer: T) => string },
  ): Promise<T> {
    const { clock, stopping } = this.#options;
    for (let attempt = 0; ; attempt += 1) {
      stopping.throwIfAborted();
      try {
        const answer = await orAborted(ask(), stopping);
        this.answered(describe(answer));
        return answer;
      } catch (error) {
        stopping.throwIfAborted();
        if (isFatal(error)) throw error;
        this.failed(error);
      }
      await sleep(clock, Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt), stopping);
    }
  }

  #tell(state: DependencyHealth['state'], detail: string): void {
    const isNews = state !== this.#state || (state !== 'up' && detail !== this.#detail);
    this.#state = state;
    this.#detail = detail;
    const { logger, meters } = this.#options;
    const dependency = this.#name;
    meters.set('starling_dependency_up', state === 'up' ? 1 : 0, { dependency });
    if (!isNews) return;
    if (state === 'up') logger.info({ event: 'dependency.up', dependency, detail }, `${dependency} answers`);
    else {
      const next = state === 'awaited' ? 'waiting for it' : 'nothing changes until it is back';
      logger.warn({ event: 'dependency.down', dependency, detail }, `${dependency}: ${detail}; ${next}`);
    }
  }
}

/** Stops waiting as soon as the signal aborts; what was asked for is left behind, for the process is about to end. */
function orAborted<T>(asked: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    asked.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

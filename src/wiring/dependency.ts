import type { Logger } from 'pino';
import type { DependencyHealth } from '../http/health.ts';
import { type Clock, sleep } from '../lib/clock.ts';
import type { Meters } from '../telemetry/meters.ts';

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;

/** Something this service stands on, and what it last did. Logs when that changes, not every time it is asked. */
export class Dependency {
  readonly #name: string;
  readonly #logger: Logger;
  readonly #meters: Meters;
  #state: DependencyHealth['state'] = 'awaited';
  #detail = 'not asked so far';
  #hasAnswered = false;

  constructor(options: { name: string; logger: Logger; meters: Meters }) {
    this.#name = options.name;
    this.#logger = options.logger;
    this.#meters = options.meters;
  }

  get health(): DependencyHealth {
    return { name: this.#name, state: this.#state, detail: this.#detail, hasAnswered: this.#hasAnswered };
  }

  answered(detail: string): void {
    this.#tell('up', detail);
    this.#hasAnswered = true;
  }

  failed(error: unknown): void {
    this.#tell(this.#hasAnswered ? 'down' : 'awaited', error instanceof Error ? error.message : String(error));
  }

  /** Asks again and again, more and more slowly, until there is an answer or a fault that waiting will not mend. */
  async await<T>(
    ask: () => Promise<T>,
    options: {
      clock: Clock;
      signal: AbortSignal;
      isFatal: (error: unknown) => boolean;
      describe: (answer: T) => string;
    },
  ): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      options.signal.throwIfAborted();
      try {
        const answer = await orAborted(ask(), options.signal);
        this.answered(options.describe(answer));
        return answer;
      } catch (error) {
        options.signal.throwIfAborted();
        if (options.isFatal(error)) throw error;
        this.failed(error);
      }
      await sleep(options.clock, Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt), options.signal);
    }
  }

  #tell(state: DependencyHealth['state'], detail: string): void {
    const isNews = state !== this.#state || (state !== 'up' && detail !== this.#detail);
    this.#state = state;
    this.#detail = detail;
    this.#meters.set('starling_dependency_up', state === 'up' ? 1 : 0, { dependency: this.#name });
    if (!isNews) return;
    if (state === 'up')
      this.#logger.info({ event: 'dependency.up', dependency: this.#name, detail }, `${this.#name} answers`);
    else {
      const next = state === 'awaited' ? 'waiting for it' : 'nothing changes until it is back';
      this.#logger.warn(
        { event: 'dependency.down', dependency: this.#name, detail },
        `${this.#name}: ${detail}; ${next}`,
      );
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

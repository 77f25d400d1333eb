/** Somebody who waits for a turn: settled exactly once, with what was waited for or with the reason why it does not come. */
export class Turn<Given> {
  readonly promise: Promise<Given>;
  readonly #resolve: (given: Given) => void;
  readonly #reject: (reason: unknown) => void;
  #unwatch: () => void = () => {};

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<Given>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Whoever gives up waiting is refused with the signal's reason, if `leave` says that it was still waiting. */
  watch(signal: AbortSignal | undefined, leave: () => boolean): void {
    if (!signal) return;
    const onAbort = () => {
      if (leave()) this.refuse(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#unwatch = () => signal.removeEventListener('abort', onAbort);
  }

  serve(given: Given): void {
    this.#unwatch();
    this.#resolve(given);
  }

  refuse(reason: unknown): void {
    this.#unwatch();
    this.#reject(reason);
  }
}

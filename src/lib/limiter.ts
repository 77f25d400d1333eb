/** At most `limit` tasks at a time, first come, first served. */
export class Limiter {
  #running = 0;
  readonly #limit: number;
  readonly #waiting: Array<() => void> = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      // The slot is handed on rather than freed and taken again, so nobody can slip in between.
      if (next) next();
      else this.#running -= 1;
    }
  }
}

/** Runs `work` over all items, at most `limit` at a time; rejects with the first error after all have ended. */
export async function forEachLimited<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const limiter = new Limiter(limit);
  const ends = await Promise.allSettled([...items].map((item) => limiter.run(() => work(item))));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

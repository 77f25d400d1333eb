import type { RunningPlatform } from './running-platform.ts';

/** So many calls of one function under way at any time, each as long as the test says. */
export class Load {
  readonly statuses = new Map<number, number>();
  readonly #platform: RunningPlatform;
  readonly #name: string;
  readonly #callMs: number;
  #callers: Promise<void>[] = [];
  #wanted = 0;

  constructor(platform: RunningPlatform, name: string, { callMs }: { callMs: number }) {
    this.#platform = platform;
    this.#name = name;
    this.#callMs = callMs;
  }

  set(callers: number): void {
    const before = this.#wanted;
    this.#wanted = callers;
    for (let index = before; index < callers; index += 1) this.#callers.push(this.#call(index));
  }

  async stop(): Promise<void> {
    this.#wanted = 0;
    await Promise.all(this.#callers);
    this.#callers = [];
  }

  get calls(): number {
    return [...this.statuses.values()].reduce((sum, count) => sum + count, 0);
  }

  async #call(index: number): Promise<void> {
    while (index < this.#wanted) {
      const response = await this.#platform.invoke(this.#name, { ms: this.#callMs }).catch(() => undefined);
      await response?.arrayBuffer();
      const status = response?.status ?? 0;
      this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
      // A caller that is refused waits, so that it is not refused a thousand times.
      if (status !== 200) await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

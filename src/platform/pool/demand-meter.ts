/** Demand over time: how many calls run or wait, times how long. */
export class DemandMeter {
  #level = 0;
  #totalMs = 0;
  #countedUntilMs = 0;

  change(by: number, nowMs: number): void {
    this.#totalMs += this.#level * (nowMs - this.#countedUntilMs);
    this.#countedUntilMs = nowMs;
    this.#level += by;
  }

  totalMs(nowMs: number): number {
    return this.#totalMs + this.#level * (nowMs - this.#countedUntilMs);
  }
}

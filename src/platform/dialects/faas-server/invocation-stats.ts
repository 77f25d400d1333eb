/** What `/fn/stats` shows: calls by hand and steps of chains, failed ones too; not what bursts and fan-outs are made of. */
export class InvocationStats {
  readonly #sums: ReadonlyMap<string, { invocations: number; latencyMs: number }>;

  constructor(names: Iterable<string>) {
    this.#sums = new Map(Array.from(names, (name) => [name, { invocations: 0, latencyMs: 0 }]));
  }

  add(name: string, latencyMs: number): void {
    const sum = this.#sums.get(name);
    if (!sum) return;
    sum.invocations += 1;
    sum.latencyMs += latencyMs;
  }

  show(): Record<string, { invocations: number; avg_latency_ms: number }> {
    const shown = Array.from(this.#sums, ([name, { invocations, latencyMs }]) => {
      const mean = invocations === 0 ? 0 : Math.round((latencyMs / invocations) * 100) / 100;
      return [name, { invocations, avg_latency_ms: mean }] as const;
    });
    return Object.fromEntries(shown);
  }
}

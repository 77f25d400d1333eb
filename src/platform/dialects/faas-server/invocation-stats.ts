interface Tally {
  invocations: number;
  latencyMs: number;
}

/** What `/fn/stats` tells: calls by hand and steps of chains, failed ones too; not what bursts and fan-outs are made of. */
export class InvocationStats {
  readonly #tallies: ReadonlyMap<string, Tally>;

  constructor(names: Iterable<string>) {
    this.#tallies = new Map(Array.from(names, (name) => [name, { invocations: 0, latencyMs: 0 }]));
  }

  add(name: string, latencyMs: number): void {
    const tally = this.#tallies.get(name);
    if (!tally) return;
    tally.invocations += 1;
    tally.latencyMs += latencyMs;
  }

  show(): Record<string, { invocations: number; avg_latency_ms: number }> {
    const shown = Array.from(this.#tallies, ([name, { invocations, latencyMs }]) => {
      const mean = invocations === 0 ? 0 : Math.round((latencyMs / invocations) * 100) / 100;
      return [name, { invocations, avg_latency_ms: mean }] as const;
    });
    return Object.fromEntries(shown);
  }
}

/** What a dependency last did, for people and for readiness at the start. */
export interface DependencyHealth {
  readonly name: string;
  readonly state: 'awaited' | 'up' | 'down';
  readonly detail: string;
  /** Has answered at least once since the start. */
  readonly hasAnswered: boolean;
}

/** The facts that health is judged on, gathered by the wiring of the service. */
export interface HealthFacts {
  readonly isStopping: boolean;
  /** The loops have been set going. */
  readonly isStarted: boolean;
  /** Loops that have not completed an activation for too long. */
  readonly hungLoops: readonly string[];
  /** Those that must have answered once before this replica can do its work. */
  readonly awaited: readonly DependencyHealth[];
  readonly dependencies: readonly DependencyHealth[];
}

export interface HealthAnswer {
  readonly status: 200 | 503;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Never looks at a dependency: a restart mends a hung loop, not the outage of another system. */
export function liveness(facts: HealthFacts): HealthAnswer {
  if (facts.hungLoops.length === 0) return { status: 200, body: { status: 'alive' } };
  return { status: 503, body: { status: 'hung', loops: facts.hungLoops } };
}

/**
 * Ready once every dependency has answered once, and until stopping. Not later: an outage that all replicas share must
 * not make all of them unready, for they hold and wait, and their API says so.
 */
export function readiness(facts: HealthFacts): HealthAnswer {
  if (facts.isStopping) return { status: 503, body: { status: 'stopping' } };
  const awaited = facts.awaited.filter((dependency) => !dependency.hasAnswered);
  if (awaited.length === 0 && facts.isStarted) return { status: 200, body: { status: 'ready' } };
  return {
    status: 503,
    body: { status: 'waiting', awaiting: awaited.map(({ name, detail }) => ({ name, detail })) },
  };
}

/** Per component, for people. */
export function health(facts: HealthFacts): HealthAnswer {
  const isWell = facts.hungLoops.length === 0 && facts.dependencies.every((dependency) => dependency.state === 'up');
  return {
    status: 200,
    body: {
      status: facts.isStopping ? 'stopping' : isWell ? 'ok' : 'degraded',
      hungLoops: facts.hungLoops,
      components: Object.fromEntries(facts.dependencies.map(({ name, state, detail }) => [name, { state, detail }])),
    },
  };
}

/** One thing that may happen next, and what is then. */
export interface Step<State> {
  readonly what: string;
  readonly next: State;
}

export interface Exploration {
  readonly states: number;
  /** The shortest way to a state that breaks the rule; undefined when there is none. */
  readonly violation: { readonly rule: string; readonly steps: readonly string[] } | undefined;
}

/** Visits every state that can be reached, breadth first, and stops at the first that breaks a rule. */
export function explore<State>(model: {
  initial: State;
  steps: (state: State) => Iterable<Step<State>>;
  brokenRule: (state: State) => string | undefined;
}): Exploration {
  const keys = new Map<string, number>();
  const visited: Array<{ state: State; parent: number; what: string }> = [];
  const visit = (state: State, parent: number, what: string) => {
    const key = JSON.stringify(state);
    if (keys.has(key)) return;
    keys.set(key, visited.length);
    visited.push({ state, parent, what });
  };
  visit(model.initial, -1, 'start');
  for (let index = 0; index < visited.length; index += 1) {
    const { state } = visited[index] as (typeof visited)[number];
    const rule = model.brokenRule(state);
    if (rule) return { states: visited.length, violation: { rule, steps: pathTo(visited, index) } };
    for (const { what, next } of model.steps(state)) visit(next, index, what);
  }
  return { states: visited.length, violation: undefined };
}

function pathTo(visited: ReadonlyArray<{ parent: number; what: string }>, end: number): string[] {
  const steps: string[] = [];
  for (let index = end; index > 0; index = visited[index]?.parent ?? 0) steps.unshift(visited[index]?.what ?? '');
  return steps;
}

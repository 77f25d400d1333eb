import type { Step } from './explore.ts';

/**
 * The lock that this protocol does without: a row that expires, taken by insert-if-absent and freed by a delete that may be
 * late. Its clocks are perfect here (the row expires at the very moment at which its owner's time is up), and still it fails
 * when the delete does not look whose row it deletes.
 */
export interface LockModel {
  readonly members: number;
  readonly turns: number;
  readonly isDeleteConditional: boolean;
}

export interface LockState {
  /** Whose row stands: the number of the taking, or -1. */
  readonly row: number;
  readonly takings: number;
  /** Per member: the takings whose time is not up and which were not released. */
  readonly holding: readonly number[];
  readonly turnsLeft: readonly number[];
  readonly deletes: readonly number[];
}

export function initialLockState({ members, turns }: LockModel): LockState {
  const of = (value: number) => Array.from({ length: members }, () => value);
  return { row: -1, takings: 0, holding: of(-1), turnsLeft: of(turns), deletes: [] };
}

export function brokenLockRule(state: LockState): 'one holder' | undefined {
  return state.holding.filter((taking) => taking >= 0).length > 1 ? 'one holder' : undefined;
}

export function* lockSteps(model: LockModel, state: LockState): Iterable<Step<LockState>> {
  const put = (list: readonly number[], at: number, value: number) => list.map((each, i) => (i === at ? value : each));
  for (const [member, taking] of state.holding.entries()) {
    if (taking >= 0) {
      const holding = put(state.holding, member, -1);
      const row = state.row === taking ? -1 : state.row;
      yield { what: `the time of ${member} is up`, next: { ...state, holding, row } };
      yield { what: `${member} releases`, next: { ...state, holding, deletes: [...state.deletes, taking] } };
    } else if (state.row === -1 && (state.turnsLeft[member] ?? 0) > 0) {
      const turnsLeft = put(state.turnsLeft, member, (state.turnsLeft[member] ?? 0) - 1);
      const holding = put(state.holding, member, state.takings);
      yield {
        what: `${member} takes`,
        next: { ...state, row: state.takings, takings: state.takings + 1, holding, turnsLeft },
      };
    }
  }
  // A released row that was not deleted yet still expires in its time.
  if (state.row >= 0 && !state.holding.includes(state.row))
    yield { what: 'the row expires', next: { ...state, row: -1 } };
  for (const [index, taking] of state.deletes.entries()) {
    const deletes = state.deletes.filter((_, other) => other !== index);
    const isDeleted = !model.isDeleteConditional || state.row === taking;
    yield {
      what: `the delete of taking ${taking} arrives`,
      next: { ...state, deletes, row: isDeleted ? -1 : state.row },
    };
  }
}

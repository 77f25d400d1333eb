/**
 * What deciding remembers of one version between evaluations. Kept small, for there are 100,000 of them, and never a
 * record of intentions: raises and lowerings are read off the accepted wish, so one that failed leaves no trace.
 */
export interface Memory {
  /** Evaluations since memory began; counts to a few and stops. */
  readonly cycles: number;
  /** The accepted wish, as it stood at the last evaluation. */
  readonly wish: number | undefined;
  readonly raisedMs: number | undefined;
  readonly loweredMs: number | undefined;
  /** Since when wanted and actual differ. */
  readonly divergedSinceMs: number | undefined;
  /** Whether load was ever seen fresh: only what was there can be lost. */
  readonly wasSighted: boolean;
  readonly blindSinceMs: number | undefined;
  /** When load came back after a blindness that lasted. */
  readonly recoveredMs: number | undefined;
  /** The signal profile that showed demand last; where it shows none later, that is a loss and not its nature. */
  readonly demandProfile: string | undefined;
  /** Aims for the stabilisation windows: flat pairs of time and count, oldest first. */
  readonly highs: readonly number[];
  readonly lows: readonly number[];
  /** Changes of the accepted wish: flat pairs of time and difference, oldest first. */
  readonly moves: readonly number[];
}

const EMPTY: readonly number[] = [];

/** Of a version never met before: lowers nothing in its first evaluations. */
export const FRESH_MEMORY: Memory = {
  cycles: 0,
  wish: undefined,
  raisedMs: undefined,
  loweredMs: undefined,
  divergedSinceMs: undefined,
  wasSighted: false,
  blindSinceMs: undefined,
  recoveredMs: undefined,
  demandProfile: undefined,
  highs: EMPTY,
  lows: EMPTY,
  moves: EMPTY,
};

/** The same object when nothing changed, so that a fleet at rest allocates nothing. */
export function revise(memory: Memory, next: Memory): Memory {
  return memory.cycles === next.cycles &&
    memory.wish === next.wish &&
    memory.raisedMs === next.raisedMs &&
    memory.loweredMs === next.loweredMs &&
    memory.divergedSinceMs === next.divergedSinceMs &&
    memory.wasSighted === next.wasSighted &&
    memory.blindSinceMs === next.blindSinceMs &&
    memory.recoveredMs === next.recoveredMs &&
    memory.demandProfile === next.demandProfile &&
    memory.highs === next.highs &&
    memory.lows === next.lows &&
    memory.moves === next.moves
    ? memory
    : next;
}

/** The form in which the next owner finds it; letters, because it stands in every row. */
export interface MemoryDocument {
  readonly v: 1;
  readonly c: number;
  readonly w?: number;
  readonly r?: number;
  readonly l?: number;
  readonly a?: number;
  readonly s?: true;
  readonly b?: number;
  readonly u?: number;
  readonly d?: string;
  readonly h?: readonly number[];
  readonly o?: readonly number[];
  readonly m?: readonly number[];
}

export function writeMemory(memory: Memory): MemoryDocument {
  return {
    v: 1,
    c: memory.cycles,
    ...(memory.wish !== undefined && { w: memory.wish }),
    ...(memory.raisedMs !== undefined && { r: memory.raisedMs }),
    ...(memory.loweredMs !== undefined && { l: memory.loweredMs }),
    ...(memory.divergedSinceMs !== undefined && { a: memory.divergedSinceMs }),
    ...(memory.wasSighted && { s: true as const }),
    ...(memory.blindSinceMs !== undefined && { b: memory.blindSinceMs }),
    ...(memory.recoveredMs !== undefined && { u: memory.recoveredMs }),
    ...(memory.demandProfile !== undefined && { d: memory.demandProfile }),
    ...(memory.highs.length > 0 && { h: memory.highs }),
    ...(memory.lows.length > 0 && { o: memory.lows }),
    ...(memory.moves.length > 0 && { m: memory.moves }),
  };
}

/** More pairs than any window keeps: such a document is not ours. */
const PAIRS_MAX = 200;

/**
 * Reads what `writeMemory` wrote, or anything else: what is not whole and sound as a whole is fresh memory. Times ahead of
 * ours, from an owner whose clock was, count as now.
 */
export function readMemory(document: unknown, nowMs: number): Memory {
  if (typeof document !== 'object' || document === null) return FRESH_MEMORY;
  const fields = document as Record<string, unknown>;
  if (fields['v'] !== 1 || !isCount(fields['c'])) return FRESH_MEMORY;
  if (fields['w'] !== undefined && !isCount(fields['w'])) return FRESH_MEMORY;
  for (const name of ['r', 'l', 'a', 'b', 'u']) {
    if (fields[name] !== undefined && !isTime(fields[name])) return FRESH_MEMORY;
  }
  if (fields['d'] !== undefined && typeof fields['d'] !== 'string') return FRESH_MEMORY;
  const [highs, lows, moves] = [pairs(fields['h'], nowMs), pairs(fields['o'], nowMs), pairs(fields['m'], nowMs)];
  if (!highs || !lows || !moves) return FRESH_MEMORY;
  const time = (name: string) => (fields[name] === undefined ? undefined : Math.min(nowMs, fields[name] as number));
  return {
    cycles: fields['c'],
    wish: fields['w'] as number | undefined,
    raisedMs: time('r'),
    loweredMs: time('l'),
    divergedSinceMs: time('a'),
    wasSighted: fields['s'] === true,
    blindSinceMs: time('b'),
    recoveredMs: time('u'),
    demandProfile: fields['d'] as string | undefined,
    highs,
    lows,
    moves,
  };
}

function pairs(value: unknown, nowMs: number): readonly number[] | undefined {
  if (value === undefined) return EMPTY;
  if (!Array.isArray(value) || value.length % 2 !== 0 || value.length > 2 * PAIRS_MAX) return undefined;
  const read: number[] = [];
  for (let index = 0; index < value.length; index += 2) {
    const [atMs, number] = [value[index], value[index + 1]];
    if (!isTime(atMs) || !Number.isSafeInteger(number)) return undefined;
    read.push(Math.min(nowMs, atMs), number);
  }
  return read;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

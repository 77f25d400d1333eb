import { z } from 'zod';

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

/** More pairs than any window keeps: such a document is not ours. */
const PAIRS_MAX = 200;

const count = z.int().min(0).optional();
const time = z.number().min(0).optional();
const pairs = z
  .array(z.number())
  .max(2 * PAIRS_MAX)
  .refine((numbers) => numbers.length % 2 === 0)
  .refine((numbers) => numbers.every((number, at) => (at % 2 === 0 ? number >= 0 : Number.isSafeInteger(number))))
  .readonly()
  .optional();

/** The form in which the next owner finds it; letters, because it stands in every row. */
const memoryDocument = z.object({
  v: z.literal(1),
  c: count.nonoptional(),
  w: count,
  r: time,
  l: time,
  a: time,
  s: z.literal(true).optional(),
  b: time,
  u: time,
  d: z.string().optional(),
  h: pairs,
  o: pairs,
  m: pairs,
});

/** What is undefined is left out where it is written. */
export function writeMemory(memory: Memory): z.infer<typeof memoryDocument> {
  const { highs, lows, moves } = memory;
  return {
    v: 1,
    c: memory.cycles,
    w: memory.wish,
    r: memory.raisedMs,
    l: memory.loweredMs,
    a: memory.divergedSinceMs,
    s: memory.wasSighted || undefined,
    b: memory.blindSinceMs,
    u: memory.recoveredMs,
    d: memory.demandProfile,
    h: highs.length > 0 ? highs : undefined,
    o: lows.length > 0 ? lows : undefined,
    m: moves.length > 0 ? moves : undefined,
  };
}

/**
 * Reads what `writeMemory` wrote, or anything else: what is not whole and sound as a whole is fresh memory. Times ahead of
 * ours, from an owner whose clock was, count as now.
 */
export function readMemory(document: unknown, nowMs: number): Memory {
  const read = memoryDocument.safeParse(document);
  if (!read.success) return FRESH_MEMORY;
  const { c, w, r, l, a, s, b, u, d, h, o, m } = read.data;
  const past = (atMs: number | undefined) => (atMs === undefined ? undefined : Math.min(nowMs, atMs));
  const pastOf = (pairs: readonly number[] = EMPTY) =>
    pairs.length === 0 ? EMPTY : pairs.map((number, at) => (at % 2 === 0 ? Math.min(nowMs, number) : number));
  return {
    cycles: c,
    wish: w,
    raisedMs: past(r),
    loweredMs: past(l),
    divergedSinceMs: past(a),
    wasSighted: s === true,
    blindSinceMs: past(b),
    recoveredMs: past(u),
    demandProfile: d,
    highs: pastOf(h),
    lows: pastOf(o),
    moves: pastOf(m),
  };
}

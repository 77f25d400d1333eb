import type { Member, Move } from '../api/shapes.ts';

export const HUES = 8;

/** Members in a stable order with a colour each; colours come again after eight, and names and numbers tell them apart. */
export function hueOfMembers(members: readonly Member[]): ReadonlyMap<string, number> {
  const ids = members.map(({ memberId }) => memberId).sort();
  return new Map(ids.map((memberId, index) => [memberId, index % HUES]));
}

export interface TimedMove extends Move {
  readonly atMs: number;
}

const MOVES_MAX = 40;

export function addMoves(moves: readonly TimedMove[], added: readonly Move[], atMs: number): readonly TimedMove[] {
  return [...added.map((move) => ({ ...move, atMs })), ...moves].slice(0, MOVES_MAX);
}

export function applyMoves(owners: readonly (string | null)[], moves: readonly Move[]): readonly (string | null)[] {
  const next = [...owners];
  for (const { to, buckets } of moves) for (const bucket of buckets) next[bucket] = to;
  return next;
}

/** Where the arrow keys lead in a grid of `columns`; undefined for any other key. */
export function stepInGrid(
  key: string,
  at: number,
  grid: { readonly columns: number; readonly count: number },
): number | undefined {
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -grid.columns,
    ArrowDown: grid.columns,
    Home: -at,
    End: grid.count - 1 - at,
  };
  const step = steps[key];
  if (step === undefined) return undefined;
  const next = at + step;
  return next < 0 || next >= grid.count ? at : next;
}

/** An address that people may follow: http or https, or host:port as members usually give it. Anything else is only text. */
export function memberLink(address: string | null | undefined): string | undefined {
  if (!address) return undefined;
  const text = /^https?:\/\//i.test(address) ? address : `http://${address}`;
  try {
    const url = new URL(text);
    const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
    return isWeb && url.username === '' && url.password === '' && url.hostname !== '' ? url.href : undefined;
  } catch {
    return undefined;
  }
}

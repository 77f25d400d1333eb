import { printableLine } from '../../lib/printable.ts';
import type { FleetMember, FleetStatus } from '../../wiring/fleet/fleet.ts';
import { arrange, type FleetRow, fleetColumns, isAnyNamed, noRowsText, wantedOf } from '../fleet-table.ts';
import { cut, textTable } from '../text-table.ts';
import { KEYS_HELP, type TopState } from './top-state.ts';

export interface TopFacts {
  readonly url: string;
  readonly atMs: number;
  readonly status: FleetStatus;
  readonly members: readonly FleetMember[];
  readonly rows: readonly FleetRow[];
}

export type Paint = (format: 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'inverse', text: string) => string;

/** Title lines and the line of keys. */
const FRAME_LINES = 5;

export function pageOf(height: number): number {
  return Math.max(1, height - FRAME_LINES);
}

/** The whole picture: as many lines as the terminal has, none wider than it is. */
export function topView(
  facts: TopFacts,
  options: { state: TopState; width: number; height: number; nowMs: number; fault: string | undefined; paint: Paint },
): string[] {
  const { state, width, height, nowMs, fault, paint } = options;
  const found = arrange(facts.rows, state);
  const page = pageOf(height);
  const first = Math.min(state.first, Math.max(0, found.length - page));
  const shown = found.slice(first, first + page);
  const [titles = '', ...lines] = textTable(
    fleetColumns({ nowMs, isNamed: isAnyNamed(facts.rows), isNarrow: true }),
    shown,
  );
  const body = state.isHelpShown
    ? KEYS_HELP.map(([keys, what]) => `  ${keys.padEnd(24)} ${what}`)
    : shown.length === 0
      ? [cut(state.match === '' ? noRowsText('') : `${noRowsText(state.match)} Esc shows all.`, width)]
      : lines.map((line, index) => paintRow(cut(line, width), shown[index], paint));
  const heads = [
    cut(headline(facts), width),
    paintStanding(cut(standing(facts, fault, nowMs), width), facts, fault, paint),
    '',
    paint('bold', cut(state.isHelpShown ? 'KEYS' : titles, width)),
  ];
  const filling = Array.from({ length: Math.max(0, page - body.length) }, () => '');
  return [
    ...heads,
    ...body.slice(0, page),
    ...filling,
    paint('dim', cut(footline(state, { shown, first, of: found.length }), width)),
  ];
}

/** Once, for a pipe or a terminal that is not looked at: everything, nothing cut, nothing painted. */
export function topOnce(facts: TopFacts, state: Pick<TopState, 'sort' | 'match'>): string[] {
  const rows = arrange(facts.rows, state);
  return [
    headline(facts),
    standing(facts, undefined, facts.atMs),
    '',
    ...(rows.length > 0
      ? textTable(fleetColumns({ nowMs: facts.atMs, isNamed: isAnyNamed(rows) }), rows)
      : [noRowsText(state.match)]),
  ];
}

function headline({ url, members, rows }: TopFacts): string {
  const alive = members.filter(({ isAlive }) => isAlive).length;
  const wanted = rows.reduce((sum, { version }) => sum + (wantedOf(version) ?? 0), 0);
  const running = rows.reduce((sum, { version }) => sum + (version.latest?.actual ?? 0), 0);
  const many = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
  return `starling ${url}  ${many(alive, 'replica')}, ${many(rows.length, 'function version')}, ${wanted} instances wanted, ${running} running`;
}

function standing({ status, atMs }: TopFacts, fault: string | undefined, nowMs: number): string {
  if (fault !== undefined) {
    return `what you see is ${Math.round((nowMs - atMs) / 1000)} s old: ${printableLine(fault.split('\n', 1)[0] ?? '')}`;
  }
  const down = status.dependencies.filter(({ state }) => state === 'down');
  const { isFrozen, isReleased, cause } = status.freeze;
  if (isFrozen) {
    return `fleet frozen${isReleased ? ', released' : ': nothing is lowered'}${cause ? ` (${printableLine(cause)})` : ''}`;
  }
  if (down.length > 0) {
    return down.map(({ name, detail }) => `${name} is down: ${printableLine(detail)}`).join('; ');
  }
  return 'store, metrics and control plane answer';
}

function paintStanding(text: string, { status }: TopFacts, fault: string | undefined, paint: Paint): string {
  if (fault !== undefined || status.dependencies.some(({ state }) => state === 'down')) return paint('red', text);
  return status.freeze.isFrozen ? paint('yellow', text) : paint('dim', text);
}

const VERDICT_FORMATS: Readonly<Record<string, Parameters<Paint>[0]>> = {
  raise: 'green',
  abstain: 'red',
  lower: 'bold',
};

function paintRow(line: string, row: FleetRow | undefined, paint: Paint): string {
  const format = row?.control ? 'yellow' : VERDICT_FORMATS[row?.version.latest?.verdict ?? ''];
  return format ? paint(format, line) : line;
}

function footline(
  state: TopState,
  { shown, first, of }: { shown: readonly FleetRow[]; first: number; of: number },
): string {
  if (state.isTyping) return `/${state.match}▏  Enter keeps it, Esc shows all`;
  const range = of === 0 ? 'none' : `${first + 1} to ${first + shown.length} of ${of}`;
  const match = state.match === '' ? '' : `  with "${state.match}"`;
  return `${range}${match}  by ${state.sort}${state.isHeld ? '  HELD' : ''}  q leaves, / looks for, s sorts, space holds, ? helps`;
}

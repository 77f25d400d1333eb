import { formatDuration } from '../config/duration.ts';
import type { AdminClient } from '../wiring/fleet/admin-client.ts';
import {
  type FleetControl,
  type FleetFunction,
  type FleetMember,
  readControls,
  readFunctions,
  readMembers,
} from '../wiring/fleet/fleet.ts';
import { type Column, cut } from './text-table.ts';

/** A function version with its pause or override. */
export interface FleetRow {
  readonly version: FleetFunction;
  readonly control: FleetControl | undefined;
}

export const SORTS = ['name', 'wanted', 'utilisation', 'demand', 'changed'] as const;
export type Sort = (typeof SORTS)[number];

/** Beyond these a cell is cut, where the terminal is not wide. */
const ID_WIDTH = 36;
const NAME_WIDTH = 30;
/** Eight digits of it, and the sign that there are more. */
const ID_WIDTH_BESIDE_NAME = 9;

/** Of a pause and an override of one version the pause holds. */
export function fleetRows(versions: readonly FleetFunction[], controls: readonly FleetControl[]): FleetRow[] {
  const controlOf = new Map<string, FleetControl>();
  for (const control of controls) {
    const { versionId, kind } = control;
    if (versionId !== undefined && (kind === 'pause' || !controlOf.has(versionId))) controlOf.set(versionId, control);
  }
  return versions.map((version) => ({ version, control: controlOf.get(version.versionId) }));
}

/** Every active function version with its control, and the members that were asked. */
export async function readFleet(client: AdminClient): Promise<{ members: FleetMember[]; rows: FleetRow[] }> {
  const [members, controls] = await Promise.all([readMembers(client), readControls(client)]);
  return { members, rows: fleetRows(await readFunctions(client, members), controls) };
}

/** As a document for machines. */
export function showRow({ version, control }: FleetRow): object {
  return { ...version, control: control ?? null };
}

/** Rows that hold the text in their name or one of their ids, in the order that was asked for; the largest and the newest come first. */
export function arrange(rows: readonly FleetRow[], { match, sort }: { match: string; sort: Sort }): FleetRow[] {
  const wanted = match.toLowerCase();
  const kept = rows.filter(({ version }) =>
    [version.name ?? '', version.versionId, version.functionId, version.account].some((text) =>
      text.toLowerCase().includes(wanted),
    ),
  );
  const byName = ({ version: a }: FleetRow, { version: b }: FleetRow) =>
    compare(a.name ?? a.versionId, b.name ?? b.versionId) || compare(a.versionId, b.versionId);
  if (sort === 'name') return kept.sort(byName);
  return kept.sort((a, b) => weightOf(b, sort) - weightOf(a, sort) || byName(a, b));
}

/**
 * Names have a column where any of the fleet has one. Where lines are narrow, an id beside a name is only its first digits;
 * elsewhere it is whole, so that it can be copied.
 */
export function fleetColumns(options: { nowMs: number; isNamed: boolean; isNarrow?: boolean }): Column<FleetRow>[] {
  const { nowMs, isNamed, isNarrow = false } = options;
  const cutAt = (widthMax: number) => (isNarrow ? { widthMax } : {});
  const idOf = ({ name, versionId }: FleetFunction) =>
    isNarrow && name !== null ? cut(versionId, ID_WIDTH_BESIDE_NAME) : versionId;
  return [
    ...(isNamed ? [{ title: 'NAME', cell: ({ version }: FleetRow) => version.name ?? '-', ...cutAt(NAME_WIDTH) }] : []),
    { title: 'VERSION', cell: ({ version }) => idOf(version), ...cutAt(ID_WIDTH) },
    { title: 'WANTED', align: 'right', cell: ({ version }) => shown(wantedOf(version)) },
    { title: 'RUNNING', align: 'right', cell: ({ version }) => shown(version.latest?.actual) },
    { title: 'BOUNDS', align: 'right', cell: ({ version }) => boundsOf(version) },
    { title: 'UTIL %', align: 'right', cell: ({ version }) => rounded(version.utilisation, 0) },
    { title: 'DEMAND', align: 'right', cell: ({ version }) => rounded(version.demand, 1) },
    { title: 'DECIDED', cell: ({ version }) => version.latest?.verdict ?? '-' },
    { title: 'CHANGED', align: 'right', cell: ({ version }) => agoOf(version.changedAt, nowMs) },
    { title: 'WHY', cell: whyOf },
  ];
}

export function isAnyNamed(rows: readonly FleetRow[]): boolean {
  return rows.some(({ version }) => version.name !== null);
}

/** The last decision where it is known, else the count that the control plane last accepted. */
export function wantedOf({ latest, applied }: FleetFunction): number | null {
  return latest?.wanted ?? applied;
}

function whyOf({ version, control }: FleetRow): string {
  if (control) {
    const what = control.kind === 'override' ? `overridden to ${control.wanted}` : 'paused';
    return `${what} until ${control.until ?? '?'} by ${control.by}: ${control.why}`;
  }
  return version.latest?.reasons.join(', ') ?? (version.owner === null ? 'owned by nobody' : `see ${version.owner}`);
}

function boundsOf({ min, max }: FleetFunction): string {
  return min === null && max === null ? '-' : `${shown(min)}..${shown(max)}`;
}

function weightOf({ version }: FleetRow, sort: Exclude<Sort, 'name'>): number {
  switch (sort) {
    case 'wanted':
      return wantedOf(version) ?? -1;
    case 'utilisation':
      return asNumber(version.utilisation);
    case 'demand':
      return asNumber(version.demand);
    case 'changed':
      return version.changedAt === null ? -1 : Date.parse(version.changedAt);
    default:
      return sort satisfies never;
  }
}

/** Finite, so that two of them can be subtracted. */
function asNumber(value: number | '+Inf' | null): number {
  return value === null ? -1 : value === '+Inf' ? Number.MAX_VALUE : value;
}

function shown(value: number | null | undefined): string {
  return value === null || value === undefined ? '-' : String(value);
}

function rounded(value: number | '+Inf' | null, digits: number): string {
  return typeof value === 'number' ? value.toFixed(digits) : (value ?? '-');
}

function agoOf(time: string | null, nowMs: number): string {
  if (time === null) return '-';
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(time)) / 1000));
  const unit = seconds < 120 ? 1 : seconds < 7_200 ? 60 : 3_600;
  return formatDuration(Math.floor(seconds / unit) * unit * 1000);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Shown in place of rows. */
export function noRowsText(match: string): string {
  return match === ''
    ? 'There are no active function versions. One appears within a discovery interval of its first metrics.'
    : 'No active function version matches.';
}

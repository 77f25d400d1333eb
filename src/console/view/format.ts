import type { Value } from '../api/shapes.ts';

/** What is not known is a dash, never a zero. */
export const UNKNOWN = '–';

export function formatCount(value: number | null | undefined): string {
  return value === null || value === undefined ? UNKNOWN : value.toLocaleString('en-GB');
}

export function formatValue(value: Value | undefined, unit = ''): string {
  if (value === null || value === undefined) return UNKNOWN;
  if (value === '+Inf') return `∞${unit}`;
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${value.toLocaleString('en-GB', { maximumFractionDigits: digits })}${unit}`;
}

/** A span in its two largest units at most: `8 s`, `3 min`, `2 h 5 min`, `4 d`. */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 || days > 6 ? `${days} d` : `${days} d ${hours % 24} h`;
}

export function formatDuration(ms: number | undefined): string {
  if (ms === undefined) return UNKNOWN;
  return ms < 1000 ? `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

export function formatAgo(at: string | null | undefined, nowMs: number): string {
  const atMs = at ? Date.parse(at) : Number.NaN;
  if (Number.isNaN(atMs)) return UNKNOWN;
  return nowMs - atMs < 1500 ? 'now' : `${formatSpan(nowMs - atMs)} ago`;
}

export function formatClock(at: string | number, options: { withDate?: boolean } = {}): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return UNKNOWN;
  const time = date.toLocaleTimeString('en-GB', { hour12: false });
  return options.withDate ? `${date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })}, ${time}` : time;
}

/** `load-above-target` → `load above target`. */
export function formatCode(code: string): string {
  return code.replaceAll('-', ' ');
}

/** A member id is a host name and a uuid: the host and a few digits tell members apart for people. */
export function formatMember(memberId: string | null | undefined): string {
  if (!memberId) return 'nobody';
  const [host = '', uuid = ''] = memberId.split('/');
  return uuid === '' ? host : `${host}/${uuid.slice(0, 4)}`;
}

import { parseDurationMs } from '../promql/duration.ts';
import { badParameter } from './api-error.ts';

const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/;
/** Beyond this nothing can be told apart from infinity. */
const TIME_MAX_MS = 8.64e15;

/** Unix seconds or RFC 3339, in milliseconds. */
export function timeParameter(parameters: URLSearchParams, name: string, fallbackMs?: number): number {
  const text = parameters.get(name) ?? '';
  if (text === '' && fallbackMs !== undefined) return fallbackMs;
  const seconds = numberOf(text);
  const ms = seconds === undefined ? (RFC3339.test(text) ? Date.parse(text) : Number.NaN) : Math.round(seconds * 1000);
  if (Number.isNaN(ms) || Math.abs(ms) > TIME_MAX_MS) {
    throw badParameter(name, `cannot parse "${text}" to a valid timestamp`);
  }
  return ms;
}

/** Seconds or a duration such as 15s, in milliseconds. */
export function durationParameter(parameters: URLSearchParams, name: string): number {
  const text = parameters.get(name) ?? '';
  const seconds = numberOf(text);
  const ms = seconds === undefined ? parseDurationMs(text) : seconds * 1000;
  if (ms === undefined || !Number.isFinite(ms)) throw badParameter(name, `cannot parse "${text}" to a valid duration`);
  return ms;
}

function numberOf(text: string): number | undefined {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined;
}

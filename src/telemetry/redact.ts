import { MASK, scrub } from '../lib/scrub.ts';

const SECRET_KEY =
  /^(.*[._-])?(pass(word|phrase)?|secret|token|access_?token|refresh_?token|id_?token|client_?secret|authorization|cookie|set-cookie|api_?key|private_?key|credentials?)$/i;
/** Fencing tokens are numbers that people must see; only tokens that open doors are masked. */
const SHOWN_KEY = /fenc|stored_?token|applied_?token|discovery_?token|duty_?token/i;

/**
 * Fields as they may be written down: keys that name secrets masked, credentials in text masked, fencing tokens (bigints, which
 * JSON does not know) as text. Objects with a class of their own are left to their own `toJSON`.
 */
export function maskFields(fields: Record<string, unknown>, depth = 4): Record<string, unknown> {
  const masked: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields))
    masked[key] = isSecretKey(key, value) ? MASK : maskValue(value, depth);
  return masked;
}

function maskValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return scrub(value);
  if (typeof value === 'bigint') return String(value);
  if (depth === 0) return value;
  if (Array.isArray(value)) return value.map((each: unknown) => maskValue(each, depth - 1));
  return isPlain(value) ? maskFields(value, depth - 1) : value;
}

function isSecretKey(key: string, value: unknown): boolean {
  const bare = key.replace(/([a-z])([A-Z])/g, '$1_$2');
  // A bare `token` that is a number is a fencing token.
  if (typeof value === 'bigint' || typeof value === 'number') return false;
  return value !== undefined && SECRET_KEY.test(bare) && !SHOWN_KEY.test(bare);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

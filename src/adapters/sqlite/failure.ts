import { errorText } from '../../lib/error-text.ts';
import type { StoreErrorKind } from '../../ports/store-error.ts';
import type { Failure } from './messages.ts';

/** The primary result codes of SQLite that mean something to us; the rest is `unavailable`. */
const MEANINGS: Record<number, { kind: StoreErrorKind; advice: string }> = {
  5: { kind: 'busy', advice: 'another process holds the write lock; is one of them stopped or very slow?' },
  6: { kind: 'busy', advice: 'another connection holds the table' },
  8: { kind: 'unavailable', advice: 'the file or its folder is read-only; give this user the right to write there' },
  10: { kind: 'unavailable', advice: 'the disk reports an error; the file must lie on a sound local disk' },
  11: { kind: 'unavailable', advice: 'the file is damaged; restore it from a backup, or start with a new one' },
  13: { kind: 'full', advice: 'make room on the disk, or raise the limit of the file' },
  14: { kind: 'unavailable', advice: 'its folder must exist and be writable for this user' },
  23: { kind: 'auth', advice: 'the system refuses access to the file' },
  26: { kind: 'schema', advice: 'this is not an SQLite file; name another one' },
};

const IO_ERROR = 10;

/** `isCommitting`: a disk that fails then may have kept the transaction or not. */
export function failureOf(error: unknown, context: { path: string; isCommitting?: boolean }): Failure {
  const text = errorText(error);
  const code = primaryCodeOf(error);
  const meaning = code === undefined ? undefined : MEANINGS[code];
  const kind = context.isCommitting && code === IO_ERROR ? 'unknown' : (meaning?.kind ?? 'unavailable');
  const advice =
    meaning?.advice ?? (isRefusedBySystem(error) ? 'name a file in a folder where this user may write' : '');
  return { kind, message: `SQLite file ${context.path}: ${text}${advice ? `; ${advice}` : ''}` };
}

export function isBusy(error: unknown): boolean {
  return primaryCodeOf(error) === 5;
}

function primaryCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}

function isRefusedBySystem(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

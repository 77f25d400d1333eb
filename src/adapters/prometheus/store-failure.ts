import { BreakerOpen, type Health } from '../../lib/breaker.ts';
import { DeadlineExceeded } from '../../lib/deadline.ts';
import { scrubLine } from '../../lib/scrub.ts';
import { TimeseriesError } from '../../ports/signal-reader.ts';
import type { Unanswered } from '../wire/outcome.ts';
import { describeBody, parseEnvelope } from './query-result.ts';

/** What another attempt may mend, and what counts against the store. */
export function isStoreTrouble(error: unknown): boolean {
  if (!(error instanceof TimeseriesError)) return false;
  const { kind, status } = error;
  return kind === 'timeout' || kind === 'unreachable' || (kind === 'overloaded' && status !== 429);
}

/** What a failed attempt says of the store: one that answers, if only to refuse, is there. */
export function healthOf(error: unknown): Health {
  if (isStoreTrouble(error)) return 'ill';
  return error instanceof TimeseriesError && error.status !== undefined ? 'well' : 'unknown';
}

/** What a request without an answer says; what it threw where it says nothing of the store. */
export function failureOf({ cause, detail, reason, error }: Unanswered, url: string): unknown {
  switch (cause) {
    case 'refused':
    case 'unresolved':
    case 'tls':
    case 'reset':
      return new TimeseriesError('unreachable', `${url} cannot be reached: ${reason}`, { cause: error });
    case 'too-large':
      return new TimeseriesError('too-large', `${url}: ${detail}; lower partVersionsMax`, { cause: error });
    case 'credential':
      return new TimeseriesError('auth', detail, { cause: error });
    case 'aborted':
      return error;
    default:
      return cause satisfies never;
  }
}

export function asTimeseriesError(error: unknown, url: string): unknown {
  if (error instanceof TimeseriesError) return error;
  if (error instanceof DeadlineExceeded) {
    return new TimeseriesError('timeout', `${url}: ${error.message}`, { cause: error });
  }
  if (error instanceof BreakerOpen) {
    const says = `${url} failed several times in a row and is left alone for some seconds`;
    return new TimeseriesError('open-circuit', says, { cause: error });
  }
  return new TimeseriesError('unreachable', `${url}: ${String(error)}`, { cause: error });
}

export function reasonOf(body: Buffer, from: { url: string; status: number }): string {
  try {
    const { error } = parseEnvelope(body, from);
    return typeof error === 'string' ? scrubLine(error) : describeBody(body);
  } catch {
    return describeBody(body);
  }
}

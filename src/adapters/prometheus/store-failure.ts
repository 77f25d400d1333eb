import { isAxiosError } from 'axios';
import { BreakerOpen, type Health } from '../../lib/breaker.ts';
import { DeadlineExceeded } from '../../lib/deadline.ts';
import { scrubLine } from '../../lib/scrub.ts';
import { TimeseriesError } from '../../ports/signal-reader.ts';
import { describeBody, parseEnvelope } from './answer.ts';

/** What another attempt may mend, and what counts against the store. */
export function isStoreTrouble(error: unknown): boolean {
  if (error instanceof TimeseriesError) {
    return error.kind === 'timeout' || (error.kind === 'overloaded' && error.status !== 429);
  }
  return isAxiosError(error) && error.code !== 'ERR_CANCELED' && !isTooLarge(error) && error.code !== 'ERR_INVALID_URL';
}

/** What a failed attempt says of the store: whoever answers, if only to refuse, is there. */
export function healthOf(error: unknown): Health {
  if (isStoreTrouble(error)) return 'ill';
  return error instanceof TimeseriesError && error.status !== undefined ? 'well' : 'unknown';
}

function isTooLarge(error: { message: string }): boolean {
  return error.message.startsWith('maxContentLength');
}

export function asTimeseriesError(error: unknown, url: string): unknown {
  if (error instanceof TimeseriesError) return error;
  if (error instanceof DeadlineExceeded)
    return new TimeseriesError('timeout', `${url}: ${error.message}`, { cause: error });
  if (error instanceof BreakerOpen) {
    return new TimeseriesError(
      'open-circuit',
      `${url} failed several times in a row and is left alone for some seconds`,
      {
        cause: error,
      },
    );
  }
  if (!isAxiosError(error)) return new TimeseriesError('unreachable', `${url}: ${String(error)}`, { cause: error });
  if (isTooLarge(error)) {
    return new TimeseriesError(
      'too-large',
      `${url}: the answer is larger than allowed (${error.message}); lower partVersionsMax`,
      {
        cause: error,
      },
    );
  }
  const { code = '', message } = error;
  // Most messages begin or end with the code already; some are empty.
  const why = message.includes(code) ? message : `${code} ${message}`;
  return new TimeseriesError('unreachable', `${url} cannot be reached: ${scrubLine(why).trim()}`, { cause: error });
}

export function reasonOf(body: Buffer, from: { url: string; status: number }): string {
  try {
    const { error } = parseEnvelope(body, from);
    return typeof error === 'string' ? scrubLine(error) : describeBody(body);
  } catch {
    return describeBody(body);
  }
}

import { parseProblem } from '../../contract/problem.ts';
import { scrubLine } from '../../lib/scrub.ts';
import type { JsonAnswer } from '../wire/exchange.ts';
import type { Outcome } from '../wire/outcome.ts';

/** Reading did not work. `not-offered`: this control plane has no such call. */
export class ReadFailure extends Error {
  override name = 'ReadFailure';
  readonly kind: 'not-offered' | 'no-answer' | 'answer' | 'auth' | 'throttled';
  readonly retryAfterMs: number | undefined;
  constructor(kind: ReadFailure['kind'], message: string, retryAfterMs?: number) {
    super(message);
    this.kind = kind;
    this.retryAfterMs = retryAfterMs;
  }
}

const NOT_OFFERED = [404, 405, 501];

export function describeFailure(result: Outcome<JsonAnswer>): ReadFailure {
  if (result.arrival !== 'answered') return new ReadFailure('no-answer', result.detail);
  const { status } = result;
  const { title, detail, type } = parseProblem(result.body);
  const reason =
    result.bodyKind === 'page' ? 'not with JSON; is its URL right?' : detail || title || type || 'no reason given';
  const said = scrubLine(`it answered ${status}: ${reason}`);
  if (NOT_OFFERED.includes(status)) return new ReadFailure('not-offered', said);
  if (status === 401 || status === 403) return new ReadFailure('auth', said);
  if (status === 429 || status === 503) return new ReadFailure('throttled', said, result.retryAfterMs);
  return new ReadFailure('answer', said);
}

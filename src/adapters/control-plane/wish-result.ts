import { parsePredictionAnswer, type ReceivedPrediction } from '../../contract/prediction.ts';
import { parseProblem } from '../../contract/problem.ts';
import { type Actuation, type ActuationOutcome, actuation } from '../../domain/actuation.ts';
import { scrubLine } from '../../lib/scrub.ts';
import type { JsonAnswer } from '../wire/exchange.ts';
import type { Outcome, Unanswered } from '../wire/outcome.ts';
import { COMPLAINT_UNSAID_MS, type WishResult, wishResult } from '../wishes/wish-sender.ts';

/** What became of a request, in the terms of the wish that it carried. */
export function resultOf(outcome: Outcome<JsonAnswer>): WishResult {
  return outcome.arrival === 'answered' ? ofAnswer(outcome) : ofSilence(outcome);
}

function ofSilence({ arrival, cause, detail }: Unanswered): WishResult {
  return wishResult(actuation(arrival === 'unknown' ? 'unknown' : 'failed', detail), {
    // Without a credential it was never asked.
    isOutage: cause !== 'credential' && cause !== 'aborted',
  });
}

function ofAnswer(answer: JsonAnswer): WishResult {
  const { status, retryAfterMs } = answer;
  const give: Give = (outcome, detail, { isOutage, complaintMs, ...more } = {}) =>
    wishResult(actuation(outcome, scrubLine(detail), { status, retryAfterMs, ...more }), { isOutage, complaintMs });
  if (status >= 200 && status < 300) return ofSuccess(answer, give);
  const said = describeProblem(answer);
  switch (status) {
    case 401:
      return give('failed', `401: ${said}; it does not accept our credential: check the control plane's auth settings`);
    case 403:
      return give('refused', `403: ${said}; the credential lacks the right to set instance counts`);
    case 404:
    case 410:
      // A page is what a proxy or another program says of an address it does not know; it says nothing about the version.
      if (answer.bodyKind === 'page') return give('failed', `${status}: ${said}`, { isOutage: true });
      return give('refused', `${status}: ${said}`, { isGone: true });
    case 409: {
      const problem = parseProblem(answer.body);
      if (problem.type !== 'stale-fencing-token') return give('refused', `409: ${said}`);
      return give('fenced', `409: ${said}`, { storedToken: problem.storedToken });
    }
    case 428:
      return give('refused', `428: ${said}; the Fencing-Token header was sent, so something on the way drops it`);
    case 429:
      return give('failed', `429: ${said}`, { complaintMs: retryAfterMs ?? COMPLAINT_UNSAID_MS });
    case 503:
      if (retryAfterMs === undefined) return give('failed', `503: ${said}`, { isOutage: true });
      return give('failed', `503: ${said}`, { complaintMs: retryAfterMs });
    case 408:
    case 502:
    case 504:
      // Somebody in between lost the answer; the control plane may have acted.
      return give('unknown', `${status}: ${said}`, { isOutage: true });
    default:
      if (status >= 500) return give('failed', `${status}: ${said}`, { isOutage: true });
      if (status >= 400) return give('refused', `${status}: ${said}`);
      return give(
        'refused',
        `${status} to ${answer.header('location') ?? 'nowhere'}: redirects are not followed; set the control plane's URL to where it is`,
      );
  }
}

type Give = (
  outcome: ActuationOutcome,
  detail: string,
  more?: Partial<Actuation> & { isOutage?: boolean; complaintMs?: number },
) => WishResult;

function ofSuccess(answer: JsonAnswer, give: Give): WishResult {
  if (answer.bodyKind === 'empty') return give('applied', 'accepted');
  if (answer.bodyKind === 'broken') return give('unknown', `${answer.status} with JSON that cannot be read`);
  const prediction = answer.bodyKind === 'json' ? parsePredictionAnswer(answer.body) : undefined;
  if (!prediction) return give('failed', `${answer.status} ${describeProblem(answer)}`, { isOutage: true });
  const more = { instancesActive: prediction.activeInstances, instancesPending: prediction.pendingInstances };
  if (prediction.functionStatus === 'DELETED')
    return give('refused', 'the version is deleted', { ...more, isGone: true });
  return give(...outcomeOf(prediction), more);
}

function outcomeOf({ scalingStatus, functionStatus }: ReceivedPrediction): [ActuationOutcome, string] {
  switch (scalingStatus) {
    case 'NO_OPERATION':
      return ['refused', 'the control plane acts on no wishes (NO_OPERATION): is autoscaling switched on there?'];
    case 'NOT_AUTO_SCALABLE':
      return [
        'refused',
        `not scalable now (${functionStatus ?? 'status unsaid'}): not active, or outside its own bounds`,
      ];
    case 'NO_SCALING_NEEDED':
      return ['already-so', 'nothing to change'];
    case 'SCALING_UP':
    case 'SCALING_DOWN':
    case undefined:
      return ['applied', 'accepted'];
    default:
      return scalingStatus satisfies never;
  }
}

function describeProblem(answer: JsonAnswer): string {
  if (answer.bodyKind === 'page') {
    const what = answer.contentType.includes('html') ? 'a web page' : `${answer.contentType || 'untyped'} text`;
    return `answered with ${what}, not JSON; is the control plane's URL right?`;
  }
  const { title, detail, type } = parseProblem(answer.body);
  return detail || title || type || 'no reason given';
}

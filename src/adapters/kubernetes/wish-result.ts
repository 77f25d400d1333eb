import { type Actuation, actuation, type Wish } from '../../domain/actuation.ts';
import type { JsonAnswer } from '../wire/exchange.ts';
import type { Outcome } from '../wire/outcome.ts';
import { COMPLAINT_UNSAID_MS, type WishResult, wishResult } from '../wishes/wish-sender.ts';
import { describeResult, parseStatus } from './api-failure.ts';
import type { Absence } from './cluster-view.ts';
import type { ScalePatch } from './scale-patch.ts';
import { countsOf, nameOf, WORKLOADS, type Workload } from './workload.ts';

/** What became of a patch that was accepted; `written` is the workload as it came back. */
export function readWritten(before: Workload, written: Workload | undefined, patch: ScalePatch): WishResult {
  if (!written) return wishResult(actuation('unknown', '200 with something that is no workload'), { isOutage: true });
  const more = { status: 200, ...countsOf(written) };
  if (written.replicas !== patch.replicas) {
    const detail = `${nameOf(before)} was stored with ${written.replicas} replicas instead of ${patch.replicas}: an admission webhook changes them; exempt it`;
    return wishResult(actuation('refused', detail, more));
  }
  const bounded = patch.isBounded ? `, bounded to ${patch.replicas}` : '';
  if (before.replicas === patch.replicas)
    return wishResult(actuation('already-so', `nothing to change${bounded}`, more));
  return wishResult(actuation('applied', `accepted${bounded}`, more));
}

/** What an answer other than yes means; `verb` is what was asked. */
export function readRefusal(workload: Workload, result: Outcome<JsonAnswer>, verb: 'patch' | 'get'): WishResult {
  const what = `${WORKLOADS[workload.kind]} in namespace ${workload.namespace}`;
  const { message } = describeResult(result, verb, what);
  if (result.arrival !== 'answered') {
    return wishResult(actuation('failed', message), { isOutage: result.cause !== 'aborted' });
  }
  const { status, retryAfterMs } = result;
  const more = { status, retryAfterMs };
  const isTheirs = parseStatus(result.body) !== undefined;
  if (status === 429) {
    return wishResult(actuation('failed', message, more), { complaintMs: retryAfterMs ?? COMPLAINT_UNSAID_MS });
  }
  if (status === 404 && isTheirs) {
    return wishResult(actuation('refused', `${nameOf(workload)} does not exist any more`, { ...more, isGone: true }));
  }
  if (status === 401 || !isTheirs || status >= 500) {
    const complaintMs = status === 503 ? retryAfterMs : undefined;
    return wishResult(actuation('failed', message, more), { isOutage: complaintMs === undefined, complaintMs });
  }
  return wishResult(actuation('refused', message, more));
}

export function fenced({ stored, ...workload }: Workload, wish: Wish): WishResult {
  const detail = `${nameOf(workload)} holds the fencing token ${stored?.token}, which is ${stored?.token === wish.token ? 'the same with another wish' : 'newer'}`;
  return wishResult(actuation('fenced', detail, { storedToken: stored?.token }));
}

export function actuationOfAbsence(found: Absence): Actuation {
  switch (found.state) {
    case 'gone':
      return actuation('refused', found.detail, { isGone: true });
    case 'barred':
      return actuation('refused', found.detail);
    case 'unseen':
      return actuation('failed', `not sent: ${found.detail}`);
    default:
      return found satisfies never;
  }
}

import { type Actuation, actuation, type Wish } from '../../domain/actuation.ts';
import { type ApiResult, describeResult, parseStatus } from './api-answer.ts';
import type { Found } from './cluster-view.ts';
import type { ScalePatch } from './scale-patch.ts';
import { nameOf, WORKLOADS, type Workload } from './workload.ts';

/** What one attempt means: for the wish, for the breaker, for the rate. */
export interface WishReading {
  readonly actuation: Actuation;
  /** The API server is failing, whatever the wish. */
  readonly isOutage: boolean;
  /** It asked for fewer calls: stay away this long. */
  readonly complaintMs: number | undefined;
}

/** The pause after a complaint that names none. */
const COMPLAINT_UNSAID_MS = 1_000;

/** What became of a patch that was accepted; `written` is the workload as it came back. */
export function readWritten(before: Workload, written: Workload | undefined, patch: ScalePatch): WishReading {
  if (!written) return reading(actuation('unknown', '200 with something that is no workload'), { isOutage: true });
  const more = { status: 200, ...countsOf(written) };
  if (written.replicas !== patch.replicas) {
    const detail = `${nameOf(before)} was stored with ${written.replicas} replicas instead of ${patch.replicas}: an admission webhook changes them; exempt it`;
    return reading(actuation('refused', detail, more));
  }
  const bounded = patch.isBounded ? `, bounded to ${patch.replicas}` : '';
  if (before.replicas === patch.replicas) return reading(actuation('already-so', `nothing to change${bounded}`, more));
  return reading(actuation('applied', `accepted${bounded}`, more));
}

/** What an answer other than yes means; `verb` is what was asked. */
export function readRefusal(workload: Workload, result: ApiResult, verb: 'patch' | 'get'): WishReading {
  const what = `${WORKLOADS[workload.kind]} in namespace ${workload.namespace}`;
  const { message } = describeResult(result, verb, what);
  if (result.kind === 'no-answer') return reading(actuation('failed', message), { isOutage: !result.isAborted });
  const { status, retryAfterMs } = result;
  const more = { status, retryAfterMs };
  const isTheirs = parseStatus(result.body) !== undefined;
  if (status === 429) {
    return reading(actuation('failed', message, more), { complaintMs: retryAfterMs ?? COMPLAINT_UNSAID_MS });
  }
  if (status === 404 && isTheirs) {
    return reading(actuation('refused', `${nameOf(workload)} does not exist any more`, { ...more, isGone: true }));
  }
  if (status === 401 || !isTheirs || status >= 500) {
    const complaintMs = status === 503 ? retryAfterMs : undefined;
    return reading(actuation('failed', message, more), { isOutage: complaintMs === undefined, complaintMs });
  }
  return reading(actuation('refused', message, more));
}

export function reading(
  made: Actuation,
  more: { readonly isOutage?: boolean; readonly complaintMs?: number | undefined } = {},
): WishReading {
  return { actuation: made, isOutage: more.isOutage ?? false, complaintMs: more.complaintMs };
}

export function fenced({ stored, ...workload }: Workload, wish: Wish): WishReading {
  const detail = `${nameOf(workload)} holds the fencing token ${stored?.token}, which is ${stored?.token === wish.token ? 'the same with another wish' : 'newer'}`;
  return reading(actuation('fenced', detail, { storedToken: stored?.token }));
}

export function actuationOfAbsence(found: Exclude<Found, { state: 'found' }>): Actuation {
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

export function countsOf({ ready, replicas }: Workload): Pick<Actuation, 'instancesActive' | 'instancesPending'> {
  return {
    instancesActive: ready,
    instancesPending: ready === undefined ? undefined : Math.max(0, replicas - ready),
  };
}

import { judgeWrite } from '../../contract/fencing.ts';
import { type Actuation, actuation, type Wish } from '../../domain/actuation.ts';
import { type Clock, sleep } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import type { JsonAnswer } from '../wire/exchange.ts';
import type { Outcome } from '../wire/outcome.ts';
import { type WishAttempt, type WishResult, type WishSender, wishResult } from '../wishes/wish-sender.ts';
import type { ApiClient } from './api-client.ts';
import type { Absence, ClusterView } from './cluster-view.ts';
import { scalePatch, workloadPath } from './scale-patch.ts';
import { actuationOfAbsence, fenced, readRefusal, readWritten } from './wish-result.ts';
import { countsOf, MARKS, nameOf, type Workload } from './workload.ts';

export interface KubernetesWishSenderOptions {
  readonly client: ApiClient;
  readonly view: ClusterView;
  readonly clock: Clock;
  readonly random: Random;
}

/** Each is a reading and a write; a controller that updates the status in between costs one. */
const ATTEMPTS_MAX = 8;

/**
 * Writes replicas and fencing token into a workload in one patch, on the condition that nobody wrote it since it was
 * read. So a writer either saw every older token before its own write, or is refused by the API server.
 */
export class KubernetesWishSender implements WishSender {
  readonly strength = 'fenced' as const;
  readonly #options: KubernetesWishSenderOptions;

  constructor(options: KubernetesWishSenderOptions) {
    this.#options = options;
  }

  prepare(wish: Wish): Actuation | ((attempt: WishAttempt) => Promise<WishResult>) {
    const found = this.#options.view.find(wish);
    if (found.state !== 'found') return actuationOfAbsence(found);
    const off = barrierOfSwitch(found.workload);
    if (off) return actuationOfAbsence(off);
    return (attempt) => this.#send(wish, { found: found.workload, attempt });
  }

  async #send(wish: Wish, means: { found: Workload; attempt: WishAttempt }): Promise<WishResult> {
    const result = await this.#write(wish, means);
    const { outcome, isGone } = result.actuation;
    // What was lost before may have arrived, whatever became of the rest.
    const isOpen = means.attempt.mayHaveArrived && !isGone && (outcome === 'failed' || outcome === 'refused');
    return isOpen ? { ...result, actuation: { ...result.actuation, outcome: 'unknown' } } : result;
  }

  async #write(wish: Wish, { found, attempt }: { found: Workload; attempt: WishAttempt }): Promise<WishResult> {
    const { client, view, clock, random } = this.#options;
    const { signal, onAsk, onSend } = attempt;
    let workload = found;
    let isFresh = false;
    /** A patch may have arrived whose answer did not. */
    let wasLost = false;
    let last: Outcome<JsonAnswer> | undefined;
    for (let round = 0; round < ATTEMPTS_MAX; round += 1) {
      const path = workloadPath(workload);
      const offered = { token: wish.token, body: { requiredNumberOfInstances: wish.wanted } };
      const judgement = judgeWrite(bodyOf(workload.stored), offered);
      if (judgement === 'accept') {
        const patch = scalePatch(workload, wish);
        last = await client.request({ call: 'patch', method: 'PATCH', path, ...patch.request, signal, onSend });
        if (last.arrival === 'answered' && last.status === 200) {
          attempt.mayHaveArrived = false;
          return readWritten(workload, view.index.read(workload.kind, last.body), patch);
        }
        const isLost = last.arrival === 'answered' ? last.status >= 500 : last.arrival === 'unknown';
        wasLost ||= isLost;
        attempt.mayHaveArrived = wasLost;
        const isConflict = last.arrival === 'answered' && last.status === 409;
        if (!isLost && !isConflict) return readRefusal(workload, last, 'patch');
        // The first conflict is most often a controller's note; those who meet again had better not at once.
        if (round > 0 || !isConflict) await sleep(clock, 5 + random.next() * 45, signal);
      } else if (isFresh) {
        if (judgement === 'stale') return fenced(workload, wish);
        return wishResult(actuation('applied', 'already written under this token', countsOf(workload)));
      }
      // Somebody wrote in between, or the answer was lost, or the news of the watch may be old: look how it stands.
      const read = await client.request({ call: 'get', path, signal, onSend: onAsk });
      if (read.arrival !== 'answered' || read.status !== 200) return readRefusal(workload, read, 'get');
      const fresh = view.index.read(workload.kind, read.body);
      if (!fresh || fresh.versionId !== wish.versionId) {
        const detail = `${nameOf(workload)} no longer says that it runs this version`;
        return wishResult(actuation('refused', detail, { isGone: true }));
      }
      const barrier = view.barrierOf(fresh, wish) ?? barrierOfSwitch(fresh);
      if (barrier) return wishResult(actuationOfAbsence(barrier));
      // The patch that was lost would show, or is refused by its own condition from now on.
      if (fresh.resourceVersion !== workload.resourceVersion) {
        wasLost = false;
        attempt.mayHaveArrived = false;
      }
      workload = fresh;
      isFresh = true;
    }
    const status = last?.arrival === 'answered' ? last.status : undefined;
    const why = status === 409 ? 'it is written by others all the time' : 'it does not answer';
    return wishResult(actuation('failed', `${nameOf(workload)}: given up after ${ATTEMPTS_MAX} attempts: ${why}`), {
      isOutage: status === undefined || status >= 500,
    });
  }
}

function barrierOfSwitch(workload: Workload): Absence | undefined {
  if (workload.isOn) return undefined;
  return {
    state: 'barred',
    detail: `${nameOf(workload)}: its ${MARKS.scaling} is off: set it to on to have it scaled`,
  };
}

function bodyOf(stored: Workload['stored']) {
  return stored && { token: stored.token, body: { requiredNumberOfInstances: stored.wanted } };
}

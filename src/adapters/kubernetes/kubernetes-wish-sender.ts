import { judgeWrite } from '../../contract/fencing.ts';
import { type Actuation, actuation, type Wish } from '../../domain/actuation.ts';
import type { FunctionVersion } from '../../domain/function-version.ts';
import { type Clock, sleep } from '../../lib/clock.ts';
import { DeadlineExceeded, withDeadline } from '../../lib/deadline.ts';
import type { Random } from '../../lib/random.ts';
import type { Actuator } from '../../ports/actuator.ts';
import { type Meters, silentMeters } from '../../telemetry/meters.ts';
import type { ApiResult } from './api-answer.ts';
import type { ApiClient } from './api-client.ts';
import type { ClusterView, Found } from './cluster-view.ts';
import { scalePatch, workloadPath } from './scale-patch.ts';
import {
  actuationOfAbsence,
  countsOf,
  fenced,
  reading,
  readRefusal,
  readWritten,
  type WishReading,
} from './wish-reading.ts';
import { MARKS, nameOf, type Workload } from './workload.ts';

/** What is not known of patches that have left. */
interface Doubt {
  /** One is under way. */
  isOut: boolean;
  /** One may have arrived, and its answer did not. */
  wasLost: boolean;
}

/** Rate limit and circuit breaker in front of a control plane. */
export interface WishGate {
  admit(signal?: AbortSignal, verdict?: 'raise' | 'lower'): Promise<void>;
  /** Runs the work; while the breaker is open gives what `turnedAway` makes of it instead. */
  run<T extends { readonly isOutage: boolean; readonly complaintMs: number | undefined }>(
    work: () => Promise<T>,
    turnedAway: (refusal: { readonly message: string; readonly retryAfterMs: number }) => T,
  ): Promise<T>;
}

export interface KubernetesActuatorOptions {
  readonly client: ApiClient;
  readonly view: ClusterView;
  readonly gate: WishGate;
  readonly clock: Clock;
  readonly random: Random;
  readonly meters?: Meters | undefined;
  /** One wish, everything included. */
  readonly timeoutMs?: number | undefined;
  readonly isDryRun?: boolean | undefined;
  /** Function ids or version ids for which nothing is sent. */
  readonly dryRunIds?: readonly string[] | undefined;
}

export interface KubernetesActuatorStatus {
  readonly lastSuccessWallMs: number | undefined;
  readonly lastErrorWallMs: number | undefined;
  readonly lastError: string;
  readonly isDryRun: boolean;
}

/** Each is a reading and a write; a controller that updates the status in between costs one. */
const ATTEMPTS_MAX = 8;

/**
 * Writes replicas and fencing token into a workload in one patch, on the condition that nobody wrote it since it was
 * read. So a writer either saw every older token before its own write, or is refused by the API server.
 */
export class KubernetesActuator implements Actuator {
  readonly strength = 'fenced' as const;
  readonly #options: KubernetesActuatorOptions;
  readonly #meters: Meters;
  readonly #timeoutMs: number;
  readonly #dryRunIds: ReadonlySet<string>;
  #inFlight = 0;
  #lastSuccessWallMs: number | undefined;
  #lastErrorWallMs: number | undefined;
  #lastError = '';

  constructor(options: KubernetesActuatorOptions) {
    this.#options = options;
    this.#meters = options.meters ?? silentMeters;
    this.#timeoutMs = options.timeoutMs ?? 2_500;
    this.#dryRunIds = new Set(options.dryRunIds);
  }

  isDryRun({ functionId, versionId }: FunctionVersion): boolean {
    return (this.#options.isDryRun ?? false) || this.#dryRunIds.has(functionId) || this.#dryRunIds.has(versionId);
  }

  admit(signal?: AbortSignal, verdict?: 'raise' | 'lower'): Promise<void> {
    return this.#options.gate.admit(signal, verdict);
  }

  async actuate(
    wish: Wish,
    { deadlineMs, signal }: { deadlineMs: number; signal?: AbortSignal | undefined },
  ): Promise<Actuation> {
    if (this.isDryRun(wish)) return actuation('dry-run', `not sent: would ask for ${wish.wanted}`);
    const leftMs = Math.min(this.#timeoutMs, deadlineMs - this.#options.clock.monotonicMs());
    if (leftMs <= 0) return actuation('failed', 'not sent: its deadline had passed');
    const found = this.#options.view.find(wish);
    if (found.state !== 'found') return actuationOfAbsence(found);
    const off = barrierOfSwitch(found.workload);
    if (off) return actuationOfAbsence(off);
    let isTurnedAway = false;
    const sent = await this.#options.gate.run(
      () => this.#write(wish, { found: found.workload, leftMs, signal }),
      ({ message, retryAfterMs }): WishReading => {
        isTurnedAway = true;
        return {
          actuation: actuation('failed', `not sent: ${message}`, { retryAfterMs }),
          isOutage: false,
          complaintMs: undefined,
        };
      },
    );
    if (!isTurnedAway) this.#note(sent);
    return sent.actuation;
  }

  status(): KubernetesActuatorStatus {
    return {
      lastSuccessWallMs: this.#lastSuccessWallMs,
      lastErrorWallMs: this.#lastErrorWallMs,
      lastError: this.#lastError,
      isDryRun: this.#options.isDryRun ?? false,
    };
  }

  async #write(
    wish: Wish,
    { found, leftMs, signal }: { found: Workload; leftMs: number; signal: AbortSignal | undefined },
  ): Promise<WishReading> {
    const { clock } = this.#options;
    const endMs = clock.monotonicMs() + leftMs;
    const doubt: Doubt = { isOut: false, wasLost: false };
    const onSend = () => {
      // A process that stood still wakes up here before its timers do.
      if (clock.monotonicMs() >= endMs) throw new DeadlineExceeded('the wish', leftMs);
      doubt.isOut = true;
    };
    this.#countInFlight(1);
    try {
      const sent = await withDeadline({ clock, what: 'the wish', afterMs: leftMs, signal }, (ending) =>
        this.#attempt(wish, { found, ending, onSend, doubt }),
      );
      const { outcome, isGone } = sent.actuation;
      // What was lost before may have arrived, whatever became of the rest.
      const isOpen = doubt.wasLost && !isGone && (outcome === 'failed' || outcome === 'refused');
      return isOpen ? { ...sent, actuation: { ...sent.actuation, outcome: 'unknown' } } : sent;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const isOpen = doubt.isOut || doubt.wasLost;
      return {
        actuation: actuation(isOpen ? 'unknown' : 'failed', `${isOpen ? 'no answer' : 'not sent'}: ${why}`),
        isOutage: !signal?.aborted,
        complaintMs: undefined,
      };
    } finally {
      this.#countInFlight(-1);
    }
  }

  async #attempt(
    wish: Wish,
    means: { found: Workload; ending: AbortSignal; onSend: () => void; doubt: Doubt },
  ): Promise<WishReading> {
    const { client, view, clock, random } = this.#options;
    const { ending, onSend, doubt } = means;
    let workload = means.found;
    let isFresh = false;
    let last: ApiResult | undefined;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const path = workloadPath(workload);
      const offered = { token: wish.token, body: { requiredNumberOfInstances: wish.wanted } };
      const verdict = judgeWrite(bodyOf(workload.stored), offered);
      if (verdict === 'accept') {
        const patch = scalePatch(workload, wish);
        last = await client.request({ call: 'patch', method: 'PATCH', path, ...patch.request, signal: ending, onSend });
        if (last.kind === 'answer' && last.status === 200)
          return readWritten(workload, view.index.read(workload.kind, last.body), patch);
        doubt.isOut = false;
        const isLost = last.kind === 'answer' ? last.status >= 500 : last.mayHaveArrived;
        doubt.wasLost ||= isLost;
        const isConflict = last.kind === 'answer' && last.status === 409;
        if (!isLost && !isConflict) return readRefusal(workload, last, 'patch');
        // The first conflict is most often a controller's note; those who meet again had better not at once.
        if (attempt > 0 || !isConflict) await sleep(clock, 5 + random.next() * 45, ending);
      } else if (isFresh) {
        if (verdict === 'stale') return fenced(workload, wish);
        return reading(actuation('applied', 'already written under this token', countsOf(workload)));
      }
      // Somebody wrote in between, or the answer was lost, or what the watch told may be old: look how it stands.
      const read = await client.request({ call: 'get', path, signal: ending });
      if (read.kind !== 'answer' || read.status !== 200) return readRefusal(workload, read, 'get');
      const fresh = view.index.read(workload.kind, read.body);
      if (!fresh || fresh.versionId !== wish.versionId) {
        const detail = `${nameOf(workload)} no longer says that it runs this version`;
        return reading(actuation('refused', detail, { isGone: true }));
      }
      const barrier = view.barrierOf(fresh, wish) ?? barrierOfSwitch(fresh);
      if (barrier) return reading(actuationOfAbsence(barrier));
      // The patch that was lost would show, or is refused by its own condition from now on.
      if (fresh.resourceVersion !== workload.resourceVersion) doubt.wasLost = false;
      workload = fresh;
      isFresh = true;
    }
    const why =
      last?.kind === 'answer' && last.status === 409 ? 'it is written by others all the time' : 'it does not answer';
    return reading(actuation('failed', `${nameOf(workload)}: given up after ${ATTEMPTS_MAX} attempts: ${why}`), {
      isOutage: last?.kind !== 'answer' || last.status >= 500,
    });
  }

  #note({ actuation: { outcome, detail }, isOutage, complaintMs }: WishReading): void {
    const isSuccess = outcome === 'applied' || outcome === 'already-so';
    if (isSuccess) this.#lastSuccessWallMs = this.#options.clock.wallMs();
    else if (isOutage || complaintMs !== undefined || outcome === 'failed' || outcome === 'unknown') {
      this.#lastErrorWallMs = this.#options.clock.wallMs();
      this.#lastError = detail;
    }
  }

  #countInFlight(by: number): void {
    this.#inFlight += by;
    this.#meters.set('starling_control_plane_wishes_in_flight', this.#inFlight);
  }
}

function barrierOfSwitch(workload: Workload): Exclude<Found, { state: 'found' }> | undefined {
  if (workload.isOn) return undefined;
  return {
    state: 'barred',
    detail: `${nameOf(workload)}: its ${MARKS.scaling} is off: set it to on to have it scaled`,
  };
}

function bodyOf(stored: Workload['stored']) {
  return stored && { token: stored.token, body: { requiredNumberOfInstances: stored.wanted } };
}

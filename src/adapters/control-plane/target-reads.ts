import { parseDeploymentAnswer } from '../../contract/deployment.ts';
import { deploymentPath, isAddressable } from '../../contract/paths.ts';
import type { Clock } from '../../lib/clock.ts';
import { withDeadline } from '../../lib/deadline.ts';
import { forEachLimited } from '../../lib/limiter.ts';
import type { Random } from '../../lib/random.ts';
import type { JsonAnswer } from '../wire/exchange.ts';
import type { Outcome } from '../wire/outcome.ts';
import type { ControlPlaneConnection } from './connection.ts';
import type { PolicyReader } from './policy-reader.ts';
import { describeFailure, ReadFailure } from './read-failure.ts';
import type { Known, TargetCache } from './target-cache.ts';

export interface TargetReadsOptions {
  readonly connection: ControlPlaneConnection;
  readonly clock: Clock;
  readonly random: Random;
  readonly cache: TargetCache;
  readonly policies: PolicyReader;
  readonly refreshMs: number;
  readonly timeoutMs: number;
  readonly responseMaxBytes: number;
  readonly readsAtOnce: number;
  /** Nothing new is begun in one refresh after this long. */
  readonly budgetMs: number;
}

/** More than these are not read within any budget. */
const DUE_MAX = 10_000;
/** In a row; after that the rest of this refresh is left for the next. */
const FAILURES_MAX = 5;

/**
 * Reads one deployment per version, for control planes that offer no pages. What was never read comes first, then what is
 * due; each comes due by itself, and a refresh takes only as many as its share of the time allows.
 */
export class TargetReads {
  readonly #options: TargetReadsOptions;
  /** When each is to be read again. */
  readonly #dueMs = new WeakMap<Known, number>();

  constructor(options: TargetReadsOptions) {
    this.#options = options;
  }

  /** Rejects with ReadFailure when the control plane is failing; what was read until then is kept. */
  async refresh(signal: AbortSignal | undefined): Promise<void> {
    const { clock, readsAtOnce, budgetMs } = this.#options;
    const startMs = clock.monotonicMs();
    let failuresInARow = 0;
    let failure: ReadFailure | undefined;
    await forEachLimited(this.#due(startMs), readsAtOnce, async (known) => {
      if (signal?.aborted || failure || clock.monotonicMs() - startMs >= budgetMs) return;
      try {
        await this.#read(known, signal);
        failuresInARow = 0;
      } catch (error) {
        const why = error instanceof ReadFailure ? error : new ReadFailure('no-answer', messageOf(error));
        failuresInARow += 1;
        // One version that cannot be read is its own trouble; several in a row, or silence, are the control plane's.
        if (why.kind === 'answer') this.#putOff(known, why.message);
        if (why.kind !== 'answer' || failuresInARow >= FAILURES_MAX) failure = why;
      }
    });
    signal?.throwIfAborted();
    if (failure) throw failure;
  }

  #due(nowMs: number): Known[] {
    const fresh: Known[] = [];
    const stale: Known[] = [];
    for (const known of this.#options.cache.all()) {
      const dueMs = this.#dueMs.get(known);
      if (dueMs === undefined) fresh.push(known);
      else if (dueMs <= nowMs) stale.push(known);
    }
    stale.sort((a, b) => (this.#dueMs.get(a) ?? 0) - (this.#dueMs.get(b) ?? 0));
    return [...fresh, ...stale].slice(0, DUE_MAX);
  }

  async #read(known: Known, signal: AbortSignal | undefined): Promise<void> {
    const { connection, clock, cache, timeoutMs, responseMaxBytes } = this.#options;
    if (!isAddressable(known.functionId) || !isAddressable(known.versionId)) {
      cache.setTrouble(known, 'no URL can carry its id');
      this.#dueMs.set(known, Number.POSITIVE_INFINITY);
      return;
    }
    const startMs = clock.monotonicMs();
    const result = await withDeadline(
      { clock, what: 'reading a deployment', afterMs: timeoutMs, signal },
      (ending): Promise<Outcome<JsonAnswer>> =>
        connection.request({
          call: 'deployment',
          method: 'GET',
          path: deploymentPath(known),
          responseMaxBytes,
          signal: ending,
        }),
    );
    this.#take(known, result, startMs);
    this.#setDue(known, startMs);
  }

  #putOff(known: Known, trouble: string): void {
    this.#options.cache.setTrouble(known, trouble);
    this.#setDue(known, this.#options.clock.monotonicMs());
  }

  /** The first time anywhere in the span, so that those first read together fall due apart; then near its end. */
  #setDue(known: Known, startMs: number): void {
    const { refreshMs, random } = this.#options;
    const share = this.#dueMs.has(known) ? 0.9 + random.next() * 0.1 : 0.1 + random.next() * 0.9;
    this.#dueMs.set(known, startMs + refreshMs * share);
  }

  #take(known: Known, result: Outcome<JsonAnswer>, startMs: number): void {
    const { cache, policies } = this.#options;
    if (
      result.arrival === 'answered' &&
      (result.status === 404 || result.status === 410) &&
      result.bodyKind !== 'page'
    ) {
      cache.setGone(known);
      return;
    }
    if (result.arrival !== 'answered' || result.status !== 200 || result.bodyKind !== 'json') {
      throw describeFailure(result);
    }
    const parsed = parseDeploymentAnswer(result.body);
    if (!parsed.ok) {
      cache.setTrouble(known, `its deployment makes no sense: ${parsed.detail}`);
      return;
    }
    const { configuration, ...deployment } = parsed.deployment;
    const read = policies.readConfiguration(configuration);
    if (!read.ok) {
      cache.setTrouble(known, read.detail);
      return;
    }
    const { functionId, versionId, account } = known;
    const target = {
      ...deployment,
      functionId,
      versionId,
      account,
      policy: read.policy,
      instancesActive: undefined,
      instancesPending: undefined,
    };
    cache.set(known, target, { confirmedMs: startMs });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

import { parseDeploymentAnswer } from '../../contract/deployment.ts';
import { deploymentPath, isAddressable } from '../../contract/paths.ts';
import { errorText } from '../../lib/error-text.ts';
import { forEachLimited } from '../../lib/limiter.ts';
import type { JsonAnswer } from '../wire/exchange.ts';
import type { Outcome } from '../wire/outcome.ts';
import { describeFailure, ReadFailure } from './read-failure.ts';
import { answerTo, msUntilNext, type ReadingOptions } from './reading-options.ts';
import type { Known } from './target-cache.ts';

export interface TargetReadsOptions extends ReadingOptions {
  readonly readsAtOnce: number;
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
        const why = error instanceof ReadFailure ? error : new ReadFailure('no-answer', errorText(error));
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
    const { clock, cache } = this.#options;
    if (!isAddressable(known.functionId) || !isAddressable(known.versionId)) {
      cache.setTrouble(known, 'no URL can carry its id');
      this.#dueMs.set(known, Number.POSITIVE_INFINITY);
      return;
    }
    const startMs = clock.monotonicMs();
    const request = { call: 'deployment', path: deploymentPath(known) } as const;
    const result = await answerTo(request, { ...this.#options, what: 'reading a deployment', signal });
    this.#take(known, result, startMs);
    this.#setDue(known, startMs);
  }

  #putOff(known: Known, trouble: string): void {
    this.#options.cache.setTrouble(known, trouble);
    this.#setDue(known, this.#options.clock.monotonicMs());
  }

  #setDue(known: Known, startMs: number): void {
    this.#dueMs.set(known, startMs + msUntilNext(this.#options, { isFirst: !this.#dueMs.has(known) }));
  }

  #take(known: Known, result: Outcome<JsonAnswer>, startMs: number): void {
    const { cache, policies } = this.#options;
    const isGone = result.arrival === 'answered' && (result.status === 404 || result.status === 410);
    if (isGone && result.bodyKind !== 'page') {
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

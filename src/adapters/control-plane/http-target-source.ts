import type { FunctionVersion } from '../../domain/function-version.ts';
import type { Policy, PolicySource } from '../../domain/policy.ts';
import type { Clock } from '../../lib/clock.ts';
import { errorText } from '../../lib/error-text.ts';
import type { Random } from '../../lib/random.ts';
import { scrubLine } from '../../lib/scrub.ts';
import type { TargetAnswer, TargetSource } from '../../ports/target-source.ts';
import { type Meters, silentMeters } from '../../telemetry/meters.ts';
import type { ControlPlaneConnection } from './connection.ts';
import { PolicyReader } from './policy-reader.ts';
import { ReadFailure } from './read-failure.ts';
import { TargetCache } from './target-cache.ts';
import { TargetPages } from './target-pages.ts';
import { TargetReads } from './target-reads.ts';

/** `auto`: pages where the control plane offers them, else one read per version. */
export type TargetsMode = 'auto' | 'bulk' | 'single';

export interface HttpTargetSourceOptions {
  readonly connection: ControlPlaneConnection;
  readonly clock: Clock;
  readonly random: Random;
  /** How far back samples are kept: longer policies cannot work. */
  readonly lookBackSeconds: number;
  /** Fills what a policy leaves out, if it is of the same kind. */
  readonly basePolicy?: Policy | undefined;
  readonly policySource?: PolicySource | undefined;
  readonly meters?: Meters | undefined;
  readonly mode?: TargetsMode | undefined;
  readonly refreshMs?: number | undefined;
  readonly timeoutMs?: number | undefined;
  /** Of one page. A single deployment is never taken larger than 64 KiB or this, whichever is smaller. */
  readonly responseMaxBytes?: number | undefined;
  readonly pageSize?: number | undefined;
  readonly readsAtOnce?: number | undefined;
  /** One refresh begins nothing new after this long; the next goes on. */
  readonly budgetMs?: number | undefined;
  /** A version that nobody asked for this long is dropped from memory. */
  readonly forgetAfterMs?: number | undefined;
}

const DEPLOYMENT_MAX_BYTES = 64 * 1024;
/** How often a control plane that had no pages is asked for them again. */
const OFFER_AGAIN_MS = 600_000;
const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 60_000;

/** Bounds and policies, as a control plane states them; kept as they last were while it is silent. */
export class HttpTargetSource implements TargetSource {
  readonly #connection: ControlPlaneConnection;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #meters: Meters;
  readonly #mode: TargetsMode;
  readonly #cache: TargetCache;
  readonly #pages: TargetPages;
  readonly #reads: TargetReads;
  #hasReadPages = false;
  /** Until then pages are not asked for. */
  #pagesFromMs = Number.NEGATIVE_INFINITY;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #refreshing: Promise<{ ok: boolean; detail: string }> | undefined;
  #lastSuccessWallMs: number | undefined;
  #lastErrorWallMs: number | undefined;
  #lastError = '';

  constructor(options: HttpTargetSourceOptions) {
    const { connection, clock, random, refreshMs = 60_000, timeoutMs = 10_000, budgetMs = 8_000 } = options;
    const responseMaxBytes = options.responseMaxBytes ?? 16 * 1024 * 1024;
    this.#connection = connection;
    this.#clock = clock;
    this.#random = random;
    this.#meters = options.meters ?? silentMeters;
    this.#mode = options.mode ?? 'auto';
    this.#cache = new TargetCache({ clock, forgetAfterMs: options.forgetAfterMs ?? 900_000 });
    const policies = new PolicyReader({
      lookBackSeconds: options.lookBackSeconds,
      base: options.basePolicy,
      source: options.policySource ?? 'control-plane',
    });
    const means = { connection, clock, random, cache: this.#cache, policies, refreshMs, timeoutMs };
    this.#pages = new TargetPages({ ...means, responseMaxBytes, pageSize: options.pageSize ?? 1_000, budgetMs });
    this.#reads = new TargetReads({
      ...means,
      responseMaxBytes: Math.min(responseMaxBytes, DEPLOYMENT_MAX_BYTES),
      readsAtOnce: options.readsAtOnce ?? 16,
      budgetMs,
    });
  }

  async refresh(versions: readonly FunctionVersion[], signal?: AbortSignal): Promise<{ ok: boolean; detail: string }> {
    this.#cache.ask(versions);
    if (this.#clock.monotonicMs() < this.#notBeforeMs) return { ok: false, detail: this.#lastError };
    // Two cycles that overlap share one reading: its news is for both.
    this.#refreshing ??= this.#refresh(signal).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  get(versionId: string): TargetAnswer {
    return this.#cache.answer(versionId, this.#lastError || 'the control plane has not been asked yet');
  }

  status() {
    return {
      url: this.#connection.url,
      /** What is in use now. */
      mode: this.#usesPages() ? ('bulk' as const) : ('single' as const),
      ...this.#cache.count(),
      pages: this.#usesPages() ? this.#pages.pageCount : 0,
      lastSuccessWallMs: this.#lastSuccessWallMs,
      lastErrorWallMs: this.#lastErrorWallMs,
      lastError: this.#lastError,
    };
  }

  async #refresh(signal: AbortSignal | undefined): Promise<{ ok: boolean; detail: string }> {
    try {
      await this.#readAll(signal);
      this.#failures = 0;
      this.#lastError = '';
      this.#lastSuccessWallMs = this.#clock.wallMs();
      return { ok: true, detail: '' };
    } catch (error) {
      const detail = `scaling targets: ${scrubLine(errorText(error), 300)}`;
      // We stopped; that says nothing about the control plane.
      if (signal?.aborted) return { ok: false, detail };
      this.#lastError = detail;
      this.#lastErrorWallMs = this.#clock.wallMs();
      this.#notBeforeMs = this.#clock.monotonicMs() + this.#pauseMs(error);
      return { ok: false, detail };
    } finally {
      this.#measure();
    }
  }

  async #readAll(signal: AbortSignal | undefined): Promise<void> {
    if (!this.#usesPages()) return this.#reads.refresh(signal);
    try {
      await this.#pages.refresh(signal);
      this.#hasReadPages = true;
    } catch (error) {
      // A control plane that had pages once and now says "no such thing" is broken, not different.
      const isOffered = this.#hasReadPages || !(error instanceof ReadFailure) || error.kind !== 'not-offered';
      if (isOffered) throw error;
      if (this.#mode === 'bulk') {
        throw new ReadFailure(
          'not-offered',
          `${error.message}; this control plane has no pages, set the targets mode to auto or single`,
        );
      }
      this.#pagesFromMs = this.#clock.monotonicMs() + OFFER_AGAIN_MS;
      await this.#reads.refresh(signal);
    }
  }

  #usesPages(): boolean {
    if (this.#mode !== 'auto') return this.#mode === 'bulk';
    return this.#clock.monotonicMs() >= this.#pagesFromMs;
  }

  #pauseMs(error: unknown): number {
    this.#failures += 1;
    const grownMs = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#failures - 1, 10));
    const askedMs = error instanceof ReadFailure ? (error.retryAfterMs ?? 0) : 0;
    return Math.max(askedMs, grownMs * (0.5 + this.#random.next() / 2));
  }

  #measure(): void {
    const { oldestMs, ...counts } = this.#cache.count();
    for (const [state, count] of Object.entries(counts)) this.#meters.set('starling_targets', count, { state });
    this.#meters.set('starling_target_age_seconds_max', oldestMs / 1_000);
  }
}

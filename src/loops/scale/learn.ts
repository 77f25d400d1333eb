import { BUCKET_COUNT } from '../../domain/bucket.ts';
import { type Part, splitByPart } from '../../domain/part.ts';
import type { Policy } from '../../domain/policy.ts';
import type { Activation } from '../loop.ts';
import type { MemberParts } from '../member-parts.ts';
import type { Fleet } from './fleet.ts';
import type { Observer } from './observe.ts';
import type { Tracked } from './tracked.ts';

/** Named as in the configuration, where each is explained. */
export interface LearnSettings {
  readonly scaling: { readonly lookBackMs: number; readonly stepMs: number };
  /** Calls are looked for as far back as its idle time. */
  readonly defaultPolicy: Pick<Policy, 'idleTimeoutSeconds'>;
}

export interface LearnOptions extends Pick<MemberParts, 'reader' | 'clock'> {
  readonly fleet: Fleet;
  readonly observer: Observer;
  readonly settings: LearnSettings;
}

/** Of all versions here: with fewer newborn ones than this no past is read for them. */
const WORTH_SHARE = 0.1;
/** The longest time between the previous owner's last look and my first: a call in it was not seen. */
export const GAP_MS = 90_000;
/** The pause after a back-fill that failed; it is the dearest read of all. */
const RETRY_MS = 60_000;

/**
 * Learns what was before this replica began to watch: asked for once, and waited out where no answer comes. Beside
 * the cycles, not in them: raising needs no past.
 */
export class Learn {
  readonly #options: LearnOptions;
  /** By the name of the part, on the monotonic clock. */
  readonly #notBeforeMs = new Map<string, number>();

  constructor(options: LearnOptions) {
    this.#options = options;
  }

  async activate({ signal, stepDone }: Activation): Promise<void> {
    const { fleet, reader } = this.#options;
    const newcomers = this.#worthKnowing([...fleet.all()].filter((tracked) => this.#isNewcomer(tracked)));
    if (newcomers.length === 0) return;
    const buckets = [...new Set(newcomers.map(({ version }) => version.bucket))];
    const share = { buckets, versions: newcomers.length, bucketCount: BUCKET_COUNT };
    const parts = reader.plan({ ...share, isForPast: true });
    for (const [index, shown] of splitByPart(parts, newcomers).entries()) {
      signal.throwIfAborted();
      const part = parts[index];
      if (part && shown.length > 0) await this.#learn(part, shown, signal);
      stepDone();
    }
  }

  /** A few that have just been discovered have a short past, and reading everybody's to learn it would cost the store dearly. */
  #worthKnowing(newcomers: readonly Tracked[]): readonly Tracked[] {
    const newborn = newcomers.filter(({ isNewborn }) => isNewborn);
    if (newborn.length >= this.#options.fleet.size * WORTH_SHARE) return newcomers;
    for (const tracked of newborn) tracked.isPastKnown = true;
    return newcomers.filter(({ isPastKnown }) => !isPastKnown);
  }

  async #learn(part: Part, newcomers: readonly Tracked[], signal: AbortSignal): Promise<void> {
    const { reader, observer, clock, settings } = this.#options;
    const { lookBackMs, stepMs } = settings.scaling;
    const idleMs = settings.defaultPolicy.idleTimeoutSeconds * 1000;
    if (clock.monotonicMs() < (this.#notBeforeMs.get(part.name) ?? 0)) return;
    const backfills = await reader.backfill(part, { lookBackMs, stepMs, idleMs, gapMs: GAP_MS, signal });
    // What failed is tried again later; what came is used.
    const isComplete = backfills.every((backfill) => backfill.state === 'read');
    if (isComplete) this.#notBeforeMs.delete(part.name);
    else this.#notBeforeMs.set(part.name, clock.monotonicMs() + RETRY_MS);
    for (const tracked of newcomers) {
      // It may have left meanwhile, and nothing would ever clear away what is remembered of it then.
      if (!tracked.isStateRead) continue;
      observer.prefill(tracked, backfills, { nowMs: clock.wallMs(), idleMs });
      tracked.isPastKnown = isComplete;
    }
  }

  /** One that was looked at, so that it is known which profile's past is wanted, and not for long. */
  #isNewcomer(tracked: Tracked): boolean {
    const { clock, settings } = this.#options;
    tracked.isPastKnown ||= clock.monotonicMs() - tracked.sinceMs >= settings.scaling.lookBackMs;
    return !tracked.isPastKnown && tracked.isStateRead && tracked.latest !== undefined;
  }
}

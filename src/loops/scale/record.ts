import type { Actuation } from '../../domain/actuation.ts';
import type { Bucket } from '../../domain/bucket.ts';
import type { Decision } from '../../domain/decision.ts';
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import { areSameReasons, type Reason } from '../../domain/reason.ts';
import type { Ledger } from '../../ports/ledger.ts';
import type { MemberParts } from '../member-parts.ts';
import type { Tracked } from './tracked.ts';
import { noteTrail } from './trail.ts';

/** Named as in the configuration, where each is explained. */
export interface RecorderSettings {
  readonly store: {
    readonly ledgerFlushMs: number;
    /** Entries held while the store does not take them; the oldest go first. */
    readonly ledgerBuffer: number;
  };
}

export interface RecorderOptions extends Pick<MemberParts, 'memberId' | 'clock' | 'logger' | 'meters'> {
  readonly ledger: Ledger;
  readonly settings: RecorderSettings;
}

/** Ten thousand at once take a store's client a quarter of a second, in which no heartbeat goes out. */
const ENTRIES_PER_WRITE = 500;

/**
 * Keeps what was decided and done where people find it: the latest in memory, what is new in the ledger, acts in the log.
 * A decision is new when its verdict or its reasons are others than last time; numbers alone make none.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #servedMs = new Map<Bucket, number>();
  /** The reasons last given under each key: a fleet has few keys, and versions at rest all give the same reasons. */
  readonly #lastReasons = new Map<string, { readonly key: string; reasons: readonly Reason[] }>();
  #buffer: LedgerEntry[] = [];
  #flushing: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  decided(tracked: Tracked, decision: Decision): void {
    const { verdict, previous, wanted, actual, policy, atMs } = decision;
    const { key, reasons } = this.#shareReasons(tracked, decision);
    tracked.latest = { verdict, previous, wanted, actual, reasons, policy, atMs };
    tracked.trail = noteTrail(tracked.trail, { atMs, wanted, actual });
    this.#options.meters.add('starling_decisions_total', 1, { verdict, reason: reasons[0]?.code ?? 'none' });
    const isFirst = tracked.recordedKey === '';
    if (key === tracked.recordedKey) return;
    tracked.recordedKey = key;
    // That a version is met and left as it is would be a row per version at every take-over, and no news.
    if (isFirst && verdict === 'keep') return;
    // What is acted on is entered when its outcome is known.
    if (verdict === 'keep' || verdict === 'abstain') this.#enter(tracked, decision, undefined);
  }

  acted(tracked: Tracked, decision: Decision, actuation: Actuation): void {
    this.#enter(tracked, decision, actuation);
    this.#measure(decision, actuation);
    const { functionId, versionId } = tracked.version;
    const level = ['applied', 'already-so', 'dry-run'].includes(actuation.outcome) ? 'info' : 'warn';
    this.#options.logger[level](
      {
        event: `actuation.${actuation.outcome}`,
        function_id: functionId,
        function_version_id: versionId,
        from: decision.previous,
        to: decision.wanted,
        token: tracked.state?.token,
        reasons: decision.reasons.map((reason) => reason.code),
        ...(actuation.detail && { detail: actuation.detail }),
      },
      `${decision.verdict} ${decision.previous ?? '?'} -> ${decision.wanted ?? '?'}`,
    );
  }

  served(buckets: readonly Bucket[]): void {
    const { clock, meters } = this.#options;
    const nowMs = clock.monotonicMs();
    for (const bucket of buckets) {
      this.#servedMs.set(bucket, nowMs);
      meters.set('starling_bucket_last_decision_timestamp_seconds', clock.wallMs() / 1000, { bucket });
    }
  }

  /** Whether this bucket was evaluated since it came here. */
  hasServed(bucket: Bucket): boolean {
    return this.#servedMs.has(bucket);
  }

  left(bucket: Bucket): void {
    this.#servedMs.delete(bucket);
    this.#options.meters.set('starling_bucket_last_decision_timestamp_seconds', Number.NaN, { bucket });
  }

  /** Milliseconds since the last evaluation; undefined where there was none here. */
  servedAgeMs(bucket: Bucket): number | undefined {
    const servedMs = this.#servedMs.get(bucket);
    return servedMs === undefined ? undefined : this.#options.clock.monotonicMs() - servedMs;
  }

  /** Writes what is left, for a stop; bounded by the store's own deadlines. */
  async close(): Promise<void> {
    this.#cancelTimer?.();
    await this.#flushing;
    await this.#flush();
  }

  #measure({ verdict, previous = 0, wanted = 0, signals, atMs }: Decision, { outcome }: Actuation): void {
    const { meters, clock } = this.#options;
    meters.record('starling_decision_delta_instances', Math.abs(wanted - previous), { verdict });
    const newest = signals.utilisation.samples.at(-1) ?? signals.demand.samples.at(-1);
    if (newest) meters.record('starling_sample_age_seconds', (atMs - newest.atMs) / 1000);
    if (outcome === 'applied') meters.record('starling_time_to_apply_seconds', (clock.wallMs() - atMs) / 1000);
  }

  /**
   * The key and the reasons of a decision, as they were kept before if they are the same: a version at rest says them again
   * and again, and so do others beside it. Kept as a copy, because an array that was pushed to has room for 17.
   */
  #shareReasons({ latest }: Tracked, { verdict, reasons }: Decision): { key: string; reasons: readonly Reason[] } {
    const text = `${verdict}:${reasons.map(({ code }) => code).join(' ')}`;
    const held = this.#lastReasons.get(text);
    if (!held) {
      const first = { key: text, reasons: reasons.slice() };
      this.#lastReasons.set(text, first);
      return { ...first };
    }
    const { key } = held;
    if (areSameReasons(held.reasons, reasons)) return { key, reasons: held.reasons };
    if (latest && areSameReasons(latest.reasons, reasons)) return { key, reasons: latest.reasons };
    held.reasons = reasons.slice();
    return { key, reasons: held.reasons };
  }

  #enter(tracked: Tracked, decision: Decision, actuation: Actuation | undefined): void {
    const { versionId, functionId } = tracked.version;
    const { signals, ...decided } = decision;
    this.#buffer.push({
      ...decided,
      versionId,
      functionId,
      utilisation: signals.utilisation.samples,
      demand: signals.demand.samples,
      holder: this.#options.memberId,
      token: actuation ? tracked.state?.token : undefined,
      outcome: actuation?.outcome,
      detail: actuation?.detail ?? '',
    });
    const surplus = this.#buffer.length - this.#options.settings.store.ledgerBuffer;
    if (surplus > 0) {
      this.#buffer.splice(0, surplus);
      this.#options.meters.add('starling_ledger_dropped_total', surplus);
    }
    this.#cancelTimer ??= this.#options.clock.after(this.#options.settings.store.ledgerFlushMs, () => {
      this.#cancelTimer = undefined;
      this.#flushing = (this.#flushing ?? Promise.resolve()).then(() => this.#flush());
    });
  }

  async #flush(): Promise<void> {
    const entries = this.#buffer;
    if (entries.length === 0) return;
    this.#buffer = [];
    let from = 0;
    try {
      for (; from < entries.length; from += ENTRIES_PER_WRITE) {
        await this.#options.ledger.record(entries.slice(from, from + ENTRIES_PER_WRITE));
      }
    } catch (error) {
      // Some of them may be in; the rest is lost, which does no harm.
      const lost = entries.length - from;
      this.#options.meters.add('starling_ledger_dropped_total', lost);
      this.#options.logger.warn({ event: 'ledger.lost', entries: lost, err: error }, 'decisions were not recorded');
    }
  }
}

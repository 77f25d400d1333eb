import type { FunctionVersion } from '../../domain/function-version.ts';
import type { Target } from '../../domain/target.ts';
import type { Clock } from '../../lib/clock.ts';
import type { TargetAnswer } from '../../ports/target-source.ts';

/** When something was last said. Shared by all that one page said. */
export interface Confirmation {
  confirmedMs: number;
}

/** What is known of one version that was asked for. */
export interface Known extends FunctionVersion {
  target: Target | undefined;
  confirmation: Confirmation | undefined;
  isGone: boolean;
  /** Why there is no usable news. */
  trouble: string;
  askedMs: number;
}

/** Keeps only what was asked for, and drops it when it is no longer asked for. */
export class TargetCache {
  readonly #clock: Clock;
  readonly #forgetAfterMs: number;
  readonly #known = new Map<string, Known>();
  /** Asked for, and not answered yet. */
  readonly #pending = new Set<string>();
  #sweptMs: number;

  constructor({ clock, forgetAfterMs }: { clock: Clock; forgetAfterMs: number }) {
    this.#clock = clock;
    this.#forgetAfterMs = forgetAfterMs;
    this.#sweptMs = clock.monotonicMs();
  }

  pending(): ReadonlySet<string> {
    return this.#pending;
  }

  all(): IterableIterator<Known> {
    return this.#known.values();
  }

  find(versionId: string): Known | undefined {
    return this.#known.get(versionId);
  }

  has(versionId: string): boolean {
    return this.#known.has(versionId);
  }

  ask(versions: readonly FunctionVersion[]): void {
    const nowMs = this.#clock.monotonicMs();
    for (const { versionId, functionId, account } of versions) {
      const known = this.#known.get(versionId);
      if (known) known.askedMs = nowMs;
      else {
        this.#known.set(versionId, {
          versionId,
          functionId,
          account,
          target: undefined,
          confirmation: undefined,
          isGone: false,
          trouble: '',
          askedMs: nowMs,
        });
        this.#pending.add(versionId);
      }
    }
    this.#forget(nowMs);
  }

  set(known: Known, target: Target, confirmation: Confirmation): void {
    // The same news is the same object: a comparison by identity shows that nothing changed.
    if (!known.target || !isSame(known.target, target)) known.target = target;
    known.confirmation = confirmation;
    known.isGone = false;
    known.trouble = '';
    this.#pending.delete(known.versionId);
  }

  /** It is there, and what is said of it makes no sense: what was known before goes on ageing. */
  setTrouble(known: Known, trouble: string): void {
    this.setUnconfirmed(known);
    known.trouble = trouble;
    known.isGone = false;
    this.#pending.delete(known.versionId);
  }

  /** There is no news of it, though there is of the others on its page. */
  setUnconfirmed(known: Known): void {
    if (known.confirmation) known.confirmation = { confirmedMs: known.confirmation.confirmedMs };
  }

  setGone(known: Known): void {
    // Forgotten and asked for anew meanwhile: another one bears its name now.
    if (this.#known.get(known.versionId) !== known) return;
    known.isGone = true;
    known.trouble = '';
    this.#pending.delete(known.versionId);
  }

  isPending(known: Known): boolean {
    return this.#pending.has(known.versionId);
  }

  answer(versionId: string, whyPending: string): TargetAnswer {
    const known = this.#known.get(versionId);
    if (known?.isGone) return { state: 'gone' };
    if (known?.target && known.confirmation) {
      const ageMs = Math.max(0, this.#clock.monotonicMs() - known.confirmation.confirmedMs);
      return { state: 'known', target: known.target, ageMs };
    }
    return { state: 'unknown', detail: known?.trouble || whyPending };
  }

  count(): { known: number; gone: number; unknown: number; oldestMs: number } {
    const nowMs = this.#clock.monotonicMs();
    const count = { known: 0, gone: 0, unknown: 0, oldestMs: 0 };
    for (const { isGone, target, confirmation } of this.#known.values()) {
      if (isGone) count.gone += 1;
      else if (target && confirmation) {
        count.known += 1;
        count.oldestMs = Math.max(count.oldestMs, nowMs - confirmation.confirmedMs);
      } else count.unknown += 1;
    }
    return count;
  }

  #forget(nowMs: number): void {
    if (nowMs - this.#sweptMs < this.#forgetAfterMs / 4) return;
    this.#sweptMs = nowMs;
    for (const [versionId, { askedMs }] of this.#known) {
      if (nowMs - askedMs < this.#forgetAfterMs) continue;
      this.#known.delete(versionId);
      this.#pending.delete(versionId);
    }
  }
}

function isSame(a: Target, b: Target): boolean {
  return (
    a.status === b.status &&
    a.instancesMin === b.instancesMin &&
    a.instancesMax === b.instancesMax &&
    a.concurrency === b.concurrency &&
    a.policy === b.policy &&
    a.instancesActive === b.instancesActive &&
    a.instancesPending === b.instancesPending &&
    a.functionId === b.functionId &&
    a.account === b.account &&
    a.name === b.name
  );
}

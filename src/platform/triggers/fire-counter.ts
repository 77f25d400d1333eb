import type { TriggerCounts } from '../model/triggers.ts';

class Counts implements TriggerCounts {
  fires = 0;
  readonly failures = new Map<string, number>();
  readonly skips = { overlap: 0, missed: 0 };
}

const NOTHING: TriggerCounts = new Counts();

/** What became of the calls of each trigger, for the metrics. */
export class FireCounter {
  readonly #counts = new Map<string, Counts>();

  of(triggerId: string): TriggerCounts {
    return this.#counts.get(triggerId) ?? NOTHING;
  }

  countFire(triggerId: string): void {
    this.#counted(triggerId).fires += 1;
  }

  /** Of a call that was counted; not of one whose trigger has gone meanwhile. */
  countFailure(triggerId: string, code: string): void {
    const failures = this.#counts.get(triggerId)?.failures;
    failures?.set(code, (failures.get(code) ?? 0) + 1);
  }

  countSkip(triggerId: string, why: 'overlap' | 'missed'): void {
    this.#counted(triggerId).skips[why] += 1;
  }

  forget(triggerId: string): void {
    this.#counts.delete(triggerId);
  }

  #counted(triggerId: string): Counts {
    let counts = this.#counts.get(triggerId);
    if (!counts) {
      counts = new Counts();
      this.#counts.set(triggerId, counts);
    }
    return counts;
  }
}

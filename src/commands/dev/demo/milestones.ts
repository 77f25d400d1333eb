import type { AppliedChange } from './applied-changes.ts';
import { type DemoName, MILESTONES, type Milestone } from './demo-script.ts';

/** The counts of one function at a moment. */
export interface InstanceCounts {
  /** What the autoscaler wants; undefined: it has not decided yet. */
  readonly wanted: number | undefined;
  /** The count that the platform last accepted; undefined: none yet, and it goes by its own rules. */
  readonly wish: number | undefined;
  readonly instances: number;
}

/** Notices, from one look to the next, what the demo is meant to show: what the autoscaler did, and that instances followed. */
export class Milestones {
  readonly #last = new Map<DemoName, InstanceCounts>();
  readonly #sleeping = new Set<DemoName>();
  readonly #waking = new Set<DemoName>();
  readonly #seen = new Set<Milestone>();

  /** `changes` are those since the last look. Returns what was seen for the first time. */
  look(name: DemoName, now: InstanceCounts, changes: readonly AppliedChange[]): Milestone[] {
    this.#last.set(name, now);
    const reached: Milestone[] = [];
    for (const { previous, wanted } of changes) {
      if (previous >= 1 && wanted > previous) reached.push('scale-up');
      if (wanted >= 1 && wanted < previous) reached.push('scale-down');
      if (previous === 0 && wanted >= 1) this.#waking.add(name);
      if (wanted === 0) this.#sleeping.add(name);
      else this.#sleeping.delete(name);
    }
    if (now.instances === 0 && this.#sleeping.delete(name)) reached.push('to zero');
    if (now.instances >= 1 && this.#waking.delete(name)) reached.push('from zero');
    const fresh = [...new Set(reached)].filter((milestone) => !this.#seen.has(milestone));
    for (const milestone of fresh) this.#seen.add(milestone);
    return fresh;
  }

  has(milestone: Milestone): boolean {
    return this.#seen.has(milestone);
  }

  /** The autoscaler sent each of these to zero, and there they are. */
  areAtZero(names: readonly DemoName[]): boolean {
    return names.every((name) => {
      const counts = this.#last.get(name);
      return counts?.wish === 0 && counts.instances === 0;
    });
  }

  /** The autoscaler has these running, and wants at least so many of each. */
  areRunning(counts: Readonly<Partial<Record<DemoName, number>>>): boolean {
    return Object.entries(counts).every(([name, count]) => {
      const counts = this.#last.get(name as DemoName);
      return (counts?.wish ?? 0) >= count && (counts?.instances ?? 0) > 0;
    });
  }

  /** The autoscaler wants at most so many of each of these, and at least one. */
  areLowered(counts: Readonly<Partial<Record<DemoName, number>>>): boolean {
    return Object.entries(counts).every(([name, count]) => {
      const wish = this.#last.get(name as DemoName)?.wish ?? 0;
      return wish >= 1 && wish <= count;
    });
  }

  get missing(): Milestone[] {
    return MILESTONES.filter((milestone) => !this.#seen.has(milestone));
  }
}

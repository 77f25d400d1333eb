import type { AppliedChange } from './applied-changes.ts';
import { type DemoName, SIGHTS, type Sight } from './demo-script.ts';

/** How one function stands at a moment. */
export interface Standing {
  /** What the autoscaler says; undefined: it has not spoken yet. */
  readonly wanted: number | undefined;
  /** What the platform was last told; undefined: nothing yet, and it goes by its own rules. */
  readonly wish: number | undefined;
  readonly instances: number;
}

/** Notices, from one look to the next, what the demo is there to show: what the autoscaler did, and that it came about. */
export class Sightings {
  readonly #last = new Map<DemoName, Standing>();
  readonly #sleeping = new Set<DemoName>();
  readonly #waking = new Set<DemoName>();
  readonly #seen = new Set<Sight>();

  /** `changes` are those since the last look. Returns what was seen for the first time. */
  look(name: DemoName, now: Standing, changes: readonly AppliedChange[]): Sight[] {
    this.#last.set(name, now);
    const sights: Sight[] = [];
    for (const { previous, wanted } of changes) {
      if (previous >= 1 && wanted > previous) sights.push('scale-up');
      if (wanted >= 1 && wanted < previous) sights.push('scale-down');
      if (previous === 0 && wanted >= 1) this.#waking.add(name);
      if (wanted === 0) this.#sleeping.add(name);
      else this.#sleeping.delete(name);
    }
    if (now.instances === 0 && this.#sleeping.delete(name)) sights.push('to zero');
    if (now.instances >= 1 && this.#waking.delete(name)) sights.push('from zero');
    const fresh = sights.filter((sight, index) => !this.#seen.has(sight) && sights.indexOf(sight) === index);
    for (const sight of fresh) this.#seen.add(sight);
    return fresh;
  }

  has(sight: Sight): boolean {
    return this.#seen.has(sight);
  }

  /** The autoscaler sent each of these to zero, and there they are. */
  areAsleep(names: readonly DemoName[]): boolean {
    return names.every((name) => {
      const standing = this.#last.get(name);
      return standing?.wish === 0 && standing.instances === 0;
    });
  }

  /** The autoscaler has these running, and wants at least so many of each. */
  areInHand(counts: Readonly<Partial<Record<DemoName, number>>>): boolean {
    return Object.entries(counts).every(([name, count]) => {
      const standing = this.#last.get(name as DemoName);
      return (standing?.wish ?? 0) >= count && (standing?.instances ?? 0) > 0;
    });
  }

  /** The autoscaler wants at most so many of each of these, and at least one. */
  areEased(counts: Readonly<Partial<Record<DemoName, number>>>): boolean {
    return Object.entries(counts).every(([name, count]) => {
      const wish = this.#last.get(name as DemoName)?.wish ?? 0;
      return wish >= 1 && wish <= count;
    });
  }

  get missing(): Sight[] {
    return SIGHTS.filter((sight) => !this.#seen.has(sight));
  }
}

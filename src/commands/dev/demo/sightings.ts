import { type DemoName, SIGHTS, type Sight } from './demo-script.ts';

/** How one function stands at a moment. */
export interface Standing {
  /** Undefined: the autoscaler has not spoken yet. */
  readonly wanted: number | undefined;
  readonly instances: number;
}

/** Notices, from one look to the next, what the demo is there to show. */
export class Sightings {
  readonly #last = new Map<DemoName, Standing>();
  readonly #slept = new Set<DemoName>();
  readonly #seen = new Set<Sight>();

  /** Returns what was seen for the first time. */
  look(name: DemoName, now: Standing): Sight[] {
    const before = this.#last.get(name);
    this.#last.set(name, now);
    if (!before || now.wanted === undefined) return [];
    const sights: Sight[] = [];
    const { wanted: wantedBefore = 0 } = before;
    if (wantedBefore >= 1 && now.wanted > wantedBefore) sights.push('scale-up');
    if (now.wanted >= 1 && now.wanted < wantedBefore) sights.push('scale-down');
    if (before.instances > 0 && now.instances === 0 && now.wanted === 0) {
      this.#slept.add(name);
      sights.push('to zero');
    }
    if (now.instances > 0 && this.#slept.delete(name)) sights.push('from zero');
    const fresh = sights.filter((sight) => !this.#seen.has(sight));
    for (const sight of fresh) this.#seen.add(sight);
    return fresh;
  }

  has(sight: Sight): boolean {
    return this.#seen.has(sight);
  }

  get isAllAtZero(): boolean {
    return [...this.#last.values()].every(({ wanted, instances }) => (wanted ?? 0) === 0 && instances === 0);
  }

  /** The autoscaler wants something of each of these. */
  isInHand(names: readonly DemoName[]): boolean {
    return names.every((name) => (this.#last.get(name)?.wanted ?? 0) > 0);
  }

  get missing(): Sight[] {
    return SIGHTS.filter((sight) => !this.#seen.has(sight));
  }
}

import { type Labels, labelsKey, METRIC_NAME } from '../storage/labels.ts';

export interface Grouping {
  readonly labels: readonly string[];
  readonly isWithout: boolean;
}

/** How label sets with the same names are looked at. */
interface Shape {
  /** The labels that a group has, and where they stand. */
  readonly names: readonly string[];
  readonly places: readonly number[];
  /** Where the labels of `by` stand, in its order; -1: not there. */
  readonly keyPlaces: readonly number[];
}

/** Puts label sets into groups, numbered in the order in which they come up. */
export class Groups {
  /** Of each group. */
  readonly labels: Labels[] = [];
  readonly #grouping: Grouping;
  readonly #looked: ReadonlySet<string>;
  readonly #groupOf = new Map<string, number>();
  #names: readonly string[] | undefined;
  #shape: Shape = { names: [], places: [], keyPlaces: [] };

  constructor(grouping: Grouping) {
    this.#grouping = grouping;
    this.#looked = new Set(grouping.isWithout ? [...grouping.labels, METRIC_NAME] : grouping.labels);
  }

  of(labels: Labels): number {
    const { names, values } = labels;
    // Series that were added one after the other mostly have the same names in the same places.
    if (names !== this.#names) {
      this.#names = names;
      this.#shape = this.#shapeOf(names);
    }
    const key = this.#keyOf(values);
    const known = this.#groupOf.get(key);
    if (known !== undefined) return known;
    const group = this.labels.push(this.#picked(values)) - 1;
    this.#groupOf.set(key, group);
    return group;
  }

  #shapeOf(names: readonly string[]): Shape {
    const { isWithout, labels } = this.#grouping;
    const kept = names.filter((name) => this.#looked.has(name) !== isWithout);
    return {
      names: kept,
      places: kept.map((name) => names.indexOf(name)),
      keyPlaces: labels.map((name) => names.indexOf(name)),
    };
  }

  /** The same text for sets of the same group. */
  #keyOf(values: readonly string[]): string {
    if (this.#grouping.isWithout) return labelsKey(this.#picked(values));
    const { keyPlaces } = this.#shape;
    // One value as it is: a text that is not new need not be hashed again.
    if (keyPlaces.length === 1) return valueAt(values, keyPlaces[0] as number);
    let key = '';
    for (const place of keyPlaces) {
      const value = valueAt(values, place);
      key += `${value.length}:${value}`;
    }
    return key;
  }

  #picked(values: readonly string[]): Labels {
    const { names, places } = this.#shape;
    return { names, values: places.map((place) => values[place] as string) };
  }
}

function valueAt(values: readonly string[], place: number): string {
  return place < 0 ? '' : (values[place] as string);
}

import murmurhash from 'murmurhash';
import { type Labels, labelsKey, labelValue } from './labels.ts';
import type { Matcher } from './matcher.ts';

/** One series: its labels, and where its samples stand, oldest first. */
export interface Series {
  readonly labels: Labels;
  readonly blocks: number[];
  lastMs: number;
  /** No longer in the store: a holder must ask for it anew. */
  isDropped: boolean;
}

/** Which series carry which label: finds them by their labels, and by matchers without looking at all of them. */
export class SeriesIndex {
  readonly #byHash = new Map<number, Series | Series[]>();
  readonly #postings = new Map<string, Map<string, Series[]>>();
  /** The label names of a kind of series, kept once. */
  readonly #shapes = new Map<string, readonly string[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  find(labels: Labels): Series | undefined {
    const found = this.#byHash.get(hashOf(labels));
    if (found === undefined) return undefined;
    return (Array.isArray(found) ? found : [found]).find((series) => isSame(series.labels, labels));
  }

  /** Texts that are known already are not kept a second time. */
  intern({ names, values }: Labels): Labels {
    const shape = names.join();
    const known = this.#shapes.get(shape) ?? names.map(copied);
    this.#shapes.set(shape, known);
    return {
      names: known,
      values: values.map((value, at) => {
        const [first] = this.#postings.get(known[at] as string)?.get(value) ?? [];
        return first === undefined ? copied(value) : labelValue(first.labels, known[at] as string);
      }),
    };
  }

  add(series: Series): void {
    const hash = hashOf(series.labels);
    const found = this.#byHash.get(hash);
    this.#byHash.set(hash, found === undefined ? series : [...(Array.isArray(found) ? found : [found]), series]);
    const { names, values } = series.labels;
    for (let at = 0; at < names.length; at += 1) {
      const name = names[at] as string;
      const value = values[at] as string;
      const byValue = this.#postings.get(name) ?? new Map<string, Series[]>();
      this.#postings.set(name, byValue);
      const list = byValue.get(value);
      if (list) list.push(series);
      else byValue.set(value, [series]);
    }
    this.#size += 1;
  }

  /** Each list that holds one of them is gone through once, however many leave it. */
  remove(gone: ReadonlySet<Series>): void {
    const touched = new Map<string, Set<string>>();
    for (const series of gone) {
      const hash = hashOf(series.labels);
      const found = this.#byHash.get(hash);
      const others = Array.isArray(found) ? found.filter((other) => other !== series) : [];
      if (others.length > 0) this.#byHash.set(hash, others);
      else this.#byHash.delete(hash);
      const { names, values } = series.labels;
      for (let at = 0; at < names.length; at += 1) {
        const name = names[at] as string;
        const set = touched.get(name) ?? new Set();
        touched.set(name, set.add(values[at] as string));
      }
    }
    for (const [name, values] of touched) {
      const byValue = this.#postings.get(name);
      for (const value of values) {
        const left = byValue?.get(value)?.filter((series) => !gone.has(series)) ?? [];
        if (left.length > 0) byValue?.set(value, left);
        else byValue?.delete(value);
      }
      if (byValue?.size === 0) this.#postings.delete(name);
    }
    this.#size -= gone.size;
  }

  /** In no particular order. */
  select(matchers: readonly Matcher[]): Series[] {
    const start = this.#narrowest(matchers);
    const others = matchers.filter((matcher) => matcher !== start.by);
    if (others.length === 0) return start.series.slice();
    for (const matcher of others) {
      matcher.learn(new Set(start.series.map(({ labels }) => labelValue(labels, matcher.name))));
    }
    const selected: Series[] = [];
    // Series that were added one after the other mostly have the same names in the same places.
    let names: readonly string[] | undefined;
    const places: number[] = [];
    for (const series of start.series) {
      const { labels } = series;
      if (labels.names !== names) {
        names = labels.names;
        for (const [at, { name }] of others.entries()) places[at] = names.indexOf(name);
      }
      let isMatch = true;
      for (let at = 0; isMatch && at < others.length; at += 1) {
        const place = places[at] as number;
        isMatch = (others[at] as Matcher).matches(place < 0 ? '' : (labels.values[place] as string));
      }
      if (isMatch) selected.push(series);
    }
    return selected;
  }

  #narrowest(matchers: readonly Matcher[]): { series: readonly Series[]; by: Matcher | undefined } {
    let best: { lists: readonly (readonly Series[])[]; count: number; by: Matcher } | undefined;
    for (const matcher of matchers) {
      // Series without the label would match too, and stand in none of its lists.
      if (matcher.matches('')) continue;
      const lists = this.#listsOf(matcher);
      const count = lists.reduce((sum, list) => sum + list.length, 0);
      if (!best || count < best.count) best = { lists, count, by: matcher };
    }
    if (!best) return { series: [...this.all()], by: undefined };
    const [only] = best.lists;
    return { series: best.lists.length === 1 && only ? only : best.lists.flat(), by: best.by };
  }

  #listsOf(matcher: Matcher): (readonly Series[])[] {
    const byValue = this.#postings.get(matcher.name);
    if (!byValue) return [];
    if (matcher.values) return [...matcher.values].flatMap((value) => [byValue.get(value) ?? []]);
    matcher.learn(byValue.keys());
    return [...byValue].flatMap(([value, list]) => (matcher.matches(value) ? [list] : []));
  }

  *all(): Generator<Series> {
    for (const found of this.#byHash.values()) {
      if (Array.isArray(found)) yield* found;
      else yield found;
    }
  }
}

function hashOf(labels: Labels): number {
  return murmurhash.v3(labelsKey(labels), 0);
}

function isSame(a: Labels, b: Labels): boolean {
  return (
    a.names.length === b.names.length &&
    a.names.every((name, at) => name === b.names[at]) &&
    a.values.every((value, at) => value === b.values[at])
  );
}

/** A piece of a text keeps the whole text alive, and a scraped page has megabytes. */
function copied(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

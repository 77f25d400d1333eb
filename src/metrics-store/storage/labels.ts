/** A label set, its names in ascending order. No value is empty: an empty label is the same as none. */
export interface Labels {
  readonly names: readonly string[];
  readonly values: readonly string[];
}

export const METRIC_NAME = '__name__';
export const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
export const NO_LABELS: Labels = { names: [], values: [] };

export function labelsOf(pairs: Iterable<readonly [name: string, value: string]>): Labels {
  const sorted = [...pairs].filter(([, value]) => value !== '').sort(([a], [b]) => compareTexts(a, b));
  return { names: sorted.map(([name]) => name), values: sorted.map(([, value]) => value) };
}

/** The empty text when there is no such label. */
export function labelValue({ names, values }: Labels, name: string): string {
  const at = names.indexOf(name);
  return at < 0 ? '' : (values[at] as string);
}

/** Those of `keep`, or those not in it. */
export function pickLabels(labels: Labels, keep: ReadonlySet<string>, isKept: boolean): Labels {
  const names: string[] = [];
  const values: string[] = [];
  for (let at = 0; at < labels.names.length; at += 1) {
    const name = labels.names[at] as string;
    if (keep.has(name) !== isKept) continue;
    names.push(name);
    values.push(labels.values[at] as string);
  }
  return { names, values };
}

/** With this label set, or taken away by an empty value. */
export function withLabel(labels: Labels, name: string, value: string): Labels {
  return labelSetter(name)(labels, value);
}

/** Sets the same label of one set after the other; sets with the same names go on sharing them. */
export function labelSetter(name: string): (labels: Labels, value: string) => Labels {
  let before: readonly string[] | undefined;
  let isThere = false;
  let place = 0;
  let names: readonly string[] = [];
  return (labels, value) => {
    if (value === '') return pickLabels(labels, new Set([name]), false);
    if (labels.names !== before) {
      before = labels.names;
      isThere = before.includes(name);
      place = isThere ? before.indexOf(name) : before.filter((other) => other < name).length;
      names = isThere ? before : before.toSpliced(place, 0, name);
    }
    return { names, values: labels.values.toSpliced(place, isThere ? 1 : 0, value) };
  };
}

export function labelEntries({ names, values }: Labels): [name: string, value: string][] {
  return names.map((name, at) => [name, values[at] as string]);
}

/** The same text for the same labels and for no others: lengths stand before the texts, so no text can look like two. */
export function labelsKey({ names, values }: Labels): string {
  let key = '';
  for (let at = 0; at < names.length; at += 1) {
    const name = names[at] as string;
    const value = values[at] as string;
    key += `${name}=${value.length}:${value}`;
  }
  return key;
}

/** As Prometheus sorts the series of an answer. */
export function compareLabels(a: Labels, b: Labels): number {
  const shared = Math.min(a.names.length, b.names.length);
  for (let at = 0; at < shared; at += 1) {
    const names = compareTexts(a.names[at] as string, b.names[at] as string);
    if (names !== 0) return names;
    const values = compareTexts(a.values[at] as string, b.values[at] as string);
    if (values !== 0) return values;
  }
  return a.names.length - b.names.length;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `{a="1", b="2"}`, as error texts show label sets. */
export function showLabels(labels: Labels): string {
  return `{${labelEntries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(', ')}}`;
}

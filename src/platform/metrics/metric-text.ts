import { header, labelText, numberText } from '../../telemetry/prometheus-text.ts';

export type MetricKind = 'counter' | 'gauge';

/** Families of one page of Prometheus text, filled in any order: series of one name must stand together. */
export class MetricText {
  readonly #families = new Map<string, { readonly head: string; text: string }>();

  /** A family shows even before it has a series when it is declared. */
  declare(name: string, kind: MetricKind, help: string): void {
    this.#families.set(name, { head: header({ name, kind, help }), text: '' });
  }

  /** `labels`: from `labelsOf`, so that what is the same for many series is written once. */
  add(name: string, labels: string, value: number): void {
    const family = this.#families.get(name);
    if (!family) throw new Error(`the metric ${name} is not declared`);
    family.text += `${name}${labels === '' ? '' : `{${labels}}`} ${numberText(value)}\n`;
  }

  toString(): string {
    let page = '';
    for (const { head, text } of this.#families.values()) page += head + text;
    return page;
  }
}

/** Label pairs without the braces, safe for any text. */
export function labelsOf(labels: Readonly<Record<string, string>>): string {
  return labelText(labels).slice(1, -1);
}

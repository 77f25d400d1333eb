import { STALE_MARKER, type WrittenSeries } from './remote-write.ts';

const LINES_PER_REQUEST = 100_000;

/** Brings samples to a store as Prometheus text with time stamps: how the embedded metrics store takes them. */
export class PageWriter {
  readonly #url: string;

  constructor(baseUrl: string) {
    this.#url = `${baseUrl}/api/v1/import/prometheus`;
  }

  async write(series: Iterable<WrittenSeries>): Promise<void> {
    let lines: string[] = [];
    for (const { labels, timesMs, values } of series) {
      const text = seriesText(labels);
      for (let at = 0; at < timesMs.length; at += 1) lines.push(`${text} ${valueText(values[at] ?? 0)} ${timesMs[at]}`);
      if (lines.length < LINES_PER_REQUEST) continue;
      await this.#send(lines);
      lines = [];
    }
    await this.#send(lines);
  }

  async #send(lines: readonly string[]): Promise<void> {
    const answer = await fetch(this.#url, { method: 'POST', body: lines.map((line) => `${line}\n`).join('') });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`import at ${this.#url}: ${answer.status} ${text.slice(0, 300)}`);
  }
}

function seriesText({ __name__: name = '', ...labels }: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`);
  return `${name}{${pairs.join()}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function valueText(value: number): string {
  if (value === STALE_MARKER) return 'StaleNaN';
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

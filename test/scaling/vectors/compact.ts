/**
 * Packs recorded decisions of the peer (JSON Lines, one object each) into decisions.json, which the tests read:
 *
 *   node test/scaling/vectors/compact.ts <vectors.jsonl>
 *
 * Nothing is recalculated: what repeats (policies, series of samples) stands once and is pointed at. A value that a
 * JavaScript number prints exactly as it was written is kept as a number, all others as the string they were.
 */
import { readFileSync, writeFileSync } from 'node:fs';

class Table {
  readonly rows: unknown[] = [];
  readonly #indexes = new Map<string, number>();
  indexOf(row: unknown): number {
    const key = JSON.stringify(row);
    const index = this.#indexes.get(key) ?? this.rows.push(row) - 1;
    this.#indexes.set(key, index);
    return index;
  }
}

const source = process.argv[2];
if (!source) throw new Error('usage: node compact.ts <vectors.jsonl>');

const lines = readFileSync(source, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));
const policies = new Table();
const series = new Table();
const families = new Table();
const actions = new Table();

const decisions = lines
  .filter((line) => line.kind === 'decide')
  .map(({ id, family, in: given, out }) => [
    id,
    families.indexOf(family),
    policies.indexOf(packPolicy(given.policy)),
    series.indexOf(packRows(given.rows)),
    given.instances,
    given.recently_invoked ? 1 : 0,
    given.decay,
    given.cached === null ? 0 : [given.cached.desired, given.cached.error],
    given.gateway === null ? null : given.gateway.target_instances,
    out.desired_total,
    out.desired,
    actions.indexOf(out.action),
    out.average,
  ]);
const counts = lines
  .filter((line) => line.kind === 'count')
  .map(({ id, in: given, out }) => [id, given.series, out.worker_source, out.control_plane_source]);
const windows = lines
  .filter((line) => line.kind === 'window')
  .map(({ id, in: given, out }) => [
    id,
    given.source,
    given.lookback_s,
    given.utilisation_window_s,
    given.idle_timeout_s,
    out.utilisation.span_s,
    out.recently_invoked.span_s,
    out.recently_invoked.ranges,
  ]);

const sections = {
  families: families.rows,
  actions: actions.rows,
  policies: policies.rows,
  series: series.rows,
  decisions,
  counts,
  windows,
};
const text = Object.entries(sections)
  .map(([name, rows]) => `${JSON.stringify(name)}:[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]`)
  .join(',\n');
writeFileSync(new URL('decisions.json', import.meta.url), `{\n${text}\n}\n`);

/** Four numbers: up threshold and factor, down threshold and factor; of a custom one the defaults, then what was fetched. */
function packPolicy(policy: any): unknown {
  const numbers = (four: any) => [four.up_threshold, four.up_factor, four.down_threshold, four.down_factor];
  return policy.type === 'static' ? [numbers(policy)] : [numbers(policy.defaults), policy.fetched];
}

/** Evenly spaced rows as [first, distance, ...values]; others as [first, [distances from the first], ...values]. */
function packRows(rows: [number, string][]): unknown[] {
  const [first] = rows;
  if (!first) return [];
  const offsets = rows.map(([at]) => at - first[0]);
  const distance = offsets[1] ?? 0;
  const isEven = offsets.every((offset, index) => offset === index * distance);
  return [first[0], isEven ? distance : offsets, ...rows.map(([, value]) => packValue(value))];
}

function packValue(value: string): string | number {
  const number = Number(value);
  return value.trim() !== '' && Number.isFinite(number) && String(number) === value ? number : value;
}

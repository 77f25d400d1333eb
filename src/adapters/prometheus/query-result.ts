import { scrubLine } from '../../lib/scrub.ts';
import { TimeseriesError } from '../../ports/signal-reader.ts';
import { cutSeries } from './cut-series.ts';

/** One series of an answer, checked only as far as it is looked at. */
export interface RawSeries {
  readonly metric: Readonly<Record<string, string>>;
  /** Seconds and the value as text, oldest first; empty where the series holds something else (a native histogram). */
  readonly samples: readonly (readonly [number, string])[];
}

/** Series one after the other; a walk over many reads them from the text, so that none of them outlives its turn. */
export type SeriesList = Iterable<RawSeries> & { readonly length: number };

export interface QueryResult {
  readonly series: SeriesList;
  /** What the store said of missing data; empty when it said nothing. */
  readonly partial: string;
}

/** What an answer of the query API looks like when it is one. */
interface Envelope {
  readonly status?: unknown;
  readonly errorType?: unknown;
  readonly error?: unknown;
  readonly warnings?: unknown;
  readonly infos?: unknown;
  readonly isPartial?: unknown;
  readonly data?: { readonly resultType?: unknown; readonly result?: unknown };
}

const REASON_LENGTH = 400;

/**
 * Reads the body of an answer with JSON.parse: a scanner over the bytes was written and measured, and was slower (10,000
 * series: 15 against 6 ms of CPU). The series of a long one are parsed piece by piece while they are walked over; one that
 * is not whole is found out then, and the walk throws.
 */
export function parseQueryResult(body: Buffer, from: { url: string; status: number }): QueryResult {
  const cut = cutSeries(body);
  const envelope = parseEnvelope(cut?.frame ?? body, from);
  if (envelope.status !== 'success') throw refusal(envelope, from);
  const { data } = envelope;
  if (!Array.isArray(data?.result) || (data.resultType !== 'vector' && data.resultType !== 'matrix')) {
    throw notPrometheus(from, `a result of type ${JSON.stringify(data?.resultType)}`);
  }
  const partial = partialOf(envelope);
  if (cut) return { series: { length: cut.length, [Symbol.iterator]: () => parsePieces(cut.pieces, from) }, partial };
  return { series: data.result.map((entry) => seriesOf(entry, from)), partial };
}

function* parsePieces(pieces: readonly Buffer[], from: { url: string; status: number }): Generator<RawSeries> {
  for (const piece of pieces) {
    let entries: unknown[];
    try {
      entries = JSON.parse(`[${piece.toString('utf8')}]`);
    } catch (error) {
      throw notPrometheus(from, `series that cannot be read: ${describeBody(piece)}`, { cause: error });
    }
    for (const entry of entries) yield seriesOf(entry, from);
  }
}

export function parseEnvelope(body: Buffer, from: { url: string; status: number }): Envelope {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw notPrometheus(from, describeBody(body), { cause: error });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw notPrometheus(from, 'JSON of another kind');
  }
  return parsed;
}

/** The store understood and said no, or gave up. */
function refusal(envelope: Envelope, from: { status: number }): TimeseriesError {
  const kind = isOverload(from.status, envelope.errorType) ? 'overloaded' : 'query';
  const says = reasonIn(String(envelope.error ?? 'no reason given'));
  return new TimeseriesError(kind, `the store refused the query: ${says}`, { status: from.status });
}

/** VictoriaMetrics repeats the whole query before it gives the reason, so the end is worth more than the beginning. */
function reasonIn(text: string): string {
  const whole = scrubLine(text, text.length);
  if (whole.length <= REASON_LENGTH) return whole;
  return `${whole.slice(0, REASON_LENGTH / 4)} … ${whole.slice(-REASON_LENGTH * 0.75)}`;
}

function isOverload(status: number, errorType: unknown): boolean {
  return (
    status === 429 ||
    status >= 500 ||
    errorType === 'timeout' ||
    errorType === 'canceled' ||
    errorType === 'unavailable'
  );
}

export function notPrometheus(
  { url, status }: { url: string; status: number },
  got: string,
  options: ErrorOptions = {},
): TimeseriesError {
  return new TimeseriesError(
    'not-prometheus',
    `${url} answered ${status} with ${got}, which is not Prometheus' query API: give the address before /api/v1, such as http://prometheus:9090`,
    { ...options, status },
  );
}

export function describeBody(body: Buffer): string {
  const text = body.toString('utf8', 0, 2000).trim();
  if (text === '') return 'nothing';
  if (/^<(?:!doctype|html|\?xml)/i.test(text)) {
    const title = /<title[^>]*>([^<]*)/i.exec(text)?.[1]?.trim();
    return title ? `an HTML page ("${scrubLine(title)}")` : 'an HTML page';
  }
  return `"${scrubLine(text)}"`;
}

function seriesOf(entry: unknown, from: { url: string; status: number }): RawSeries {
  const { metric, value, values } = (entry ?? {}) as Record<string, unknown>;
  if (typeof metric !== 'object' || metric === null) throw notPrometheus(from, 'a series without labels');
  const samples = Array.isArray(values) ? values : Array.isArray(value) ? [value] : [];
  return { metric: metric as Record<string, string>, samples };
}

/** Remarks on the query ("PromQL info: …") are no sign of missing data; everything else that is said may be one. */
function partialOf({ warnings, infos, isPartial }: Envelope): string {
  const said = [...textsOf(warnings), ...textsOf(infos).filter((info) => !info.startsWith('PromQL info'))];
  if (isPartial === true) said.unshift('the store marked its answer as partial');
  return scrubLine(said.join('; '));
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

const GO_NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** A sample value as Go writes floats; undefined where it is no number. */
export function sampleValue(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  if (GO_NUMBER.test(text)) return Number(text);
  if (text === 'NaN') return Number.NaN;
  if (text === '+Inf' || text === 'Inf') return Number.POSITIVE_INFINITY;
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : undefined;
}

/** Some 300 series: what they are parsed to is collected as young garbage and never grows the heap. */
const PIECE_BYTES = 65_536;
/** What every series begins with, and what stands between two. Inside a string of JSON its quotes would be escaped. */
const SERIES = Buffer.from('{"metric":');
const NEXT_SERIES = Buffer.from(',{"metric":');
const LAST_SERIES_END = Buffer.from(']}]');

export interface CutSeries {
  /** The answer with an empty list of series. */
  readonly frame: Buffer;
  /** Whole series with commas between them. */
  readonly pieces: readonly Buffer[];
  /** How many series there are in all. */
  readonly length: number;
}

/**
 * Cuts a long answer between series, so that it can be parsed a piece at a time. Undefined for one that is short, or not
 * written as Prometheus and VictoriaMetrics write theirs: that one is parsed as a whole.
 */
export function cutSeries(body: Buffer): CutSeries | undefined {
  if (body.length < 2 * PIECE_BYTES) return undefined;
  const start = body.indexOf(SERIES);
  const last = body.lastIndexOf(SERIES);
  if (start < 0 || body[start - 1] !== 0x5b) return undefined;
  const end = body.indexOf(LAST_SERIES_END, last) + 2;
  if (end < last || !isWhole(body.subarray(last, end))) return undefined;

  const pieces: Buffer[] = [];
  for (let from = start; from < end; ) {
    const next = body.subarray(0, end).indexOf(NEXT_SERIES, from + PIECE_BYTES);
    const to = next < 0 ? end : next;
    pieces.push(body.subarray(from, to));
    from = to + 1;
  }
  let length = 0;
  for (let at = start; at >= 0 && at < end; at = body.indexOf(SERIES, at + SERIES.length)) length += 1;
  return { frame: Buffer.concat([body.subarray(0, start), body.subarray(end)]), pieces, length };
}

/** A label may hold what looks like the end. */
function isWhole(series: Buffer): boolean {
  try {
    JSON.parse(series.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

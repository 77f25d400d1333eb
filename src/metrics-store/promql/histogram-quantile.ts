import { type Labels, labelsKey, labelValue, METRIC_NAME, pickLabels } from '../storage/labels.ts';
import type { Evaluation } from './evaluation.ts';
import { type Frame, mergeSameLabels, newFrame, type ScalarValue, trimmed } from './frame.ts';

interface Bucket {
  readonly upperBound: number;
  count: number;
}

const BUCKET = 'le';
const BUCKET_ALONE: ReadonlySet<string> = new Set([BUCKET]);
const BUCKET_AND_NAME: ReadonlySet<string> = new Set([BUCKET, METRIC_NAME]);
const BOUND = /^[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|Inf)$/i;

/** The quantile of each classic histogram: the rows that differ in nothing but `le`. */
export function histogramQuantile(rank: ScalarValue, frame: Frame, evaluation: Evaluation): Frame {
  const { steps } = evaluation;
  const histograms = new Map<string, { labels: Labels; rows: { row: number; upperBound: number }[] }>();
  for (const [row, labels] of frame.labels.entries()) {
    const upperBound = boundOf(labelValue(labels, BUCKET));
    if (upperBound === undefined) continue;
    const key = labelsKey(pickLabels(labels, BUCKET_ALONE, false));
    const known = histograms.get(key);
    if (known) known.rows.push({ row, upperBound });
    else histograms.set(key, { labels: pickLabels(labels, BUCKET_AND_NAME, false), rows: [{ row, upperBound }] });
  }
  const result = newFrame(evaluation, histograms.size);
  for (const { labels, rows } of histograms.values()) {
    const base = (result.labels.push(labels) - 1) * steps;
    rows.sort((a, b) => a.upperBound - b.upperBound || 0);
    for (let step = 0; step < steps; step += 1) {
      const buckets = rows
        .filter(({ row }) => frame.has[row * steps + step] === 1)
        .map(({ row, upperBound }) => ({ upperBound, count: frame.values[row * steps + step] as number }));
      if (buckets.length === 0) continue;
      result.values[base + step] = bucketQuantile(rank.values[step] as number, buckets);
      result.has[base + step] = 1;
    }
    evaluation.spend(rows.length * steps);
  }
  return mergeSameLabels(trimmed(result, steps), evaluation);
}

function boundOf(text: string): number | undefined {
  if (!BOUND.test(text)) return undefined;
  return /inf/i.test(text) ? (text.startsWith('-') ? -1 : 1) * Number.POSITIVE_INFINITY : Number(text);
}

/** `buckets` are cumulative and in ascending order. */
function bucketQuantile(rank: number, given: readonly Bucket[]): number {
  if (Number.isNaN(rank)) return Number.NaN;
  if (rank < 0) return Number.NEGATIVE_INFINITY;
  if (rank > 1) return Number.POSITIVE_INFINITY;
  if (given.at(-1)?.upperBound !== Number.POSITIVE_INFINITY) return Number.NaN;
  const buckets = coalesced(given);
  // Buckets scraped at different moments may seem to shrink; they cannot.
  let max = buckets[0]?.count ?? 0;
  for (const bucket of buckets) {
    if (bucket.count > max) max = bucket.count;
    else if (bucket.count < max) bucket.count = max;
  }
  if (buckets.length < 2) return Number.NaN;
  const last = buckets.length - 1;
  const observations = (buckets[last] as Bucket).count;
  if (observations === 0) return Number.NaN;
  let wanted = rank * observations;
  const found = firstReaching(buckets, wanted);
  if (found === last) return (buckets[last - 1] as Bucket).upperBound;
  const { upperBound, count } = buckets[found] as Bucket;
  if (found === 0 && upperBound <= 0) return upperBound;
  const below = buckets[found - 1];
  if (!below) return upperBound * (wanted / count);
  wanted -= below.count;
  return below.upperBound + (upperBound - below.upperBound) * (wanted / (count - below.count));
}

/** The first but the last that counts as many; a binary search, so that numbers that are none lead where they do in Prometheus. */
function firstReaching(buckets: readonly Bucket[], wanted: number): number {
  let low = 0;
  let high = buckets.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((buckets[middle] as Bucket).count >= wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}

function coalesced(buckets: readonly Bucket[]): Bucket[] {
  const result: Bucket[] = [];
  for (const { upperBound, count } of buckets) {
    const last = result.at(-1);
    if (last?.upperBound === upperBound) last.count += count;
    else result.push({ upperBound, count });
  }
  return result;
}

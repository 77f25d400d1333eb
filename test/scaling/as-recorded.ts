import { type ParsedPolicy, parsePolicy } from '../../src/domain/parse-policy.ts';
import { defaultPolicy } from '../../src/domain/policy.ts';
import type { Sample, Window } from '../../src/domain/signal.ts';
import type { PolicyKnowledge, Situation } from '../../src/scaling/situation.ts';
import { sortedRows } from './peer.ts';
import { aSituation, aTarget, settledMemory, someSignals } from './situations.ts';
import type { FetchedSide, RecordedDecision } from './vectors/recorded.ts';

const MAX_AGE_SECONDS = 120;

/** A recorded line as our service would see it: read by our rules of quality, remembered by our rules of memory. */
export function situationOf(line: RecordedDecision): Situation {
  const rows = sortedRows(line);
  const nowMs = (rows[rows.length - 1]?.[0] ?? 1_700_000_000) * 1000;
  // What failed is not remembered, and a total over versions was never ours.
  const isOurs = line.gatewayInstances === undefined && line.cached?.error === null;
  const previous = isOurs ? (line.cached?.desired ?? undefined) : undefined;
  return aSituation({
    nowMs,
    signals: someSignals({
      utilisation: readWindow(rows, nowMs),
      instances: { quality: 'fresh', value: line.instances, atMs: nowMs },
      invocation: {
        quality: 'fresh',
        lastMs: line.isRecentlyInvoked ? nowMs - 1 : undefined,
        watchedSinceMs: 0,
      },
    }),
    target:
      line.cached?.error === 'FUNCTION_NOT_FOUND'
        ? { state: 'gone' }
        : { state: 'known', ageMs: 0, target: aTarget({ instancesMax: 2 ** 31 - 1 }) },
    policy: knowledgeOf(line),
    previous,
    memory: settledMemory(previous),
  });
}

function knowledgeOf(line: RecordedDecision): PolicyKnowledge {
  const { fetched } = line;
  // A source that does not answer is never taken for one that knows of no policy.
  if (fetched?.result === 'error' || fetched?.result === 'no_client') return { state: 'unknown' };
  const parsed = parseLine(line);
  return parsed.ok ? { state: 'known', policy: parsed.policy } : { state: 'unknown' };
}

export function parseLine({ numbers, fetched, decay }: RecordedDecision): ParsedPolicy {
  const platform = {
    up: { threshold: numbers.upThreshold, factor: numbers.upFactor },
    down: { threshold: numbers.downThreshold, factor: numbers.downFactor },
  };
  const sides = fetched?.result === 'ok' ? { up: sideOf(fetched.up), down: sideOf(fetched.down) } : platform;
  return parsePolicy(
    { kind: 'steps', ...sides, decay },
    { lookBackSeconds: 3600, base: { ...defaultPolicy('steps'), ...platform } },
  );
}

function sideOf(side: FetchedSide | null) {
  if (!side) return undefined;
  const { threshold, factor, stickiness } = side;
  return {
    threshold,
    factor,
    ...(stickiness && {
      stickiness: { windowSeconds: stickiness.size_s ?? 0, requiredSeconds: stickiness.threshold_s ?? 0 },
    }),
  };
}

/** NaN is no sample, infinity is one; what is no number or no load spoils the window. */
function readWindow(rows: readonly (readonly [number, string])[], nowMs: number): Window {
  const samples: Sample[] = [];
  for (const [atSeconds, text] of rows) {
    if (/^[+-]?nan$/i.test(text)) continue;
    const value = readValue(text);
    if (!(value >= 0)) return { quality: 'invalid', samples: [] };
    samples.push({ atMs: atSeconds * 1000, value });
  }
  const newest = samples[samples.length - 1];
  if (!newest) return { quality: 'absent', samples };
  return { quality: nowMs - newest.atMs > MAX_AGE_SECONDS * 1000 ? 'stale' : 'fresh', samples };
}

export function readValue(text: string): number {
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}

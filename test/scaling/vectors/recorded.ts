import { readFileSync } from 'node:fs';

/** What the policy source of the peer answered. */
type Fetched =
  | { readonly result: 'ok'; readonly up: FetchedSide | null; readonly down: FetchedSide | null }
  | { readonly result: 'empty' | 'error' | 'no_client' };

export interface FetchedSide {
  readonly threshold: number | string;
  readonly factor: number | string;
  readonly stickiness: { readonly size_s: number | null; readonly threshold_s: number | null } | null;
}

interface FourNumbers {
  readonly upThreshold: number;
  readonly upFactor: number;
  readonly downThreshold: number;
  readonly downFactor: number;
}

/** One decision that the peer's own code made, with what it was made from. */
export interface RecordedDecision {
  readonly id: string;
  readonly family: string;
  readonly numbers: FourNumbers;
  /** Absent: the numbers are a static policy; else they are the platform's defaults. */
  readonly fetched: Fetched | undefined;
  /** Seconds and the value as the store wrote it, in the order of the answer. */
  readonly rows: readonly (readonly [atSeconds: number, value: string])[];
  readonly instances: number;
  readonly isRecentlyInvoked: boolean;
  readonly decay: number;
  readonly cached: { readonly desired: number | null; readonly error: string | null } | undefined;
  readonly gatewayInstances: number | undefined;
  readonly desiredTotal: number | undefined;
  readonly desired: number | undefined;
  readonly action: 'send' | 'skip_duplicate' | 'skip_in_flight' | 'skip_not_found';
  readonly mean: number | undefined;
}

export interface RecordedCount {
  readonly id: string;
  readonly series: readonly (readonly string[])[];
  readonly fromWorkers: number | undefined;
}

const packed = JSON.parse(readFileSync(new URL('decisions.json', import.meta.url), 'utf8'));

export const RECORDED_DECISIONS: readonly RecordedDecision[] = packed.decisions.map(
  ([id, family, policy, series, instances, recent, decay, cached, gateway, total, desired, action, mean]: any[]) => {
    const [[upThreshold, upFactor, downThreshold, downFactor], fetched] = packed.policies[policy];
    return {
      id,
      family: packed.families[family],
      numbers: { upThreshold, upFactor, downThreshold, downFactor },
      fetched,
      rows: unpackRows(packed.series[series]),
      instances,
      isRecentlyInvoked: recent === 1,
      decay,
      cached: cached === 0 ? undefined : { desired: cached[0], error: cached[1] },
      gatewayInstances: gateway ?? undefined,
      // The one count that is written as a string, 2^64 - 1, is 2^64 as a JavaScript number.
      desiredTotal: total === null ? undefined : Number(total),
      desired: desired ?? undefined,
      action: packed.actions[action],
      mean: mean === null ? undefined : Number(mean),
    };
  },
);

export const RECORDED_COUNTS: readonly RecordedCount[] = packed.counts.map(([id, series, fromWorkers]: any[]) => ({
  id,
  series,
  fromWorkers: fromWorkers === null ? undefined : Number(fromWorkers),
}));

export const RECORDED_WINDOWS: readonly { id: string; idleTimeoutSeconds: number; idleSpanSeconds: number }[] =
  packed.windows.map(([id, , , , idleTimeoutSeconds, , idleSpanSeconds]: any[]) => ({
    id,
    idleTimeoutSeconds,
    idleSpanSeconds,
  }));

function unpackRows([first, spacing, ...values]: any[]): [number, string][] {
  return values.map((value, index) => [
    first + (Array.isArray(spacing) ? spacing[index] : index * spacing),
    String(value),
  ]);
}

import type { Clock } from '../../lib/clock.ts';
import type { CallFacts, Invocation, InvocationRequest, InvocationSource } from '../model/invocation.ts';
import type { PlatformErrorCode } from '../model/platform-error.ts';

/** One call that ended, for people. */
export interface CallRecord {
  readonly endedMs: number;
  readonly requestId: string | undefined;
  readonly versionId: string;
  readonly instanceId: string | undefined;
  readonly source: InvocationSource;
  readonly depth: number;
  readonly outcome: 'ok' | PlatformErrorCode | 'unexpected' | 'caller-gone';
  readonly message: string | undefined;
  readonly isCold: boolean | undefined;
  readonly waitedMs: number | undefined;
  readonly ranMs: number | undefined;
  readonly requestBytes: number;
  readonly responseBytes: number | undefined;
}

export type CallEnding =
  | { readonly invocation: Invocation }
  | {
      readonly code: PlatformErrorCode | 'unexpected' | 'caller-gone';
      readonly message: string | undefined;
      readonly facts: CallFacts | undefined;
    };

/** Messages of handlers are as long as they like. */
const MESSAGE_MAX = 1_000;

/** The newest calls in a ring: the numbers and not the payloads. */
export class CallLog {
  readonly #clock: Clock;
  readonly #size: number;
  readonly #ring: CallRecord[] = [];
  readonly #listeners = new Set<(call: CallRecord) => void>();
  #next = 0;

  constructor({ clock, size = 1_000 }: { clock: Clock; size?: number }) {
    this.#clock = clock;
    this.#size = size;
  }

  add({ versionId, source, depth, payload }: InvocationRequest, ending: CallEnding): void {
    const endedMs = this.#clock.wallMs();
    const requestBytes = payload.byteLength;
    const record: CallRecord =
      'invocation' in ending
        ? {
            endedMs,
            requestId: ending.invocation.requestId,
            versionId,
            instanceId: ending.invocation.instanceId,
            source,
            depth,
            outcome: 'ok',
            message: undefined,
            isCold: ending.invocation.isCold,
            waitedMs: ending.invocation.waitedMs,
            ranMs: ending.invocation.ranMs,
            requestBytes,
            responseBytes: ending.invocation.streamedBytes ?? ending.invocation.body.byteLength,
          }
        : {
            endedMs,
            requestId: ending.facts?.requestId,
            versionId,
            instanceId: ending.facts?.instanceId,
            source,
            depth,
            outcome: ending.code,
            message: ending.message?.slice(0, MESSAGE_MAX),
            isCold: ending.facts?.isCold,
            waitedMs: ending.facts?.waitedMs,
            ranMs: ending.facts?.ranMs,
            requestBytes,
            responseBytes: undefined,
          };
    this.#ring[this.#next] = record;
    this.#next = (this.#next + 1) % this.#size;
    for (const listener of this.#listeners) listener(record);
  }

  /** Told of every call when it has ended. Returns what ends it. */
  onCall(listener: (call: CallRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Newest first. */
  newest({ limit, versionIds }: { limit: number; versionIds?: ReadonlySet<string> | undefined }): CallRecord[] {
    const found: CallRecord[] = [];
    for (let back = 1; back <= this.#ring.length && found.length < limit; back += 1) {
      const record = this.#ring[(this.#next - back + this.#size) % this.#size];
      if (record && (!versionIds || versionIds.has(record.versionId))) found.push(record);
    }
    return found;
  }
}

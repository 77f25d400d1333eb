import type { Clock } from '../../lib/clock.ts';
import type { CallFacts, InvocationRequest, InvocationSource } from '../model/invocation.ts';
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

export interface CallEnding extends Pick<CallRecord, 'outcome' | 'message' | 'responseBytes'> {
  /** Undefined where the call reached no instance. */
  readonly facts: CallFacts | undefined;
}

const CALLS_KEPT = 1_000;
/** Messages of handlers are as long as they like. */
const MESSAGE_MAX = 1_000;

/** The newest calls in a ring: the numbers and not the payloads. */
export class CallLog {
  readonly #clock: Clock;
  readonly #ring: CallRecord[] = [];
  readonly #listeners: ((call: CallRecord) => void)[] = [];
  #next = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add({ versionId, source, depth, payload }: InvocationRequest, ending: CallEnding): void {
    const { outcome, message, responseBytes, facts } = ending;
    const record: CallRecord = {
      endedMs: this.#clock.wallMs(),
      requestId: facts?.requestId,
      versionId,
      instanceId: facts?.instanceId,
      source,
      depth,
      outcome,
      message: message?.slice(0, MESSAGE_MAX),
      isCold: facts?.isCold,
      waitedMs: facts?.waitedMs,
      ranMs: facts?.ranMs,
      requestBytes: payload.byteLength,
      responseBytes,
    };
    this.#ring[this.#next] = record;
    this.#next = (this.#next + 1) % CALLS_KEPT;
    for (const listener of this.#listeners) listener(record);
  }

  /** The listener is called with every call when it has ended. */
  onCall(listener: (call: CallRecord) => void): void {
    this.#listeners.push(listener);
  }

  /** Newest first. */
  newest({ limit, versionIds }: { limit: number; versionIds?: ReadonlySet<string> | undefined }): CallRecord[] {
    const found: CallRecord[] = [];
    for (let back = 1; back <= this.#ring.length && found.length < limit; back += 1) {
      const record = this.#ring[(this.#next - back + CALLS_KEPT) % CALLS_KEPT];
      if (record && (!versionIds || versionIds.has(record.versionId))) found.push(record);
    }
    return found;
  }
}

import type { Clock } from '../../../lib/clock.ts';
import type { Call, CallEnd, ChildCall, RunningInstance } from '../instance-backend.ts';
import { readRssBytes } from '../memory/resident-memory.ts';
import type { CallTransport, ChildEnd, HandlerFault, TransportListener } from '../transport/call-transport.ts';
import { KILL_GRACE_MS, RESULT_BYTES_MAX } from './backend-options.ts';
import type { LineRing } from './line-ring.ts';
import { type PendingCall, PendingCalls } from './pending-calls.ts';
import { LoadFailure } from './until-ready.ts';
import { describeEnd, type Ending, type WorkerEnd, type WorkerExit, type WorkerProcess } from './worker-process.ts';

/** Asking the system costs 30 µs: a figure this old is good enough. */
const RSS_MAX_AGE_MS = 500;
const CLOSED_AND_ALIVE_MS = 500;

export interface ProcessInstanceOptions {
  readonly instanceId: string;
  /** What runs it, for people, such as `node 24.21.0`. */
  readonly runtime: string;
  readonly worker: WorkerProcess;
  readonly ring: LineRing;
  readonly clock: Clock;
  /** How long a worker with nothing else to do may take to begin a call before it is taken for deaf. */
  readonly deafMs: number;
  /** Processes of this instance that the kernel killed for memory. */
  readonly oomKills: () => number;
  /** What it recorded of itself, as it wrote it. */
  readonly onRecorded: (body: Uint8Array) => void;
  /** Takes away what the instance leaves behind, once its process was reaped. */
  readonly cleanUp: () => Promise<void>;
}

/** One worker and the calls on it. */
export class ProcessInstance implements RunningInstance, TransportListener {
  readonly instanceId: string;
  readonly runtime: string;
  readonly pid: number;
  readonly exited: Promise<WorkerExit>;
  /** Resolves when the function is loaded; rejects with its own words, or when the process ends before. */
  readonly ready: Promise<void>;
  readonly #options: ProcessInstanceOptions;
  readonly #pending: PendingCalls;
  #transport: CallTransport | undefined;
  #newest = 0;
  #ending: Ending | undefined;
  #isClosed = false;
  #isGone = false;
  readonly #loading = Promise.withResolvers<void>();
  #rss: { readonly bytes: number | undefined; readonly atMs: number } | undefined;

  constructor(options: ProcessInstanceOptions) {
    this.#options = options;
    this.instanceId = options.instanceId;
    this.runtime = options.runtime;
    this.pid = options.worker.pid;
    this.#pending = new PendingCalls({
      clock: options.clock,
      onDue: (pending, nowMs) => this.#judge(pending, nowMs),
    });
    this.ready = this.#loading.promise;
    this.ready.catch(() => {});
    this.exited = this.#watchEnd();
  }

  /** Before anything else: the transport reports to this instance. */
  connect(transport: CallTransport): void {
    this.#transport = transport;
  }

  /** False once it was ended or has died, which is before `exited` resolves. */
  get isAlive(): boolean {
    return this.#ending === undefined && !this.#isClosed && !this.#options.worker.isReaped;
  }

  call(call: Call): Promise<CallEnd> {
    const { clock, deafMs, ring } = this.#options;
    if (!this.isAlive || !this.#transport) return notReached('the instance has ended');
    if (call.signal?.aborted) return notReached('the caller had gone before');
    if (this.#pending.size === 0) ring.mark();
    const number = ++this.#newest;
    return new Promise((resolve) => {
      const sentMs = clock.monotonicMs();
      this.#pending.add({
        number,
        call,
        sentMs,
        dueMs: sentMs + Math.min(deafMs, call.timeoutMs),
        resolve,
        forget: this.#watchCaller(number, call.signal),
        chunks: undefined,
        chunkBytes: 0,
      });
      this.#transport?.send(number, call);
    });
  }

  logTail(): readonly string[] {
    return this.#options.ring.sinceMark();
  }

  rssBytes(): number | undefined {
    if (this.#isGone) return undefined;
    const nowMs = this.#options.clock.monotonicMs();
    if (!this.#rss || nowMs - this.#rss.atMs >= RSS_MAX_AGE_MS) {
      this.#rss = { bytes: readRssBytes(this.pid) ?? this.#rss?.bytes, atMs: nowMs };
    }
    return this.#rss.bytes;
  }

  async stop({ graceMs }: { graceMs: number }): Promise<void> {
    this.#end({ kind: 'stopped' }, graceMs);
    await this.exited;
  }

  /** From the watchdog. */
  onMemoryExceeded(usedBytes: number, limitBytes: number): void {
    const detail = `it used ${mib(usedBytes)} MiB, and ${mib(limitBytes)} MiB are allowed`;
    this.#end({ kind: 'out-of-memory', detail }, 0);
  }

  // ---- what the transport reports --------------------------------------------------------------------------------------------

  onReady(): void {
    this.#loading.resolve();
  }

  onLoadFailed(fault: HandlerFault): void {
    this.#loading.reject(new LoadFailure(fault));
  }

  onAnswer(number: number, end: CallEnd): void {
    if (end.kind === 'handler-failed' && end.errorType === 'MemoryError') {
      // Python's own name for a limit that was reached. What it could not finish is unknown, so it is ended.
      this.#settle(number, { kind: 'out-of-memory', detail: end.message });
      this.#end({ kind: 'out-of-memory', detail: end.message }, 0);
      return;
    }
    this.#settle(number, end);
  }

  onChunk(number: number, chunk: Uint8Array): void | Promise<void> {
    const pending = this.#pending.find(number);
    if (!pending) return;
    pending.chunkBytes += chunk.length;
    if (pending.call.onChunk) return pending.call.onChunk(chunk);
    if (pending.chunkBytes > RESULT_BYTES_MAX) {
      this.#settle(number, { kind: 'result-too-large', bytes: pending.chunkBytes });
      this.#end({ kind: 'broken', detail: 'another call on this instance streamed more than the largest result' }, 0);
      return;
    }
    pending.chunks ??= [];
    pending.chunks.push(chunk);
  }

  onStreamEnd(number: number): void {
    const { call, chunks = [], chunkBytes } = this.#pending.find(number) ?? {};
    const streamedBytes = call?.onChunk ? chunkBytes : undefined;
    this.#settle(number, { kind: 'result', body: Buffer.concat(chunks), streamedBytes });
  }

  onChild(number: number, child: ChildCall, answer: (end: ChildEnd) => void): void {
    const onChild = this.#pending.find(number)?.call.onChild;
    if (!onChild) {
      answer({ kind: 'failed', code: 'not-active', message: 'this call cannot call other functions' });
      return;
    }
    onChild(child).then(
      (body) => answer({ kind: 'result', body }),
      (error: unknown) => {
        const { code, message } = Object(error) as { code?: unknown; message?: unknown };
        answer({ kind: 'failed', code: String(code ?? 'unexpected'), message: String(message ?? error) });
      },
    );
  }

  onRecorded(body: Uint8Array): void {
    this.#options.onRecorded(body);
  }

  onBroken(detail: string): void {
    this.#end({ kind: 'broken', detail }, 0);
  }

  onClosed(): void {
    this.#isClosed = true;
    // A process that ends closes its descriptors first. One that closed this one and lives on cannot be reached any more.
    const cancel = this.#options.clock.after(CLOSED_AND_ALIVE_MS, () => this.onBroken('closed its channel'));
    void this.#options.worker.gone.then(cancel);
  }

  // ---- ends of calls -------------------------------------------------------------------------------------------------------

  #judge(pending: PendingCall, nowMs: number): void {
    const { number } = pending;
    const isBegun = this.#transport?.hasBegun(number) ?? false;
    if (!isBegun && this.#pending.size === 1) {
      // Killed first, and then asked once more: only a dead worker cannot begin after we looked.
      pending.dueMs = Number.POSITIVE_INFINITY;
      this.#end({ kind: 'deaf' }, 0);
      return;
    }
    const endMs = pending.sentMs + pending.call.timeoutMs;
    if (endMs > nowMs) {
      pending.dueMs = endMs;
      return;
    }
    this.#settle(number, { kind: 'timeout' });
    this.#end({ kind: 'timeout' }, KILL_GRACE_MS);
  }

  #watchCaller(number: number, signal: AbortSignal | undefined): (() => void) | undefined {
    if (!signal) return undefined;
    const onAbort = () => {
      this.#settle(number, { kind: 'crashed', detail: 'the caller went away, and the instance was ended' });
      // Other calls on it still have callers that wait.
      if (this.#pending.size === 0) this.#end({ kind: 'caller-gone' }, KILL_GRACE_MS);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    return () => signal.removeEventListener('abort', onAbort);
  }

  #settle(number: number, end: CallEnd): void {
    const pending = this.#pending.take(number);
    if (!pending) return;
    pending.forget?.();
    // Lines written before the answer are read in the same turn of the loop, through other descriptors.
    setImmediate(pending.resolve, end);
  }

  #end(ending: Ending, graceMs: number): void {
    this.#ending ??= ending;
    this.#options.worker.end(graceMs);
  }

  async #watchEnd(): Promise<WorkerExit> {
    const exit = await this.#options.worker.gone;
    const { ring, oomKills } = this.#options;
    const end = describeEnd(exit, { ending: this.#ending, lines: ring.sinceMark(), oomKills });
    for (const { number } of this.#pending) this.#settle(number, this.#callEnd(number, end));
    this.#loading.reject(new LoadFailure(end));
    this.#isGone = true;
    this.#pending.stop();
    this.#transport?.close();
    await this.#options.cleanUp();
    return exit;
  }

  #callEnd(number: number, end: WorkerEnd): CallEnd {
    if (this.#transport?.hasBegun(number) === false) {
      const detail =
        this.#ending?.kind === 'deaf' ? 'the instance did not react' : 'the instance ended before it began';
      return { kind: 'not-reached', detail };
    }
    return end.isOutOfMemory
      ? { kind: 'out-of-memory', detail: end.message }
      : { kind: 'crashed', detail: end.message };
  }
}

const notReached = (detail: string): Promise<CallEnd> => Promise.resolve({ kind: 'not-reached', detail });

const mib = (bytes: number) => Math.round(bytes / 1_048_576);

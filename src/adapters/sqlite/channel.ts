import type { Clock } from '../../lib/clock.ts';
import { StoreError, type StoreErrorKind } from '../../ports/store-error.ts';
import type { Meters } from '../../telemetry/meters.ts';
import type { Link, OpenLink } from './link.ts';
import type { End, Failure, WorkerOptions, WorkerReply } from './messages.ts';
import type { ArgsOf, ReadName, Reads, ResultOf, WriteName, Writes } from './operations.ts';

/** So many writes share a transaction at most: nobody else can write meanwhile. */
const JOBS_PER_TRANSACTION = 200;
/** After a worker that never came to be ready, the next is not started sooner than this; after one that was, at once. */
const RESTART_MS = 1000;

interface Call {
  readonly name: ReadName | WriteName;
  readonly args: readonly unknown[];
  readonly isWrite: boolean;
  readonly settle: (end: End) => void;
  isSent: boolean;
}

export interface ChannelOptions {
  readonly worker: WorkerOptions;
  readonly openLink: OpenLink;
  readonly clock: Clock;
  readonly meters: Meters;
  readonly callTimeoutMs: number;
}

/**
 * Calls to the worker thread, each with a deadline. Reads go at once; writes wait while a transaction is under way and then
 * go together in the next one. So no two conditional writes of one client are ever in flight, on a bucket or anywhere.
 */
export class Channel {
  readonly #options: ChannelOptions;
  /** Sent and not answered, by the id of the message: one call for a read, several for a write. */
  readonly #underWay = new Map<number, Call[]>();
  readonly #waiting: Call[] = [];
  #link: Link | undefined;
  #linkNumber = 0;
  #isReady = false;
  #lastFailureMs = Number.NEGATIVE_INFINITY;
  #whyUnusable: Failure | undefined;
  #onReady: { resolve: () => void; reject: (error: StoreError) => void } | undefined;
  #writeUnderWay: number | undefined;
  #nextId = 0;
  #isClosed = false;
  #onIdle: (() => void) | undefined;

  constructor(options: ChannelOptions) {
    this.#options = options;
  }

  /** Starts the worker; rejects with the one thing that is wrong with the file, if something is. */
  async start(timeoutMs: number): Promise<void> {
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
    this.#onReady = { resolve, reject };
    const cancel = this.#options.clock.after(timeoutMs, () =>
      reject(
        new StoreError(
          'unavailable',
          `${this.#path} was not open within ${timeoutMs} ms; is another process stuck in it?`,
        ),
      ),
    );
    try {
      this.#connect();
      await ready;
    } finally {
      cancel();
      this.#onReady = undefined;
    }
  }

  read<Name extends ReadName>(name: Name, ...args: ArgsOf<Reads[Name]>): Promise<ResultOf<Reads[Name]>> {
    return this.#call({ name, args, isWrite: false }) as Promise<ResultOf<Reads[Name]>>;
  }

  write<Name extends WriteName>(name: Name, ...args: ArgsOf<Writes[Name]>): Promise<ResultOf<Writes[Name]>> {
    return this.#call({ name, args, isWrite: true }) as Promise<ResultOf<Writes[Name]>>;
  }

  /** Lets what is under way come to its end, for as long as a call may take, and refuses all else. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const call of this.#waiting.splice(0))
      call.settle(failed('closed', 'the store was closed before this was sent'));
    if (this.#underWay.size > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.#options.clock.after(this.#options.callTimeoutMs, resolve);
        this.#onIdle = () => {
          cancel();
          resolve();
        };
      });
    }
    await this.#link?.end();
    this.#abandonUnderWay('the store was closed');
  }

  get #path(): string {
    return `SQLite file ${this.#options.worker.path}`;
  }

  #call(request: { name: ReadName | WriteName; args: readonly unknown[]; isWrite: boolean }): Promise<unknown> {
    const { clock, meters, callTimeoutMs } = this.#options;
    const startMs = clock.monotonicMs();
    return new Promise((resolve, reject) => {
      let isSettled = false;
      const settle = (end: End): void => {
        if (isSettled) return;
        isSettled = true;
        cancel();
        const seconds = (clock.monotonicMs() - startMs) / 1000;
        const outcome = end.ok ? 'ok' : end.failure.kind;
        meters.record('starling_store_request_seconds', seconds, { operation: request.name, outcome });
        if (end.ok) resolve(end.value);
        else reject(new StoreError(end.failure.kind, end.failure.message));
      };
      const call: Call = { ...request, settle, isSent: false };
      const cancel = clock.after(callTimeoutMs, () => this.#expire(call));
      if (this.#isClosed) settle(failed('closed', 'the store was closed; open another one'));
      else if (request.isWrite) this.#enqueue(call);
      else this.#send([call]);
    });
  }

  #enqueue(call: Call): void {
    this.#waiting.push(call);
    this.#pump();
  }

  #pump(): void {
    while (this.#writeUnderWay === undefined && this.#waiting.length > 0) {
      this.#send(this.#waiting.splice(0, JOBS_PER_TRANSACTION));
    }
  }

  #send(calls: Call[]): void {
    const link = this.#connect();
    const [first] = calls;
    if (!first) return;
    if (!link) {
      const why = this.#whyUnusable ?? {
        kind: 'unavailable' as const,
        message: `${this.#path}: its worker has just ended`,
      };
      for (const call of calls) call.settle({ ok: false, failure: why });
      return;
    }
    const id = this.#nextId++;
    this.#underWay.set(id, calls);
    for (const call of calls) call.isSent = true;
    if (first.isWrite) {
      this.#writeUnderWay = id;
      link.send({ kind: 'write', id, jobs: calls.map(({ name, args }) => ({ name: name as WriteName, args })) });
    } else {
      link.send({ kind: 'read', id, name: first.name as ReadName, args: first.args });
    }
  }

  #expire(call: Call): void {
    const { callTimeoutMs } = this.#options;
    if (!call.isSent) {
      const index = this.#waiting.indexOf(call);
      if (index >= 0) this.#waiting.splice(index, 1);
      call.settle(failed('busy', `${this.#path}: ${call.name} had to wait for ${callTimeoutMs} ms and was not sent`));
      return;
    }
    const kind = call.isWrite ? 'unknown' : 'unavailable';
    call.settle(failed(kind, `${this.#path}: ${call.name} was not answered within ${callTimeoutMs} ms`));
  }

  #connect(): Link | undefined {
    if (this.#link) return this.#link;
    if (this.#options.clock.monotonicMs() - this.#lastFailureMs < RESTART_MS) return undefined;
    this.#whyUnusable = undefined;
    const number = ++this.#linkNumber;
    // A link that was replaced may still have something to say; it is not listened to.
    const isCurrent = () => number === this.#linkNumber;
    this.#link = this.#options.openLink(this.#options.worker, {
      onAnswer: (answer) => {
        if (isCurrent()) this.#onAnswer(answer);
      },
      onEnd: (why) => {
        if (isCurrent()) this.#onWorkerExit(why);
      },
    });
    return this.#link;
  }

  #onAnswer(answer: WorkerReply): void {
    switch (answer.kind) {
      case 'ready':
        this.#isReady = true;
        this.#onReady?.resolve();
        return;
      case 'unusable':
        this.#whyUnusable = answer.failure;
        this.#onReady?.reject(new StoreError(answer.failure.kind, answer.failure.message));
        return;
      case 'answer': {
        const calls = this.#underWay.get(answer.id) ?? [];
        this.#underWay.delete(answer.id);
        if (this.#writeUnderWay === answer.id) this.#writeUnderWay = undefined;
        for (const [index, call] of calls.entries()) {
          call.settle(answer.ends[index] ?? failed('unknown', `${this.#path}: the worker left out an answer`));
        }
        if (this.#underWay.size === 0) this.#onIdle?.();
        if (!this.#isClosed) this.#pump();
      }
    }
  }

  #onWorkerExit(why: string): void {
    this.#link = undefined;
    if (!this.#isReady) this.#lastFailureMs = this.#options.clock.monotonicMs();
    this.#isReady = false;
    this.#onReady?.reject(new StoreError('unavailable', `${this.#path}: ${why}`));
    this.#abandonUnderWay(why);
    this.#onIdle?.();
    if (!this.#isClosed) this.#pump();
  }

  #abandonUnderWay(why: string): void {
    const calls = [...this.#underWay.values()].flat();
    this.#underWay.clear();
    this.#writeUnderWay = undefined;
    for (const call of calls) {
      if (this.#whyUnusable) call.settle({ ok: false, failure: this.#whyUnusable });
      else call.settle(failed(call.isWrite ? 'unknown' : 'unavailable', `${this.#path}: ${why} during ${call.name}`));
    }
  }
}

function failed(kind: StoreErrorKind, message: string): End {
  return { ok: false, failure: { kind, message } };
}

import type { Clock } from '../../../src/lib/clock.ts';
import type { VersionRecord } from '../../../src/platform/model/function-record.ts';
import { PlatformError } from '../../../src/platform/model/platform-error.ts';
import type {
  Call,
  CallEnd,
  InstanceBackend,
  RunningInstance,
  StartOptions,
} from '../../../src/platform/runtime/instance-backend.ts';

/** What a handler of these tests is given. */
export interface FakeCall {
  readonly payload: Uint8Array;
  readonly requestId: string;
  readonly instanceId: string;
  readonly versionId: string;
  readonly emit: (chunk: Uint8Array) => void;
  sleep(ms: number): Promise<void>;
  /** Ends the process in the middle of the call. */
  die(kind?: 'crashed' | 'out-of-memory'): Promise<never>;
}

export type FakeHandler = (call: FakeCall) => unknown;

/** How an instance of the next starts goes wrong. `dead`: ends after its start, unseen. `deaf`: lives, and takes no call. */
export type StartFault = 'fails' | 'hangs' | 'dead' | 'deaf';

export interface FakeBackendOptions {
  readonly clock: Clock;
  readonly startMs?: number;
  /** From being told to stop to being reaped. */
  readonly stopMs?: number;
  readonly handler?: FakeHandler;
}

/** How long a real back end takes to find out that an instance does not react. */
const DEAF_MS = 1_500;

/**
 * Instances whose handlers are functions of this process and whose time is the clock's. It keeps the back end's promises: a
 * call ends once, calls on an instance that ends are settled before its exit is reported, and a start that was aborted or failed
 * leaves nothing behind.
 */
export class FakeBackend implements InstanceBackend {
  readonly memoryLimit = 'watchdog';
  readonly live = new Set<FakeInstance>();
  /** All that ever started, in order. */
  readonly started: FakeInstance[] = [];
  readonly handlers = new Map<string, FakeHandler>();
  /** One for each of the next starts; `undefined` starts well. */
  readonly faults: Array<StartFault | undefined> = [];
  launches = 0;
  startMs: number;
  stopMs: number;
  readonly #clock: Clock;
  readonly #handler: FakeHandler;
  #pid = 1_000;

  constructor({ clock, startMs = 100, stopMs = 5, handler = ({ payload }) => payload }: FakeBackendOptions) {
    this.#clock = clock;
    this.startMs = startMs;
    this.stopMs = stopMs;
    this.#handler = handler;
  }

  /** The most calls that any instance had at once. */
  get peakOverlap(): number {
    return Math.max(0, ...this.started.map(({ peak }) => peak));
  }

  async start(version: VersionRecord, { instanceId, signal }: StartOptions): Promise<RunningInstance> {
    this.launches += 1;
    const fault = this.faults.shift();
    await new Promise<void>((resolve, reject) => {
      const cancel = fault === 'hangs' ? () => {} : this.#clock.after(this.startMs, resolve);
      const onAbort = () => {
        cancel();
        reject(signal?.reason);
      };
      if (signal?.aborted) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
    });
    if (fault === 'fails') throw new PlatformError('init-failed', 'SyntaxError: this is no program');
    this.#pid += 1;
    const instance = new FakeInstance({
      instanceId,
      version,
      pid: this.#pid,
      clock: this.#clock,
      backend: this,
      isDeaf: fault === 'deaf' || fault === 'dead',
      // A dead one is found at once, a deaf one is not.
      deafMs: fault === 'dead' ? 0 : DEAF_MS,
    });
    this.live.add(instance);
    this.started.push(instance);
    void instance.exited.then(() => this.live.delete(instance));
    return instance;
  }

  handlerOf({ versionId }: VersionRecord): FakeHandler {
    return this.handlers.get(versionId) ?? this.#handler;
  }
}

interface FakeInstanceOptions {
  readonly instanceId: string;
  readonly version: VersionRecord;
  readonly pid: number;
  readonly clock: Clock;
  readonly backend: FakeBackend;
  readonly isDeaf: boolean;
  readonly deafMs: number;
}

export class FakeInstance implements RunningInstance {
  readonly instanceId: string;
  readonly version: VersionRecord;
  readonly pid: number;
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  /** Payloads in the order in which their handlers began. */
  readonly served: string[] = [];
  peak = 0;
  isDeaf: boolean;
  readonly #options: FakeInstanceOptions;
  readonly #pending = new Set<(end: CallEnd) => void>();
  #settleExit!: (exit: { code: number | null; signal: string | null }) => void;
  #logs: string[] = [];
  #hasExited = false;
  #isStopping = false;

  constructor(options: FakeInstanceOptions) {
    this.#options = options;
    this.instanceId = options.instanceId;
    this.version = options.version;
    this.pid = options.pid;
    this.isDeaf = options.isDeaf;
    this.exited = new Promise((resolve) => {
      this.#settleExit = resolve;
    });
  }

  async call(call: Call): Promise<CallEnd> {
    const { clock, deafMs } = this.#options;
    if (this.#hasExited || this.#isStopping) return { kind: 'not-reached', detail: 'the process has ended' };
    if (this.isDeaf) {
      await new Promise<void>((resolve) => void clock.after(deafMs, resolve));
      return { kind: 'not-reached', detail: 'nobody listens' };
    }
    return new Promise((resolve) => {
      const cancelTimeout = clock.after(call.timeoutMs, () => {
        settle({ kind: 'timeout' });
        this.exit(null, 'SIGKILL');
      });
      const onAbort = () => {
        settle({ kind: 'crashed', detail: 'the caller went away' });
        this.exit(null, 'SIGKILL');
      };
      const settle = (end: CallEnd) => {
        if (!this.#pending.delete(settle)) return;
        cancelTimeout();
        call.signal?.removeEventListener('abort', onAbort);
        resolve(end);
      };
      this.#pending.add(settle);
      this.peak = Math.max(this.peak, this.#pending.size);
      call.signal?.addEventListener('abort', onAbort, { once: true });
      this.#handle(call).then(settle);
    });
  }

  /** The process ends by itself, or is killed. */
  exit(code: number | null, signal: string | null): void {
    if (this.#hasExited) return;
    this.#hasExited = true;
    for (const settle of [...this.#pending]) settle({ kind: 'crashed', detail: signal ?? `exit ${code}` });
    this.#settleExit({ code, signal });
  }

  logTail(): readonly string[] {
    return this.#logs;
  }

  rssBytes(): number | undefined {
    return this.#hasExited ? undefined : 40 * 1024 * 1024;
  }

  async stop({ graceMs }: { graceMs: number }): Promise<void> {
    const { clock, backend } = this.#options;
    this.#isStopping = true;
    // Calls that run are killed when the grace is over; an idle process ends when it is asked.
    const afterMs = this.#pending.size > 0 ? graceMs + backend.stopMs : backend.stopMs;
    clock.after(afterMs, () => this.exit(null, 'SIGTERM'));
    await this.exited;
  }

  async #handle({ payload, requestId, onChunk }: Call): Promise<CallEnd> {
    const { clock, backend, version } = this.#options;
    this.served.push(Buffer.from(payload).toString());
    this.#logs = [`began ${requestId}`];
    try {
      const result = await backend.handlerOf(version)({
        payload,
        requestId,
        instanceId: this.instanceId,
        versionId: version.versionId,
        emit: (chunk) => onChunk?.(chunk),
        sleep: (ms) => new Promise((resolve) => void clock.after(ms, resolve)),
        die: (kind = 'crashed') => {
          for (const settle of [...this.#pending]) settle({ kind, detail: 'it died' });
          this.exit(1, null);
          return new Promise<never>(() => {});
        },
      });
      return {
        kind: 'result',
        body: result instanceof Uint8Array ? result : Buffer.from(JSON.stringify(result ?? null)),
      };
    } catch (error) {
      const { name, message, stack = '' } = error as Error;
      return { kind: 'handler-failed', errorType: name, message, stack };
    }
  }
}

import { type Clock, sleep } from '../../lib/clock.ts';
import type { InstanceRecordings, RecordingPlan } from '../runtime/instance-recordings.ts';
import { foldCpu, foldHeap, foldLocks, type Owner } from './fold.ts';
import { PROFILE_TYPES, type ProfileType } from './profile-type.ts';
import { parseRecording, type Recording } from './recording.ts';
import { SelfRecording } from './self-recording.ts';
import { StackProfile } from './stack-profile.ts';

/** What calls of a function, or of one version of it, have waited for instances so far. */
export interface PoolWait {
  readonly functionName: string;
  readonly waits: number;
  readonly waitedSeconds: number;
}

export interface RecorderOptions {
  readonly clock: Clock;
  /** What may be recorded at all. */
  readonly types: readonly ProfileType[];
  /** Between two samples of allocations: 512 KiB. */
  readonly allocationStepBytes?: number | undefined;
  readonly poolWaits: () => Iterable<PoolWait>;
}

/** Between two samples of what runs. */
const SAMPLE_MS = 10;
/** Of waiting for locks, between two stacks. */
const LOCK_STEP_MS = 1;
/** How long instances that are busy are waited for at the end. */
const REPLY_TIMEOUT_MS = 1_000;

/** Profiles of all processes from a beginning to an end. */
export interface Recorded {
  readonly startedMs: number;
  readonly durationMs: number;
  readonly profiles: ReadonlyMap<ProfileType, StackProfile>;
}

/** A listener for profiles of some types, from now on. */
export class Capture {
  readonly types: readonly ProfileType[];
  readonly profiles: ReadonlyMap<ProfileType, StackProfile>;
  /** Older recordings are not for it. */
  sinceEpoch = Number.POSITIVE_INFINITY;
  startedMs = 0;
  startedMonotonicMs = 0;
  waitsBefore = new Map<string, PoolWait>();

  constructor(types: readonly ProfileType[]) {
    this.types = types;
    this.profiles = new Map(types.map((type) => [type, new StackProfile()]));
  }
}

const SELF: Owner = { root: { name: 'platform', file: '', line: 0 }, labels: { process: 'platform' } };
const WAITING_FOR_INSTANCE = { name: '(waiting for an instance)', file: '', line: 0 };

/**
 * One recording for all captures: V8 samples a heap for one listener at a time. Whenever a capture begins or ends, what was
 * recorded so far is cut off everywhere and given to all captures that were open, and the next piece begins.
 */
export class Recorder implements InstanceRecordings {
  plan: RecordingPlan | undefined;
  readonly #options: RecorderOptions;
  readonly #self = new SelfRecording();
  readonly #captures = new Set<Capture>();
  #sendPlan: (plan: RecordingPlan | undefined) => number = () => 0;
  #epoch = 0;
  #replies: { left: number; readonly onAll: () => void } | undefined;
  #lastCut: Promise<unknown> = Promise.resolve();

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  get types(): readonly ProfileType[] {
    return this.#options.types;
  }

  get #allocationStepBytes(): number {
    return this.#options.allocationStepBytes ?? 512 * 1024;
  }

  /** What lies between two samples, in the unit of the type's period. */
  periodOf(type: ProfileType): number {
    switch (type) {
      case 'cpu':
      case 'wall':
        return SAMPLE_MS * 1e6;
      case 'alloc':
        return this.#allocationStepBytes;
      case 'lock':
        return 1;
      default:
        return type satisfies never;
    }
  }

  connect(sendPlan: (plan: RecordingPlan | undefined) => number): void {
    this.#sendPlan = sendPlan;
  }

  async begin(types: readonly ProfileType[]): Promise<Capture> {
    const capture = new Capture(types);
    await this.#cut({ beginning: capture });
    return capture;
  }

  async end(capture: Capture): Promise<Recorded> {
    await this.#cut({ ending: capture });
    return this.#recordedBy(capture);
  }

  /** Ends one and begins the next without anything lost between them. */
  async renew(capture: Capture): Promise<{ recorded: Recorded; next: Capture }> {
    const next = new Capture(capture.types);
    await this.#cut({ ending: capture, beginning: next });
    return { recorded: this.#recordedBy(capture), next };
  }

  take({ functionName, body }: { functionName: string; body: Uint8Array }): void {
    const recording = parseRecording(body);
    if (recording) this.#fold(recording, ownerOf(functionName));
    const replies = this.#replies;
    // An instance that ends hands in without being asked: at worst one that was asked is waited for no longer.
    if (replies && --replies.left <= 0) replies.onAll();
  }

  /** One after another: a cut has to hear from the instances before the next may ask them. */
  #cut(change: { beginning?: Capture; ending?: Capture }): Promise<void> {
    const cut = this.#lastCut.then(() => this.#cutNow(change));
    this.#lastCut = cut.catch(() => {});
    return cut;
  }

  async #cutNow({ beginning, ending }: { beginning?: Capture; ending?: Capture }): Promise<void> {
    const { clock } = this.#options;
    this.#epoch += 1;
    const wanting = [...this.#captures, ...(beginning ? [beginning] : [])].filter((each) => each !== ending);
    const before = this.plan;
    this.plan = this.#planFor(wanting);
    if (before || this.plan) {
      const recorded = this.#self.rotate(this.plan);
      const asked = this.#sendPlan(this.plan);
      if (before) {
        this.#fold({ epoch: before.epoch, threads: [recorded], calls: undefined }, SELF);
        if (asked > 0) await this.#untilReplied(asked);
      }
    }
    if (ending) {
      this.#captures.delete(ending);
      this.#foldPoolWaits(ending);
    }
    if (beginning) {
      beginning.sinceEpoch = this.#epoch;
      beginning.startedMs = clock.wallMs();
      beginning.startedMonotonicMs = clock.monotonicMs();
      beginning.waitsBefore = this.#poolWaits();
      this.#captures.add(beginning);
    }
  }

  #planFor(captures: readonly Capture[]): RecordingPlan | undefined {
    const types = PROFILE_TYPES.filter((type) => captures.some((capture) => capture.types.includes(type)));
    if (types.length === 0) return undefined;
    return {
      epoch: this.#epoch,
      types,
      sampleUs: SAMPLE_MS * 1_000,
      allocationStepBytes: this.#allocationStepBytes,
      lockStepUs: LOCK_STEP_MS * 1_000,
    };
  }

  async #untilReplied(left: number): Promise<void> {
    const enough = new AbortController();
    this.#replies = { left, onAll: () => enough.abort() };
    await sleep(this.#options.clock, REPLY_TIMEOUT_MS, enough.signal).catch(() => {});
    this.#replies = undefined;
  }

  #fold({ epoch, threads, calls }: Recording, owner: Owner): void {
    for (const { sinceEpoch, profiles } of this.#captures) {
      if (epoch < sinceEpoch) continue;
      const [cpu, wall] = [profiles.get('cpu'), profiles.get('wall')];
      const [alloc, lock] = [profiles.get('alloc'), profiles.get('lock')];
      for (const thread of threads) {
        if (thread.cpu && (cpu || wall)) {
          foldCpu({ profile: thread.cpu, calls, sampleUs: SAMPLE_MS * 1_000, cpu, wall, ...owner });
        }
        if (thread.heap && alloc) foldHeap(thread.heap, owner, alloc);
        if (thread.locks && lock) foldLocks(thread.locks, owner, lock);
      }
    }
  }

  #poolWaits(): Map<string, PoolWait> {
    const sums = new Map<string, PoolWait>();
    for (const { functionName, waits, waitedSeconds } of this.#options.poolWaits()) {
      const sum = sums.get(functionName);
      sums.set(functionName, {
        functionName,
        waits: waits + (sum?.waits ?? 0),
        waitedSeconds: waitedSeconds + (sum?.waitedSeconds ?? 0),
      });
    }
    return sums;
  }

  #foldPoolWaits({ profiles, waitsBefore }: Capture): void {
    const lock = profiles.get('lock');
    if (!lock) return;
    for (const { functionName, waits, waitedSeconds } of this.#poolWaits().values()) {
      const before = waitsBefore.get(functionName);
      const { root, labels } = ownerOf(functionName);
      lock.add({
        frames: [WAITING_FOR_INSTANCE, root],
        labels,
        values: [waits - (before?.waits ?? 0), (waitedSeconds - (before?.waitedSeconds ?? 0)) * 1e9],
      });
    }
  }

  #recordedBy({ profiles, startedMs, startedMonotonicMs }: Capture): Recorded {
    return { profiles, startedMs, durationMs: this.#options.clock.monotonicMs() - startedMonotonicMs };
  }
}

function ownerOf(functionName: string): Owner {
  return {
    root: { name: `function ${functionName}`, file: '', line: 0 },
    labels: { process: 'function', function: functionName },
  };
}

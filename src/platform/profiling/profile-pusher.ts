import type { Logger } from 'pino';
import { type Clock, sleep } from '../../lib/clock.ts';
import { toPprof } from './pprof.ts';
import { PROFILE_KINDS } from './profile-type.ts';
import type { PushedProfile, Pyroscope } from './pyroscope.ts';
import type { Capture, Recorded, Recorder } from './recorder.ts';

export interface ProfilePusherOptions {
  readonly recorder: Recorder;
  readonly receiver: Pick<Pyroscope, 'push'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long each profile is. */
  readonly windowMs: number;
  /** What is kept while the receiver is away; the oldest go first. */
  readonly backlogMax: number;
}

/** Records all the time, and pushes what it has window by window. A receiver that is away holds nothing up. */
export class ProfilePusher {
  readonly #options: ProfilePusherOptions;
  readonly #stop = new AbortController();
  /** Nothing is sent any more. */
  readonly #cutOff = new AbortController();
  readonly #backlog: PushedProfile[] = [];
  readonly #recording: Promise<void>;
  #sending: Promise<void> | undefined;
  #isAway = false;
  /** Profiles that were given up since the start. */
  dropped = 0;

  constructor(options: ProfilePusherOptions) {
    this.#options = options;
    this.#recording = this.#record();
  }

  /** What was recorded last is tried once more, for `graceMs` at most. */
  async stop({ graceMs }: { graceMs: number }): Promise<void> {
    this.#stop.abort();
    await this.#recording;
    const cancel = new AbortController();
    const sent = this.#sending ?? Promise.resolve();
    await Promise.race([sent, sleep(this.#options.clock, graceMs, cancel.signal).catch(() => {})]);
    cancel.abort();
    this.#cutOff.abort();
    await this.#sending;
  }

  async #record(): Promise<void> {
    const { recorder, clock, windowMs, logger } = this.#options;
    let capture: Capture | undefined;
    try {
      capture = await recorder.begin(recorder.types);
      while (!this.#stop.signal.aborted) {
        await sleep(clock, windowMs, this.#stop.signal).catch(() => {});
        if (this.#stop.signal.aborted) break;
        const { recorded, next }: { recorded: Recorded; next: Capture } = await recorder.renew(capture);
        capture = next;
        await this.#keep(recorded);
      }
      await this.#keep(await recorder.end(capture));
    } catch (error) {
      logger.error({ event: 'profile.ended', err: error }, 'profiles are not recorded any more');
    }
  }

  async #keep(recorded: Recorded): Promise<void> {
    const { recorder, backlogMax } = this.#options;
    for (const [type, { size }] of recorded.profiles) {
      if (size === 0) continue;
      const pprof = await toPprof(recorded, { type, period: recorder.periodOf(type) });
      const { startedMs, durationMs } = recorded;
      this.#backlog.push({ pprof, startedMs, durationMs, sampleTypes: PROFILE_KINDS[type].kinds });
    }
    while (this.#backlog.length > backlogMax) {
      this.#backlog.shift();
      this.dropped += 1;
    }
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
  }

  /** Oldest first, until there are none, or one could not be sent. */
  async #send(): Promise<void> {
    const { receiver, logger } = this.#options;
    for (let profile = this.#backlog.shift(); profile; profile = this.#backlog.shift()) {
      try {
        await receiver.push(profile, this.#cutOff.signal);
        if (this.#isAway) logger.info({ event: 'profile.pushed', dropped: this.dropped }, 'profiles are taken again');
        this.#isAway = false;
      } catch (error) {
        const isRefused = Object(error).kind === 'refused';
        if (isRefused) this.dropped += 1;
        else this.#backlog.unshift(profile);
        if (!this.#isAway && !this.#cutOff.signal.aborted) {
          logger.warn(
            { event: 'profile.push-failed', err: error },
            'profiles are not taken; they are kept for a while',
          );
        }
        this.#isAway = true;
        if (!isRefused) return;
      }
    }
  }
}

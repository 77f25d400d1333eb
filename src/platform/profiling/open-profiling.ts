import type { Logger } from 'pino';
import type { Random } from '../../lib/random.ts';
import type { InstanceRecordings } from '../runtime/instance-recordings.ts';
import { PprofPages } from './pprof-pages.ts';
import { ProfilePusher } from './profile-pusher.ts';
import { Pyroscope, type PyroscopeOptions } from './pyroscope.ts';
import { Recorder, type RecorderOptions } from './recorder.ts';

/** Profiles kept while Pyroscope is away. */
const BACKLOG_MAX = 40;

export interface ProfilingSettings extends Omit<RecorderOptions, 'clock' | 'poolWaits'> {
  /** Where profiles are pushed all the time; undefined: they are only taken on request. */
  readonly pyroscope?: Omit<PyroscopeOptions, 'clock' | 'random'> | undefined;
  /** How long each pushed profile is: 15 s. */
  readonly windowMs?: number | undefined;
}

export interface ProfilingOptions extends ProfilingSettings, RecorderOptions {
  readonly random: Random;
  readonly logger: Logger;
}

export interface Profiling {
  /** For the process back end, so that instances record themselves. */
  readonly recordings: InstanceRecordings;
  /** Answers what is below `/debug/pprof`; false: that is not what was asked for. */
  readonly onRequest: PprofPages['onRequest'];
  /** Before the instances end: what they recorded is asked for once more. */
  stop(options: { graceMs: number }): Promise<void>;
}

export function openProfiling(options: ProfilingOptions): Profiling {
  const { clock, random, logger, pyroscope, windowMs = 15_000 } = options;
  const recorder = new Recorder(options);
  const pages = new PprofPages({ recorder, clock, logger });
  const receiver = pyroscope && new Pyroscope({ ...pyroscope, clock, random });
  const pusher =
    receiver && new ProfilePusher({ recorder, receiver, clock, logger, windowMs, backlogMax: BACKLOG_MAX });
  return {
    recordings: recorder,
    onRequest: (request, response) => pages.onRequest(request, response),
    async stop({ graceMs }) {
      pages.stop();
      await pusher?.stop({ graceMs });
    },
  };
}

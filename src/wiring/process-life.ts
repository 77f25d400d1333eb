import type { Clock } from '../lib/clock.ts';
import { EXIT } from './exit-codes.ts';

/** What a command leaves open must not keep the shell waiting for longer than this. */
const LINGER_MS = 1_000;
/** A terminal gives Ctrl-C to every process in front of it, and npx passes it on besides: so close together they are one. */
const ECHO_MS = 300;

export interface StopSignals {
  /** Resolves at the first SIGTERM or SIGINT, or when the parent is gone. */
  readonly asked: Promise<void>;
  isAsked(): boolean;
}

/** `starling … | head` closes the pipe before everything is written: that is the reader's business and no fault. */
export function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

/** An uncaught exception leaves the process in an unknown state: it is reported, and the process ends. The last call counts. */
export function endOnCrash(report: (error: unknown) => void): void {
  process.removeAllListeners('uncaughtException');
  // Unhandled rejections come here too: Node makes exceptions of them.
  process.on('uncaughtException', (error) => {
    try {
      report(error);
    } finally {
      process.exit(EXIT.failed);
    }
  });
}

/** Ends the process when it does not end by itself; `process.exitCode` says how. */
export function leaveSoon(): void {
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

/**
 * The first signal asks to stop; a second one that is no echo ends the process at once. With `endsWithParent` the end of
 * the process that started this one asks too, also when it was killed.
 */
export function listenForStop(clock: Clock, { endsWithParent = false } = {}): StopSignals {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  let firstMs: number | undefined;
  const onSignal = () => {
    if (firstMs === undefined) {
      firstMs = clock.monotonicMs();
      resolve();
    } else if (clock.monotonicMs() - firstMs > ECHO_MS) process.exit(EXIT.interrupted);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  // The system closes the channel when its other end dies, also by kill -9.
  if (endsWithParent) process.once('disconnect', () => (firstMs === undefined ? onSignal() : undefined));
  return { asked, isAsked: () => firstMs !== undefined };
}

/** Waits for `stopped`; when that takes too long, says so and ends the process. */
export async function stopOrExit(
  stopped: Promise<unknown>,
  { clock, afterMs, complaint }: { clock: Clock; afterMs: number; complaint: string },
): Promise<void> {
  const cancel = clock.after(afterMs, () => {
    process.stderr.write(`starling: ${complaint}; ending all the same\n`);
    process.exit(EXIT.failed);
  });
  await stopped;
  cancel();
}

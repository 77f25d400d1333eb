import type { Clock } from '../lib/clock.ts';

/** A terminal gives Ctrl-C to every process in front of it, and npx passes it on besides: so close together they are one. */
const ECHO_MS = 300;

export interface StopSignals {
  /** Resolves at the first SIGTERM or SIGINT, or when the parent is gone. */
  readonly asked: Promise<void>;
  isAsked(): boolean;
}

/**
 * The first signal asks to stop; the next one that somebody means calls `onSecond`. With `endsWithParent` the end of the
 * process that started this one asks too, however that came.
 */
export function listenForStop({
  clock,
  onSecond,
  endsWithParent = false,
}: {
  clock: Clock;
  onSecond: () => void;
  endsWithParent?: boolean;
}): StopSignals {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  let firstMs: number | undefined;
  const onSignal = () => {
    if (firstMs === undefined) {
      firstMs = clock.monotonicMs();
      resolve();
    } else if (clock.monotonicMs() - firstMs > ECHO_MS) onSecond();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  // The system closes the channel when its other end dies, also by kill -9.
  if (endsWithParent) process.once('disconnect', () => (firstMs === undefined ? onSignal() : undefined));
  return { asked, isAsked: () => firstMs !== undefined };
}

import type { Clock } from '../lib/clock.ts';

/** A terminal gives Ctrl-C to every process in front of it, and npx passes it on besides: so close together they are one. */
const ECHO_MS = 300;

export interface StopSignals {
  /** Resolves at the first SIGTERM or SIGINT. */
  readonly asked: Promise<void>;
  isAsked(): boolean;
}

/** The first signal asks to stop; the next one that somebody means calls `onSecond`. */
export function listenForStop({ clock, onSecond }: { clock: Clock; onSecond: () => void }): StopSignals {
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
  return { asked, isAsked: () => firstMs !== undefined };
}

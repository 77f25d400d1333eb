import type { Clock } from '../../../lib/clock.ts';
import { PlatformError } from '../../model/platform-error.ts';

/** Waits for an instance to have loaded its function. Rejects when it takes too long, or when whoever asked for it calls it off. */
export async function untilReady(
  ready: Promise<void>,
  { clock, initTimeoutMs, signal }: { clock: Clock; initTimeoutMs: number; signal: AbortSignal | undefined },
): Promise<void> {
  let cancel = () => {};
  let onAbort: (() => void) | undefined;
  try {
    await Promise.race([
      ready,
      new Promise<never>((_, reject) => {
        cancel = clock.after(initTimeoutMs, () =>
          reject(new PlatformError('init-failed', `the function was not ready within ${initTimeoutMs} ms`)),
        );
        onAbort = () => reject(calledOff(signal));
        signal?.addEventListener('abort', onAbort, { once: true });
        if (signal?.aborted) onAbort();
      }),
    ]);
  } finally {
    cancel();
    if (onAbort) signal?.removeEventListener('abort', onAbort);
  }
}

export function calledOff(signal: AbortSignal | undefined): PlatformError {
  return new PlatformError('init-failed', 'the start was called off', { cause: signal?.reason });
}

import type { Clock } from './clock.ts';

/** Thrown when something took longer than it was given. */
export class DeadlineExceeded extends Error {
  readonly afterMs: number;
  constructor(what: string, afterMs: number) {
    super(`${what} took longer than ${afterMs} ms`);
    this.name = 'DeadlineExceeded';
    this.afterMs = afterMs;
  }
}

/** Runs `work` with a signal that aborts after `afterMs`, or with `parent`; rejects then even if the work ignores the signal. */
export async function withDeadline<T>(
  options: { clock: Clock; what: string; afterMs: number; signal?: AbortSignal | undefined },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, what, afterMs, signal: parent } = options;
  parent?.throwIfAborted();
  const controller = new AbortController();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => controller.abort(parent?.reason);
  parent?.addEventListener('abort', onAbort, { once: true });
  controller.signal.addEventListener('abort', () => reject(controller.signal.reason), { once: true });
  const cancel = clock.after(afterMs, () => controller.abort(new DeadlineExceeded(what, afterMs)));
  try {
    return await Promise.race([work(controller.signal), aborted]);
  } finally {
    cancel();
    parent?.removeEventListener('abort', onAbort);
    aborted.catch(() => {});
  }
}

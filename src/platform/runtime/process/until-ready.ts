import type { Clock } from '../../../lib/clock.ts';
import { PlatformError } from '../../model/platform-error.ts';
import type { HandlerFault } from '../transport/call-transport.ts';

/** Waits for an instance to have loaded its function. Rejects when it takes too long, or when its start is called off. */
export async function untilReady(
  ready: Promise<void>,
  { clock, initTimeoutMs, signal }: { clock: Clock; initTimeoutMs: number; signal: AbortSignal | undefined },
): Promise<void> {
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(initTimeoutMs, () =>
    reject(new PlatformError('init-failed', `the function was not ready within ${initTimeoutMs} ms`)),
  );
  const onAbort = () => reject(calledOff(signal));
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  try {
    await Promise.race([ready, failed]);
  } finally {
    cancel();
    signal?.removeEventListener('abort', onAbort);
  }
}

export function calledOff(signal: AbortSignal | undefined): PlatformError {
  return new PlatformError('init-failed', 'the start was called off', { cause: signal?.reason });
}

/** What went wrong before the first call: the function's words, or how its process ended. */
export class LoadFailure extends Error {
  readonly fault: HandlerFault;
  constructor(fault: HandlerFault) {
    super(fault.message);
    this.name = 'LoadFailure';
    this.fault = fault;
  }
}

/** The first place in the function's files that a stack names: `index.js:3`. */
const PLACE = /([^\\/\s"'(]+\.[a-z]+)(?::|", line )(\d+)/;

/** Everything that can happen between asking for an instance and its being ready, as one error. */
export function initFailed(error: unknown, handler: string): PlatformError {
  if (error instanceof PlatformError) return error;
  const fault = error instanceof LoadFailure ? error.fault : faultOf(error);
  const [, file, line] = PLACE.exec(fault.stack) ?? [];
  const place = file && !/:\d+\)$/.test(fault.message) ? ` (${file}:${line})` : '';
  return new PlatformError(
    'init-failed',
    `${handler || 'the function'} could not be loaded. ${fault.errorType}: ${fault.message}${place}`,
    { cause: error, thrown: fault },
  );
}

export function faultOf(error: unknown): HandlerFault {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  return { errorType: name, message, stack: '' };
}

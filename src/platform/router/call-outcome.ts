import type { CallFacts } from '../model/invocation.ts';
import { PlatformError } from '../model/platform-error.ts';
import type { StopReason } from '../model/pool-snapshot.ts';
import type { CallEnd } from '../runtime/instance-backend.ts';

export type ReachedEnd = Exclude<CallEnd, { kind: 'not-reached' }>;

/** Whether the instance can serve on. A handler that threw has a process that works; all else leaves one that nobody can trust. */
export function reasonToEnd(end: ReachedEnd): StopReason | undefined {
  switch (end.kind) {
    case 'result':
    case 'handler-failed':
      return undefined;
    case 'timeout':
    case 'crashed':
    case 'out-of-memory':
    case 'result-too-large':
      return end.kind;
    default:
      return end satisfies never;
  }
}

/** What the caller is told of a call that reached an instance and did not end well. */
export function errorOf(
  end: Exclude<ReachedEnd, { kind: 'result' }>,
  { facts, timeoutMs, memoryMb }: { facts: CallFacts; timeoutMs: number; memoryMb: number },
): PlatformError {
  switch (end.kind) {
    case 'handler-failed': {
      const { errorType, message, stack } = end;
      return new PlatformError('handler-failed', message, { facts, thrown: { errorType, message, stack } });
    }
    case 'timeout':
      return new PlatformError('timeout', `the function did not answer within ${timeoutMs} ms`, { facts });
    case 'crashed':
      return new PlatformError('crashed', `the instance ended before it answered: ${end.detail}`, { facts });
    case 'out-of-memory':
      return new PlatformError('out-of-memory', `the function used more than its ${memoryMb} MB: ${end.detail}`, {
        facts,
      });
    case 'result-too-large':
      return new PlatformError('result-too-large', `the result has ${end.bytes} bytes, which is too many`, { facts });
    default:
      return end satisfies never;
  }
}

import type { HandlerFault } from '../transport/call-transport.ts';
import type { WorkerExit } from './worker-process.ts';

/** Why we ended the process, where we did. */
export type Ending =
  | { readonly kind: 'stopped' | 'timeout' | 'deaf' | 'caller-gone' }
  | { readonly kind: 'broken' | 'out-of-memory'; readonly detail: string };

/** How a worker came to its end, in words for whoever called it. */
export interface WorkerEnd extends HandlerFault {
  readonly isOutOfMemory: boolean;
}

const STDERR_CHARS_MAX = 1_500;
/** V8's last words. */
const HEAP_EXHAUSTED = 'JavaScript heap out of memory';
const DETAIL_LINES_MAX = 12;

export function describeEnd(
  exit: WorkerExit,
  {
    ending,
    lines,
    oomKills,
  }: {
    ending: Ending | undefined;
    /** What it wrote during its last call. */
    lines: readonly string[];
    /** Processes of it that the kernel killed for memory. */
    oomKills: () => number;
  },
): WorkerEnd {
  const tail = lines.slice(-DETAIL_LINES_MAX).join('\n').slice(-STDERR_CHARS_MAX);
  if (ending?.kind === 'out-of-memory') return outOfMemory(ending.detail);
  if (exit.signal === 'SIGKILL' && !ending && oomKills() > 0) {
    return outOfMemory('it used more memory than its limit allows, and the kernel killed it');
  }
  if (exit.signal !== null && lines.some((line) => line.includes(HEAP_EXHAUSTED))) return outOfMemory(HEAP_EXHAUSTED);
  const message = textOf(exit, { ending, tail });
  return { errorType: 'Runtime.ExitError', message, stack: tail, isOutOfMemory: false };
}

function textOf(exit: WorkerExit, { ending, tail }: { ending: Ending | undefined; tail: string }): string {
  switch (ending?.kind) {
    case 'broken':
      return `it was ended because it ${ending.detail}`;
    case 'stopped':
      return 'the instance was stopped';
    case 'timeout':
      return 'another call on this instance took too long, and the instance was ended';
    case 'deaf':
      return 'the instance did not react, and was ended';
    case 'caller-gone':
      return 'the caller went away, and the instance was ended';
    default: {
      const how = exit.signal ? `was killed by ${exit.signal}` : `exited with code ${exit.code}`;
      return tail === '' ? `the process ${how}` : `the process ${how}: ${tail}`;
    }
  }
}

function outOfMemory(message: string): WorkerEnd {
  return { errorType: 'Runtime.OutOfMemory', message, stack: '', isOutOfMemory: true };
}

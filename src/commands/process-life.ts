import { EXIT } from '../wiring/exit-codes.ts';
import { tellFault } from './fault.ts';

/** What a command leaves open must not keep the shell waiting for longer than this. */
const LINGER_MS = 1_000;

/** `starling … | head` closes the pipe before everything is written: that is the reader's business and no fault. */
export function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

/** An exception that nobody caught leaves nothing in a known state: say it and end. `tell` may say it elsewhere. */
export function endOnCrash(tell: (error: unknown) => void = tellOnStderr): void {
  process.removeAllListeners('uncaughtException');
  // Rejections that nobody handles come here too: Node makes exceptions of them.
  process.on('uncaughtException', (error) => {
    try {
      tell(error);
    } finally {
      process.exit(EXIT.failed);
    }
  });
}

/** Ends the process when it does not end by itself; `process.exitCode` says how. */
export function leaveSoon(): void {
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

function tellOnStderr(error: unknown): void {
  process.stderr.write(`${tellFault(error).text}\n`);
}

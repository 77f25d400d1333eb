import { ProfileError } from '../adapters/prometheus/parse-profile.ts';
import { FileFault } from '../config/live-files.ts';
import { ConfigError } from '../config/problem.ts';
import { ListenError } from '../http/listen.ts';
import { TimeseriesError } from '../ports/signal-reader.ts';
import { StoreError } from '../ports/store-error.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

const START_UP_FAULTS = [ConfigError, FileFault, ListenError, ProfileError];

/** Turns whatever ended a command into the lines that a person reads and the code that a script reads. */
export function tellFault(error: unknown): { text: string; code: ExitCode } {
  if (START_UP_FAULTS.some((fault) => error instanceof fault)) {
    return { text: (error as Error).message, code: EXIT.usage };
  }
  if (error instanceof StoreError) return { text: `store: ${error.message}`, code: storeCode(error) };
  if (error instanceof TimeseriesError) {
    return {
      text: `timeseries: ${error.message}`,
      code: error.kind === 'auth' ? EXIT.notAuthorised : EXIT.cannotConnect,
    };
  }
  if (isAbort(error)) return { text: 'interrupted', code: EXIT.interrupted };
  const isVerbose = process.env['STARLING_DEBUG'] === '1';
  const message = error instanceof Error ? (isVerbose && error.stack) || error.message : String(error);
  return { text: `starling: ${message}${isVerbose ? '' : '\nSTARLING_DEBUG=1 shows where.'}`, code: EXIT.failed };
}

function storeCode({ kind }: StoreError): ExitCode {
  switch (kind) {
    case 'schema':
      return EXIT.usage;
    case 'auth':
      return EXIT.notAuthorised;
    default:
      return EXIT.cannotConnect;
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

import { printable } from '../lib/printable.ts';
import { TimeseriesError } from '../ports/signal-reader.ts';
import { StoreError } from '../ports/store-error.ts';
import { EXIT, type ExitCode } from '../wiring/exit-codes.ts';
import { AdminError } from '../wiring/fleet/admin-error.ts';

/** What keeps any command from starting, wrong usage included. By name, so that a wrong flag does not wait for every adapter to load. */
const START_UP_FAULTS: ReadonlySet<string> = new Set([
  'ConfigError',
  'FileFault',
  'ListenError',
  'PartFault',
  'ProfileError',
  'RegistryFileError',
  'UnclearVersionError',
]);

/** Writes to standard error what ended a command, and gives the exit code for scripts. */
export function reportError(error: unknown): ExitCode {
  const { text, code } = explain(error);
  process.stderr.write(`${printable(text)}\n`);
  return code;
}

function explain(error: unknown): { text: string; code: ExitCode } {
  if (isInterruption(error)) return { text: 'interrupted', code: EXIT.interrupted };
  const isVerbose = process.env['STARLING_DEBUG'] === '1';
  const message = error instanceof Error ? (isVerbose && error.stack) || error.message : String(error);
  if (error instanceof Error && START_UP_FAULTS.has(error.name)) return { text: message, code: EXIT.usage };
  if (error instanceof AdminError) return { text: message, code: error.exitCode };
  if (error instanceof StoreError) return { text: `store: ${message}`, code: storeCode(error) };
  if (error instanceof TimeseriesError) {
    return { text: `timeseries: ${message}`, code: error.kind === 'auth' ? EXIT.notAuthorised : EXIT.cannotConnect };
  }
  return { text: `starling: ${message}${isVerbose ? '' : '\nSTARLING_DEBUG=1 shows where.'}`, code: EXIT.failed };
}

function storeCode({ kind }: StoreError): ExitCode {
  if (kind === 'schema') return EXIT.usage;
  return kind === 'auth' ? EXIT.notAuthorised : EXIT.cannotConnect;
}

/** What Ctrl-C aborts rejects with this. */
function isInterruption(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

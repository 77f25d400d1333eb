import { EXIT, type ExitCode } from '../exit-codes.ts';

/** A request to the admin API that did not do what was asked. Apart from the client, which loads the schema library. */
export class AdminError extends Error {
  readonly exitCode: ExitCode;
  /** Of the problem that was answered, if there was one. */
  readonly code: string | undefined;

  constructor(message: string, options: ErrorOptions & { exitCode: ExitCode; code?: string | undefined }) {
    super(message, options);
    this.name = 'AdminError';
    this.exitCode = options.exitCode;
    this.code = options.code;
  }
}

/** The exit code of a command whose request was answered with this status. */
export function exitCodeOf(status: number): ExitCode {
  if (status === 401 || status === 403) return EXIT.notAuthorised;
  // What was asked for is not there.
  if (status === 404) return EXIT.checkFalse;
  if (status === 400 || status === 413 || status === 422) return EXIT.usage;
  // The server itself, or what stands behind it, does not answer.
  if (status === 502 || status === 503 || status === 504) return EXIT.cannotConnect;
  return EXIT.failed;
}

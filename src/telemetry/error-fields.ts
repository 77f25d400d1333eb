import { scrub } from '../lib/scrub.ts';

/** What of an error may go into a log. A list of what is let through: client errors carry whole requests, headers included. */
export interface ErrorFields {
  readonly type: string;
  readonly message: string;
  readonly kind?: string;
  readonly code?: string;
  readonly status?: number;
  readonly stack?: string;
  readonly cause?: ErrorFields;
  readonly errors?: readonly ErrorFields[];
}

const MESSAGE_LENGTH_MAX = 1000;

export function errorFields(error: unknown, depth = 3): ErrorFields {
  if (!(error instanceof Error)) return { type: typeof error, message: shown(String(error)) };
  const { kind, code, status, cause } = error as Error & Record<'kind' | 'code' | 'status', unknown>;
  return {
    type: error.name,
    message: shown(error.message),
    ...(typeof kind === 'string' ? { kind } : {}),
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof status === 'number' ? { status } : {}),
    ...(error.stack === undefined ? {} : { stack: frames(error.stack) }),
    ...(cause === undefined || depth === 0 ? {} : { cause: errorFields(cause, depth - 1) }),
    ...(error instanceof AggregateError && depth > 0
      ? { errors: error.errors.slice(0, 5).map((each) => errorFields(each, depth - 1)) }
      : {}),
  };
}

function shown(message: string): string {
  const scrubbed = scrub(message);
  return scrubbed.length > MESSAGE_LENGTH_MAX ? `${scrubbed.slice(0, MESSAGE_LENGTH_MAX)}…` : scrubbed;
}

/** Where it happened, without the message, which stands there already. */
function frames(stack: string): string {
  const lines = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return scrub(lines.slice(0, 12).join('\n'));
}

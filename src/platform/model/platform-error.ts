import type { CallFacts } from './invocation.ts';

/** Everything that can go wrong with a call or a change, by a closed code; each dialect says it in its own words. */
export const PLATFORM_ERROR_CODES = [
  // resolving
  'function-unknown',
  'version-unknown',
  'trigger-unknown',
  'queue-unknown',
  'name-taken',
  'no-code',
  'not-active',
  'input-invalid',
  'code-invalid',
  'code-too-large',
  'runtime-unavailable',
  // admission
  'overloaded',
  'queue-full',
  'wait-timeout',
  'memory-exhausted',
  'concurrency-zero',
  'depth-exceeded',
  'payload-too-large',
  'stopping',
  // running
  'init-failed',
  'handler-failed',
  'timeout',
  'crashed',
  'out-of-memory',
  'result-too-large',
  'unreachable',
] as const;

export type PlatformErrorCode = (typeof PLATFORM_ERROR_CODES)[number];

export class PlatformError extends Error {
  readonly code: PlatformErrorCode;
  /** The field that is wrong, where it is one. */
  readonly field: string | undefined;
  /** Of the call that failed, once an instance had it. */
  readonly facts: CallFacts | undefined;
  /** What the handler threw, in its own words. */
  readonly thrown: { readonly errorType: string; readonly message: string; readonly stack: string } | undefined;
  constructor(
    code: PlatformErrorCode,
    message: string,
    options: ErrorOptions & Partial<Pick<PlatformError, 'field' | 'facts' | 'thrown'>> = {},
  ) {
    super(message, options);
    this.name = 'PlatformError';
    this.code = code;
    this.field = options.field;
    this.facts = options.facts;
    this.thrown = options.thrown;
  }
}

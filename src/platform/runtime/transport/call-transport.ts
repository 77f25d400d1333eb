import type { Call, CallEnd, ChildCall } from '../instance-backend.ts';

/** How calls get to a worker and answers back. */
export interface CallTransport {
  /** Hands a call over. Says nothing about failure: what did not arrive is seen by `hasBegun` when the worker is gone. */
  send(number: number, call: Call): void;
  /** Whether the handler may have seen this call. Exact once the worker is gone; before that, as of now. */
  hasBegun(number: number): boolean;
  /** No call passes any more. */
  close(): void;
}

/** What a transport reports. Calls are known by number; answers to numbers without a pending call are dropped. */
export interface TransportListener {
  onReady(): void;
  onLoadFailed(fault: HandlerFault): void;
  onAnswer(number: number, end: CallEnd): void;
  /** A promise: nothing more is to be read from this worker until it settles, so that a slow caller holds it up and not our memory. */
  onChunk(number: number, chunk: Uint8Array): void | Promise<void>;
  /** The streaming handler is done. */
  onStreamEnd(number: number): void;
  /** The handler of this call calls another function. `answer` sends it how that ended. */
  onChild(number: number, call: ChildCall, answer: (end: ChildEnd) => void): void;
  /** Meant to be JSON, and not checked. */
  onRecorded(body: Uint8Array): void;
  /** The worker does not keep to the protocol: it is of no use any more. */
  onBroken(detail: string): void;
  /** The worker's side is closed, most likely because its process is just ending. */
  onClosed(): void;
}

export type ChildEnd =
  | { readonly kind: 'result'; readonly body: Uint8Array }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

export interface HandlerFault {
  readonly errorType: string;
  readonly message: string;
  readonly stack: string;
}

/** From JSON that a worker or a function wrote: what is missing is made up for, and nothing is trusted. */
export function parseFault(bytes: Uint8Array): HandlerFault {
  let fault: unknown;
  try {
    fault = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    fault = undefined;
  }
  const { errorType, message, errorMessage, stack, stackTrace } = Object(fault) as Record<string, unknown>;
  const trace = Array.isArray(stackTrace) ? stackTrace.map(textOf).join('\n') : textOf(stack);
  return {
    errorType: textOf(errorType) || 'Error',
    message: textOf(message) || textOf(errorMessage) || 'the handler failed and did not say why',
    stack: trace,
  };
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : '');

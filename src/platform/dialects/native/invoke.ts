import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Invocation, Invoker } from '../../model/invocation.ts';
import { PlatformError } from '../../model/platform-error.ts';
import { depthOf } from '../call-depth.ts';
import { callerOf } from '../caller.ts';
import { endWith } from '../end-with.ts';
import { readBody } from '../read-body.ts';
import { StreamedAnswer } from '../streamed-answer.ts';
import { sendError } from './problem.ts';

const FACTS = [
  'x-starling-request-id',
  'x-starling-instance',
  'x-starling-cold',
  'x-starling-waited-ms',
  'x-starling-ran-ms',
] as const;

export interface InvokeOptions {
  readonly versionId: string;
  readonly invoker: Invoker;
  readonly payloadMaxBytes: number;
  readonly logger: Logger;
}

/**
 * One call: the bytes in are the event, the bytes out are what the handler returned. Neither is looked into. What a handler
 * streams goes out as it comes, and what is known of the call stands in trailers then; a stream that fails is broken off.
 */
export function invoke(request: IncomingMessage, response: ServerResponse, options: InvokeOptions): void {
  const { versionId, invoker, payloadMaxBytes, logger } = options;
  readBody(request, payloadMaxBytes, (error, payload) => {
    if (error) {
      sendError(response, error);
      return;
    }
    const signal = callerOf(response);
    let depth: number;
    try {
      depth = depthOf(request);
    } catch (invalid) {
      sendError(response, invalid);
      return;
    }
    const stream = new StreamedAnswer(response, { trailers: FACTS });
    const { onChunk } = stream;
    invoker.invoke({ versionId, payload, source: 'http', depth, signal, onChunk }).then(
      (invocation) => {
        if (stream.hasBegun) stream.end(factsOf(invocation));
        else sendResult(response, invocation);
      },
      (failure: unknown) => {
        if (!(failure instanceof PlatformError) && !signal.aborted) {
          logger.error({ event: 'native.failed', version: versionId, err: failure }, 'a call could not be answered');
        }
        sendError(response, failure);
      },
    );
  });
}

function sendResult(response: ServerResponse, invocation: Invocation): void {
  if (response.destroyed) return;
  const { body } = invocation;
  // A flat list of names and values is written as it stands; an object would be taken apart first.
  response.writeHead(200, [
    'content-type',
    'application/json',
    'content-length',
    String(body.byteLength),
    'x-starling-request-id',
    invocation.requestId,
    'x-starling-instance',
    invocation.instanceId,
    'x-starling-cold',
    invocation.isCold ? 'true' : 'false',
    'x-starling-waited-ms',
    invocation.waitedMs.toFixed(2),
    'x-starling-ran-ms',
    invocation.ranMs.toFixed(2),
  ]);
  endWith(response, body);
}

function factsOf(invocation: Invocation): Record<(typeof FACTS)[number], string> {
  return {
    'x-starling-request-id': invocation.requestId,
    'x-starling-instance': invocation.instanceId,
    'x-starling-cold': invocation.isCold ? 'true' : 'false',
    'x-starling-waited-ms': invocation.waitedMs.toFixed(2),
    'x-starling-ran-ms': invocation.ranMs.toFixed(2),
  };
}

import type { ServerResponse } from 'node:http';
import type { Invocation, Invoker } from '../../model/invocation.ts';
import { PlatformError } from '../../model/platform-error.ts';
import { callerOf, depthOf } from '../caller.ts';
import { callByPath } from '../function-paths.ts';
import { type Route, type RouteRequest, route } from '../route.ts';
import { endWith } from '../send-reply.ts';
import { StreamedReply } from '../streamed-reply.ts';
import type { NativeTools } from './native-tools.ts';
import { nativeErrors, notFound } from './replies.ts';

/** Stands before the paths of functions: they cannot take paths of the platform's own. */
const FUNCTION_PATHS = '/routes';

const FACTS = [
  'x-starling-request-id',
  'x-starling-instance',
  'x-starling-cold',
  'x-starling-waited-ms',
  'x-starling-ran-ms',
] as const;

/** Calls of functions: by id, and by a path of their own. */
export function callRoutes(tools: NativeTools): readonly Route[] {
  const { functions, triggers } = tools;
  const options = { bodyMaxBytes: tools.payloadMaxBytes };
  const errors = { ...nativeErrors(tools.logger), notFound: () => notFound('no trigger has this path') };
  return [
    route(
      'POST',
      '/v1/functions/{id}/invoke',
      (incoming) => {
        const { activeVersionId } = functions.find(incoming.params.id);
        if (activeVersionId !== undefined) return invoke(activeVersionId, incoming, tools);
        throw new PlatformError('not-active', 'the function has no active version');
      },
      options,
    ),
    route(
      'POST',
      '/v1/functions/{id}/versions/{version}/invoke',
      (incoming) => {
        const { id, version } = incoming.params;
        return invoke(functions.versionOf(functions.find(id), version).versionId, incoming, tools);
      },
      options,
    ),
    route(
      'ANY',
      `${FUNCTION_PATHS}/{path+}`,
      (incoming) => {
        const path = incoming.path.slice(FUNCTION_PATHS.length);
        return callByPath(incoming, { path, triggers, errors, isStreamed: true });
      },
      { ...options, isForOtherSites: true },
    ),
  ];
}

/**
 * Calls a version of a function: the bytes in are the event, the bytes out are what the handler returned. Neither is looked
 * into. What a handler streams goes out as it comes, and what is known of the call follows in trailers; a stream that fails is
 * broken off.
 */
function invoke(
  versionId: string,
  { request, response, body }: RouteRequest<unknown>,
  { invoker }: { invoker: Invoker },
): Promise<undefined> {
  const stream = new StreamedReply(response, { trailers: FACTS });
  const call = {
    versionId,
    payload: body,
    source: 'http',
    depth: depthOf(request),
    signal: callerOf(response),
    onChunk: stream.onChunk,
  } as const;
  return invoker.invoke(call).then((invocation) => {
    if (stream.hasBegun) stream.end(factsOf(invocation));
    else sendResult(response, invocation);
    return undefined;
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

import type { CallFacts, Invocation, InvocationRequest } from '../../model/invocation.ts';
import { PlatformError } from '../../model/platform-error.ts';
import type { Reply } from '../../model/reply.ts';
import { callerOf, depthOf } from '../caller.ts';
import { readResult, shownBody } from '../function-result.ts';
import { type Route, route } from '../route.ts';
import { type FunctionLabel, labelOf } from './function-labels.ts';
import { makeId } from './ids.ts';
import type { OrchestratorTools } from './orchestrator-tools.ts';
import { failureReply, jsonOf, ok, pretty, textOf } from './replies.ts';

const NO_EVENT = Buffer.from('{}');

/** Calls of functions by their id, and messages for their queues. */
export function callRoutes(tools: OrchestratorTools): readonly Route[] {
  const { functions, triggers } = tools;
  return [
    route('POST', '/functions/{id}/invoke', ({ params: { id }, request, response, body }) => {
      const record = functions.get(id);
      if (!record) throw new PlatformError('function-unknown', `Error: Function not found: ${id}`);
      const { versionId } = functions.activeVersion(record);
      const call = { versionId, payload: eventIn(body), depth: depthOf(request), signal: callerOf(response) };
      return invoke(call, labelOf(record), tools);
    }),
    // The body is the event of the functions that take from the queue.
    route('POST', '/queues/{queue}', ({ params, body }) => {
      const { messageId } = triggers.publish(params.queue, eventIn(body));
      return { ...ok({ status: 'queued', messageId }), status: 202 };
    }),
  ];
}

/** Throws `input-invalid` where it is no JSON; it is passed on as it came. */
function eventIn(body: Buffer): Buffer {
  if (body.length === 0) return NO_EVENT;
  jsonOf(body);
  return body;
}

type OwnCall = Pick<InvocationRequest, 'versionId' | 'payload' | 'depth' | 'signal'>;

/** Rejects with the errors that no instance was reached for, and with those of this program. */
async function invoke(call: OwnCall, label: FunctionLabel, tools: OrchestratorTools): Promise<Reply> {
  const requestId = makeId('req', tools);
  try {
    return replyWith(await tools.invoker.invoke({ ...call, requestId, source: 'http' }), label);
  } catch (error) {
    if (!(error instanceof PlatformError && error.facts)) throw error;
    const message = textOf(error);
    return failureReply(error, pretty({ error: message, ...report(error.facts, label, message) }));
  }
}

function replyWith(invocation: Invocation, label: FunctionLabel): Reply {
  const { statusCode, headers, body } = readResult(invocation.body);
  const { requestId, ...rest } = report(invocation, label, undefined);
  const shown = { requestId, statusCode, ...(headers ? { headers } : {}), body: shownBody(body), ...rest };
  return { status: statusCode, body: pretty(shown) };
}

/** What a reply says of the call itself. */
function report(facts: CallFacts, { id, name }: FunctionLabel, error: string | undefined) {
  const { requestId, instanceId, waitedMs, ranMs, memoryUsedMb, isCold } = facts;
  return {
    requestId,
    logs: [
      `[START] Request ${requestId}`,
      `[INFO] Function: ${name} (${id})`,
      `[INFO] Instance: ${instanceId}`,
      ...facts.logs,
      ...(error === undefined ? [] : [`[ERROR] ${error}`]),
      `[END] Request ${requestId}`,
    ],
    // With the wait for the instance: a cold call is as slow as it was.
    duration: Math.round((waitedMs + ranMs) * 100) / 100,
    memoryUsed: memoryUsedMb === undefined ? null : Math.round(memoryUsedMb),
    coldStart: isCold,
  };
}

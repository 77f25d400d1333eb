import type { Clock } from '../../../lib/clock.ts';
import type { Random } from '../../../lib/random.ts';
import type { CallFacts, Invocation, InvocationRequest, Invoker } from '../../model/invocation.ts';
import { PlatformError } from '../../model/platform-error.ts';
import { readResult, shownBody } from '../function-result.ts';
import { makeId } from './ids.ts';
import { type Reply, replyOf } from './replies.ts';
import type { ShownFunction } from './shown-functions.ts';

export interface InvokeTools {
  readonly invoker: Invoker;
  readonly clock: Clock;
  readonly random: Random;
}

type OwnCall = Pick<InvocationRequest, 'versionId' | 'payload' | 'depth' | 'signal'>;

/** Rejects with what replies are not made of: errors of this program, and callers that went away. */
export async function invoke(call: OwnCall, shown: ShownFunction, tools: InvokeTools): Promise<Reply> {
  const requestId = makeId('req', tools);
  try {
    return replyWith(await tools.invoker.invoke({ ...call, requestId, source: 'http' }), shown);
  } catch (error) {
    const reply = replyOf(error);
    if (!reply) throw error;
    const facts = error instanceof PlatformError ? error.facts : undefined;
    if (!facts) return reply;
    const { error: message } = reply.body as { error: string };
    const body = { error: message, ...told(facts, shown, message) };
    return { ...reply, body, isPretty: true };
  }
}

function replyWith(invocation: Invocation, shown: ShownFunction): Reply {
  const { statusCode, headers, body } = readResult(invocation.body);
  const { requestId, ...rest } = told(invocation, shown, undefined);
  return {
    status: statusCode,
    body: { requestId, statusCode, ...(headers ? { headers } : {}), body: shownBody(body), ...rest },
    isPretty: true,
  };
}

/** What an invocation is told to have been, after what came of it. */
function told(facts: CallFacts, { id, name }: ShownFunction, error: string | undefined) {
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

import type { Clock } from '../../../lib/clock.ts';
import type { Random } from '../../../lib/random.ts';
import type { CallFacts, Invocation, InvocationRequest, Invoker } from '../../model/invocation.ts';
import { PlatformError } from '../../model/platform-error.ts';
import type { Reply } from '../../model/reply.ts';
import { readResult, shownBody } from '../function-result.ts';
import type { FunctionLabel } from './function-labels.ts';
import { makeId } from './ids.ts';
import { failureReply, pretty, textOf } from './replies.ts';

export interface InvokeTools {
  readonly invoker: Invoker;
  readonly clock: Clock;
  readonly random: Random;
}

type OwnCall = Pick<InvocationRequest, 'versionId' | 'payload' | 'depth' | 'signal'>;

/** Rejects with the errors that no instance was reached for, and with those of this program. */
export async function invoke(call: OwnCall, label: FunctionLabel, tools: InvokeTools): Promise<Reply> {
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

import { z } from 'zod';
import { id } from '../../../contract/counts.ts';
import type { FunctionRecord } from '../../model/function-record.ts';
import { PlatformError } from '../../model/platform-error.ts';
import type { Reply } from '../../model/reply.ts';
import { TRIGGER_KINDS, type Trigger } from '../../model/trigger.ts';
import { triggerSettings } from '../../triggers/trigger-settings.ts';
import { choiceIn, countIn } from '../query-value.ts';
import { parseJson } from '../read-body.ts';
import { type Route, type RouteRequest, route } from '../route.ts';
import type { NativeTools } from './native-tools.ts';
import { ok, readAs } from './replies.ts';
import { PAGE_MAX } from './requests.ts';
import { messageView, triggersView, triggerView } from './views.ts';

/** Beside what the kind asks for. */
const newTriggerSchema = z.looseObject({
  versionId: id.optional(),
  isEnabled: z.boolean('must be true or false').optional(),
});

const triggerChangeSchema = z.strictObject({ isEnabled: z.boolean('must be true or false') });

/** What calls functions by itself, and what waits in its queues. */
export function triggerRoutes(tools: NativeTools): readonly Route[] {
  const { triggers, functions } = tools;
  const find = (triggerId: string): Trigger => {
    const trigger = triggers.get(triggerId);
    if (trigger) return trigger;
    throw new PlatformError('trigger-unknown', 'there is no trigger with this id');
  };
  return [
    route('GET', '/v1/functions/{id}/triggers', ({ params }) =>
      ok({ triggers: triggersView(functions.find(params.id), tools) }),
    ),
    route('POST', '/v1/functions/{id}/triggers', (request) => addTrigger(request, tools)),
    route('GET', '/v1/triggers', ({ query }) => listTriggers(query, tools)),
    route('GET', '/v1/triggers/{trigger}', ({ params }) => ok({ trigger: triggerView(find(params.trigger), tools) })),
    route('PATCH', '/v1/triggers/{trigger}', ({ params, body }) => {
      const { triggerId } = find(params.trigger);
      const { isEnabled } = readAs(triggerChangeSchema, parseJson(body));
      return ok({ trigger: triggerView(triggers.setEnabled(triggerId, isEnabled), tools) });
    }),
    route('DELETE', '/v1/triggers/{trigger}', ({ params }) => {
      const { triggerId, functionId } = find(params.trigger);
      mayHaveTriggers(functions.find(functionId));
      triggers.remove(triggerId);
      return { status: 204 };
    }),
    route('GET', '/v1/triggers/{trigger}/dead', ({ params, query }) => {
      const { triggerId } = find(params.trigger);
      const limit = countIn(query, 'limit', { usual: 50, max: PAGE_MAX });
      return ok({ messages: triggers.deadOf(triggerId, limit).map(messageView) });
    }),
    route('POST', '/v1/triggers/{trigger}/dead', ({ params }) =>
      ok({ revived: triggers.revive(find(params.trigger).triggerId) }),
    ),
    route('DELETE', '/v1/triggers/{trigger}/dead', ({ params }) =>
      ok({ removed: triggers.clear(find(params.trigger).triggerId, 'dead') }),
    ),
    route('DELETE', '/v1/triggers/{trigger}/waiting', ({ params }) =>
      ok({ removed: triggers.clear(find(params.trigger).triggerId, 'waiting') }),
    ),
    // The body is the message.
    route('POST', '/v1/queues/{queue}/messages', ({ params, body }) => ({
      status: 202,
      body: triggers.publish(params.queue, body),
    })),
  ];
}

function addTrigger({ params, body }: RouteRequest<{ id: string }>, tools: NativeTools): Reply {
  const { functionId } = mayHaveTriggers(tools.functions.find(params.id));
  const { versionId, isEnabled, ...rest } = readAs(newTriggerSchema, parseJson(body));
  const settings = readAs(triggerSettings, rest);
  const trigger = tools.triggers.add({ functionId, versionId, isEnabled, settings });
  const location = `/v1/triggers/${trigger.triggerId}`;
  return { status: 201, body: { trigger: triggerView(trigger, tools) }, headers: { location } };
}

function listTriggers(query: URLSearchParams, tools: NativeTools): Reply {
  const kind = choiceIn(query, 'kind', TRIGGER_KINDS);
  const id = query.get('function') ?? undefined;
  const functionId = id === undefined ? undefined : tools.functions.find(id).functionId;
  const found = tools.triggers.list({ functionId, kind });
  return ok({ triggers: found.map((trigger) => triggerView(trigger, tools)) });
}

/** The definition of an orchestrator's function says what calls it: what is changed beside it would not last. */
function mayHaveTriggers(record: FunctionRecord): FunctionRecord {
  if (record.namespace !== 'orchestrator') return record;
  throw new PlatformError('input-invalid', 'this function has its triggers in its definition: change them there');
}

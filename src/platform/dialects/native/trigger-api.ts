import { z } from 'zod';
import { id } from '../../../contract/counts.ts';
import type { WireReply } from '../../control-plane/control-plane.ts';
import type { FunctionRecord } from '../../model/function-record.ts';
import { PlatformError } from '../../model/platform-error.ts';
import { TRIGGER_KINDS, type Trigger, type TriggerKind } from '../../model/trigger.ts';
import type { Triggers } from '../../model/triggers.ts';
import { triggerSettings } from '../../triggers/trigger-settings.ts';
import type { ApiRequest } from './native-api.ts';
import { notAllowed, readAs } from './problem.ts';
import { countOf } from './requests.ts';
import { showMessage, showTrigger } from './show.ts';

const SHOWN_MAX = 1_000;

/** Beside what the kind asks for. */
const newTriggerSchema = z.looseObject({
  versionId: id.optional(),
  isEnabled: z.boolean('must be true or false').optional(),
});

const triggerChangeSchema = z.strictObject({ isEnabled: z.boolean('must be true or false') });

export interface TriggerApiOptions {
  readonly triggers: Triggers;
  /** By id, alias or name. */
  readonly find: (id: string) => FunctionRecord;
}

/** What calls functions by itself, and what waits in its queues. */
export class TriggerApi {
  readonly #triggers: Triggers;
  readonly #find: TriggerApiOptions['find'];

  constructor({ triggers, find }: TriggerApiOptions) {
    this.#triggers = triggers;
    this.#find = find;
  }

  /** Below `/v1/triggers`. Undefined: there is no such path. */
  answer(request: ApiRequest): WireReply | undefined {
    const [, triggerId, part, ...rest] = request.segments;
    if (rest.length > 0) return undefined;
    if (triggerId === undefined) return request.method === 'GET' ? this.#list(request) : notAllowed('GET');
    const trigger = this.#triggers.get(triggerId);
    if (!trigger) throw new PlatformError('trigger-unknown', 'there is no trigger with this id');
    switch (part) {
      case undefined:
        return this.#answerTrigger(trigger, request);
      case 'dead':
        return this.#answerDead(trigger, request);
      case 'waiting':
        if (request.method !== 'DELETE') return notAllowed('DELETE');
        return ok({ removed: this.#triggers.clear(triggerId, 'waiting') });
      default:
        return undefined;
    }
  }

  /** `/v1/functions/{id}/triggers`. */
  answerFunction(record: FunctionRecord, { method, body }: ApiRequest): WireReply {
    switch (method) {
      case 'GET':
        return ok({ triggers: this.of(record) });
      case 'POST': {
        mustBeOurs(record);
        const told = body();
        const { versionId, isEnabled, ...rest } = readAs(newTriggerSchema, told);
        const settings = readAs(triggerSettings, rest);
        const trigger = this.#triggers.add({ functionId: record.functionId, versionId, isEnabled, settings });
        const location = `/v1/triggers/${trigger.triggerId}`;
        return { status: 201, body: { trigger: this.#show(trigger) }, headers: { location } };
      }
      default:
        return notAllowed('GET, POST');
    }
  }

  /** `/v1/queues/{queue}/messages`; the body is the message. */
  publish(queue: string, { method, payload }: { method: string; payload: Uint8Array }): WireReply {
    if (method !== 'POST') return notAllowed('POST');
    return { status: 202, body: this.#triggers.publish(queue, payload) };
  }

  of({ functionId }: FunctionRecord) {
    return this.#triggers.list({ functionId }).map((trigger) => this.#show(trigger));
  }

  #list({ query }: ApiRequest): WireReply {
    const kind = query.get('kind') ?? undefined;
    if (kind !== undefined && !TRIGGER_KINDS.includes(kind as TriggerKind)) {
      throw new PlatformError('input-invalid', `kind must be one of ${TRIGGER_KINDS.join(', ')}`, { field: 'kind' });
    }
    const named = query.get('function') ?? undefined;
    const functionId = named === undefined ? undefined : this.#find(named).functionId;
    const found = this.#triggers.list({ functionId, kind: kind as TriggerKind | undefined });
    return ok({ triggers: found.map((trigger) => this.#show(trigger)) });
  }

  #answerTrigger(trigger: Trigger, { method, body }: ApiRequest): WireReply {
    const { triggerId, functionId } = trigger;
    switch (method) {
      case 'GET':
        return ok({ trigger: this.#show(trigger) });
      case 'PATCH': {
        const { isEnabled } = readAs(triggerChangeSchema, body());
        return ok({ trigger: this.#show(this.#triggers.setEnabled(triggerId, isEnabled)) });
      }
      case 'DELETE':
        mustBeOurs(this.#find(functionId));
        this.#triggers.remove(triggerId);
        return { status: 204 };
      default:
        return notAllowed('GET, PATCH, DELETE');
    }
  }

  #answerDead({ triggerId }: Trigger, { method, query }: ApiRequest): WireReply {
    switch (method) {
      case 'GET': {
        const limit = countOf(query, 'limit', { fallback: 50, max: SHOWN_MAX });
        return ok({ messages: this.#triggers.deadOf(triggerId, limit).map(showMessage) });
      }
      case 'POST':
        return ok({ revived: this.#triggers.revive(triggerId) });
      case 'DELETE':
        return ok({ removed: this.#triggers.clear(triggerId, 'dead') });
      default:
        return notAllowed('GET, POST, DELETE');
    }
  }

  #show(trigger: Trigger) {
    const { triggerId, settings } = trigger;
    return showTrigger(trigger, {
      counts: this.#triggers.countsOf(triggerId),
      nextFireMs: this.#triggers.nextFireMs(triggerId),
      depth: settings.kind === 'queue' ? this.#triggers.depthOf(triggerId) : undefined,
    });
  }
}

/** The definition of an orchestrator's function says what calls it: what is changed beside it would not last. */
function mustBeOurs({ namespace }: FunctionRecord): void {
  if (namespace !== 'orchestrator') return;
  throw new PlatformError('input-invalid', 'this function has its triggers in its definition: change them there');
}

function ok(body: unknown): WireReply {
  return { status: 200, body };
}

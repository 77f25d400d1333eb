import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import { isSameRoute } from '../../lib/route-table.ts';
import type { FunctionRecord, Namespace } from '../model/function-record.ts';
import type { Invocation } from '../model/invocation.ts';
import { PlatformError } from '../model/platform-error.ts';
import type { Trigger } from '../model/trigger.ts';
import type {
  FireRequest,
  HttpRoute,
  NewTrigger,
  QueueDepth,
  QueuedMessage,
  TriggerCounts,
  TriggerFilter,
  Triggers,
  WrongMethod,
} from '../model/triggers.ts';
import type { QueueConsumer } from './queue-consumer.ts';
import { RunningTriggers } from './running-triggers.ts';
import { TriggerCalls, type TriggerCallsOptions } from './trigger-calls.ts';

export interface TriggersOptions extends TriggerCallsOptions {
  readonly clock: Clock;
  readonly random: Random;
}

/** More is a mistake, such as a script that adds one at every start. */
const TRIGGERS_MAX = 100;
const MESSAGE_MAX_BYTES = 256 * 1024;

const NO_MESSAGES: QueueDepth = { waiting: 0, leased: 0, dead: 0 };

/** All triggers of the platform. What is in the registry is there from the start, and nothing of it runs before `start`. */
export class TriggerService implements Triggers {
  readonly #options: TriggersOptions;
  readonly #triggers = new Map<string, Trigger>();
  readonly #calls: TriggerCalls;
  readonly #running: RunningTriggers;

  constructor(options: TriggersOptions) {
    this.#options = options;
    const { registry } = options;
    this.#calls = new TriggerCalls(options);
    this.#running = new RunningTriggers({ ...options, calls: this.#calls });
    registry.messages.returnLeased();
    const counts = registry.messages.counts();
    for (const { trigger, dueMs } of registry.triggers.all()) {
      this.#triggers.set(trigger.triggerId, trigger);
      this.#running.admit(trigger, { dueMs, counts });
    }
    registry.onChange((change) => {
      // Their rows have gone with the function's.
      if (change.kind === 'function-removed') this.#dropWhere('functionId', change.record.functionId);
      else if (change.kind === 'version-removed') this.#dropWhere('versionId', change.version.versionId);
    });
  }

  /** Schedules and queues begin; routes are there before. */
  start(): void {
    this.#running.start();
  }

  /** Nothing fires any more. Resolves when what is under way has ended. */
  stop(): Promise<void> {
    return this.#running.stop();
  }

  add(request: NewTrigger): Trigger {
    const [trigger] = this.addAll([request]);
    return trigger!;
  }

  addAll(requests: readonly NewTrigger[]): readonly Trigger[] {
    const { registry, clock, random } = this.#options;
    const nowMs = clock.wallMs();
    const made: Trigger[] = [];
    for (const { functionId, versionId, settings, isEnabled = true } of requests) {
      const record = this.#mustExist(functionId, versionId);
      const trigger = {
        triggerId: random.uuid(),
        functionId: record.functionId,
        versionId,
        isEnabled,
        settings,
        createdMs: nowMs,
        updatedMs: nowMs,
      };
      this.#checkCount(trigger, made);
      this.#checkRoute(trigger, record.namespace, made);
      made.push(trigger);
    }
    registry.triggers.put(made.map((trigger) => ({ trigger, dueMs: undefined })));
    for (const trigger of made) this.#begin(trigger);
    this.#keepDue(made);
    return made;
  }

  get(triggerId: string): Trigger | undefined {
    return this.#triggers.get(triggerId);
  }

  list({ functionId, kind }: TriggerFilter = {}): readonly Trigger[] {
    return [...this.#triggers.values()].filter(
      (trigger) =>
        (functionId === undefined || trigger.functionId === functionId) &&
        (kind === undefined || trigger.settings.kind === kind),
    );
  }

  remove(triggerId: string): void {
    const trigger = this.#triggerOf(triggerId);
    this.#options.registry.triggers.remove(triggerId);
    this.#drop(trigger);
  }

  setEnabled(triggerId: string, isEnabled: boolean): Trigger {
    const before = this.#triggerOf(triggerId);
    if (before.isEnabled === isEnabled) return before;
    const { registry, clock } = this.#options;
    const trigger: Trigger = { ...before, isEnabled, updatedMs: clock.wallMs() };
    registry.triggers.put([{ trigger, dueMs: undefined }]);
    this.#running.end(before);
    this.#begin(trigger);
    this.#keepDue([trigger]);
    return trigger;
  }

  matchHttp(method: string, path: string, namespace?: Namespace): HttpRoute | WrongMethod | undefined {
    const found = this.#running.find(method, path, namespace);
    if (found?.kind !== 'route') return found;
    return { kind: 'route', trigger: this.#triggerOf(found.owner), params: found.params };
  }

  fire(trigger: Trigger, request: FireRequest): Promise<Invocation> {
    return this.#calls.call(trigger, 'http', request);
  }

  publish(queue: string, payload: Uint8Array): { readonly messageId: string } {
    const { registry, random, clock } = this.#options;
    const consumers = this.#running.consumersOf(queue);
    if (consumers.length === 0) {
      throw new PlatformError('queue-unknown', `no trigger takes from a queue ${JSON.stringify(queue)}: add one first`);
    }
    const message = { messageId: random.uuid(), payload: checkedMessage(payload), nowMs: clock.wallMs() };
    const full = consumers.find(({ isFull }) => isFull);
    if (full) {
      const { triggerId, settings } = full.trigger;
      throw new PlatformError(
        'queue-full',
        `${settings.depthMax} messages of the queue wait for the trigger ${triggerId}, which is as many as may: try again later`,
      );
    }
    const triggerIds = consumers.map(({ trigger }) => trigger.triggerId);
    registry.messages.add(triggerIds, message);
    for (const consumer of consumers) consumer.added();
    return { messageId: message.messageId };
  }

  depthOf(triggerId: string): QueueDepth {
    return this.#running.consumer(triggerId)?.depth ?? NO_MESSAGES;
  }

  oldestMs(triggerId: string): number | undefined {
    return this.depthOf(triggerId).waiting > 0 ? this.#options.registry.messages.oldestMs(triggerId) : undefined;
  }

  deadOf(triggerId: string, limit: number): readonly QueuedMessage[] {
    return this.#options.registry.messages.dead(this.#consumerOf(triggerId).trigger.triggerId, limit);
  }

  revive(triggerId: string): number {
    return this.#consumerOf(triggerId).revive();
  }

  clear(triggerId: string, state: 'waiting' | 'dead'): number {
    return this.#consumerOf(triggerId).clear(state);
  }

  nextFireMs(triggerId: string): number | undefined {
    return this.#running.dueMs(triggerId);
  }

  countsOf(triggerId: string): TriggerCounts {
    return this.#calls.counter.of(triggerId);
  }

  #begin(trigger: Trigger): void {
    this.#triggers.set(trigger.triggerId, trigger);
    this.#running.begin(trigger);
  }

  #drop(trigger: Trigger): void {
    this.#triggers.delete(trigger.triggerId);
    this.#running.drop(trigger);
  }

  #dropWhere(key: 'functionId' | 'versionId', id: string): void {
    for (const trigger of [...this.#triggers.values()]) if (trigger[key] === id) this.#drop(trigger);
  }

  #keepDue(triggers: readonly Trigger[]): void {
    const schedules = triggers.filter(({ isEnabled, settings }) => isEnabled && settings.kind === 'schedule');
    const due = schedules.map(({ triggerId }) => [triggerId, this.#running.dueMs(triggerId)] as const);
    this.#options.registry.triggers.setDue(new Map(due));
  }

  #mustExist(functionId: string, versionId: string | undefined): FunctionRecord {
    const { registry } = this.#options;
    const record = registry.find(functionId);
    if (!record) throw new PlatformError('function-unknown', 'there is no such function');
    if (versionId !== undefined && registry.version(versionId)?.functionId !== record.functionId) {
      throw new PlatformError('version-unknown', 'the function has no such version', { field: 'versionId' });
    }
    return record;
  }

  #checkCount({ functionId }: Trigger, made: readonly Trigger[]): void {
    const isItsOwn = (other: Trigger) => other.functionId === functionId;
    if (this.list({ functionId }).length + made.filter(isItsOwn).length < TRIGGERS_MAX) return;
    throw new PlatformError('input-invalid', `the function has ${TRIGGERS_MAX} triggers, which is as many as may be`);
  }

  #checkRoute({ settings }: Trigger, namespace: Namespace, made: readonly Trigger[]): void {
    if (settings.kind !== 'http' || namespace !== 'native') return;
    const { registry } = this.#options;
    for (const other of [...this.#triggers.values(), ...made]) {
      if (other.settings.kind !== 'http' || !isSameRoute(other.settings, settings)) continue;
      if (registry.find(other.functionId)?.namespace !== namespace) continue;
      throw new PlatformError('name-taken', `${settings.method} ${settings.path} is a route of another trigger`, {
        field: 'path',
      });
    }
  }

  #triggerOf(triggerId: string): Trigger {
    const trigger = this.#triggers.get(triggerId);
    if (!trigger) throw new PlatformError('trigger-unknown', 'there is no such trigger');
    return trigger;
  }

  #consumerOf(triggerId: string): QueueConsumer {
    this.#triggerOf(triggerId);
    const consumer = this.#running.consumer(triggerId);
    if (!consumer) throw new PlatformError('queue-unknown', 'this trigger has no queue');
    return consumer;
  }
}

/** Functions take JSON: a message that is none would fail every time. */
function checkedMessage(payload: Uint8Array): Uint8Array {
  if (payload.byteLength > MESSAGE_MAX_BYTES) {
    throw new PlatformError('payload-too-large', `a message is ${MESSAGE_MAX_BYTES} bytes at most`);
  }
  if (payload.byteLength === 0) return Buffer.from('{}');
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch (error) {
    throw new PlatformError('input-invalid', `the message is not JSON: ${(error as Error).message}`);
  }
  return payload;
}

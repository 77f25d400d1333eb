import type { Logger } from 'pino';
import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import { type Found, RouteTable } from '../../lib/route-table.ts';
import { NAMESPACES, type Namespace } from '../model/function-record.ts';
import type { Trigger, TriggerKind } from '../model/trigger.ts';
import type { QueueDepth } from '../model/triggers.ts';
import type { Registry } from '../registry/registry.ts';
import { QueueConsumer, type QueueTrigger } from './queue-consumer.ts';
import { ScheduleRunner, type ScheduleTrigger } from './schedule-runner.ts';
import type { TriggerCalls } from './trigger-calls.ts';

export interface RunningTriggersOptions {
  readonly registry: Registry;
  readonly calls: TriggerCalls;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What is done for triggers: a route for each that is enabled, a place among the schedules, a consumer for each queue. */
export class RunningTriggers {
  readonly #options: RunningTriggersOptions;
  readonly #routes = new Map(NAMESPACES.map((namespace) => [namespace, new RouteTable<string>()] as const));
  readonly #schedules: ScheduleRunner;
  readonly #consumers = new Map<string, QueueConsumer>();
  #isRunning = false;

  constructor(options: RunningTriggersOptions) {
    this.#options = options;
    const { calls, clock, random } = options;
    this.#schedules = new ScheduleRunner({
      clock,
      random,
      fire: (trigger, scheduledMs) => calls.callOnSchedule(trigger, scheduledMs),
      onSkip: (triggerId, why) => calls.counter.countSkip(triggerId, why),
      onNear: (trigger) => calls.makeReady(trigger),
      keepDue: (due) => this.#keepDue(due),
    });
  }

  start(): void {
    this.#isRunning = true;
    this.#schedules.start();
    for (const consumer of this.#consumers.values()) if (consumer.trigger.isEnabled) consumer.start();
  }

  /** Resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#schedules.stop();
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer.stop()));
    await this.#options.calls.settled();
  }

  /** By the id of its trigger. */
  consumer(triggerId: string): QueueConsumer | undefined {
    return this.#consumers.get(triggerId);
  }

  consumersOf(queue: string): readonly QueueConsumer[] {
    return [...this.#consumers.values()].filter(({ trigger }) => trigger.settings.queue === queue);
  }

  dueMs(triggerId: string): number | undefined {
    return this.#schedules.dueMs(triggerId);
  }

  /** The id of the trigger that answers. */
  find(method: string, path: string, namespace: Namespace | undefined): Found<string> | undefined {
    let wrong: Found<string> | undefined;
    for (const each of namespace === undefined ? NAMESPACES : [namespace]) {
      const found = this.#routes.get(each)?.find(method, path);
      if (found?.kind === 'route') return found;
      wrong ??= found;
    }
    return wrong;
  }

  /** From the registry, as it was when the platform ended. */
  admit(trigger: Trigger, kept: { dueMs: number | undefined; counts: ReadonlyMap<string, QueueDepth> }): void {
    if (isQueue(trigger)) this.#openConsumer(trigger, kept.counts.get(trigger.triggerId));
    else if (isSchedule(trigger) && trigger.isEnabled) this.#schedules.put(trigger, kept.dueMs);
    else if (trigger.isEnabled) this.#putRoute(trigger);
  }

  /** Added now, or enabled or disabled. */
  begin(trigger: Trigger): void {
    const { triggerId, isEnabled } = trigger;
    if (isQueue(trigger)) {
      const consumer = this.#consumers.get(triggerId) ?? this.#openConsumer(trigger, undefined);
      consumer.trigger = trigger;
      if (isEnabled && this.#isRunning) consumer.start();
    } else if (isSchedule(trigger)) {
      if (isEnabled) this.#schedules.put(trigger);
    } else if (isEnabled) this.#putRoute(trigger);
  }

  end(trigger: Trigger): void {
    const { triggerId, settings } = trigger;
    switch (settings.kind) {
      case 'http':
        for (const table of this.#routes.values()) table.take(settings, triggerId);
        break;
      case 'schedule':
        this.#schedules.drop(triggerId);
        break;
      case 'queue':
        void this.#consumers.get(triggerId)?.stop();
        break;
      default:
        settings satisfies never;
    }
  }

  drop(trigger: Trigger): void {
    this.end(trigger);
    this.#consumers.delete(trigger.triggerId);
    this.#options.calls.counter.forget(trigger.triggerId);
  }

  #putRoute({ triggerId, functionId, settings }: Trigger): void {
    const namespace = this.#options.registry.find(functionId)?.namespace;
    if (settings.kind === 'http' && namespace) this.#routes.get(namespace)?.put(settings, triggerId);
  }

  #openConsumer(trigger: QueueTrigger, counts: QueueDepth | undefined): QueueConsumer {
    const { clock, random, registry, logger, calls } = this.#options;
    const consumer = new QueueConsumer(trigger, counts, {
      clock,
      random,
      messages: registry.messages,
      deliver: (each, payload, signal) => calls.deliver(each, payload, signal),
      leaseMs: (each) => calls.leaseMs(each),
      onDead: ({ triggerId, settings: { queue } }, messages, error) => {
        const messageIds = messages.map(({ messageId }) => messageId);
        logger.warn({ event: 'trigger.dead', trigger: triggerId, queue, messageIds, error }, 'given up on messages');
      },
      onFault: ({ triggerId }, error) => {
        logger.error(
          { event: 'trigger.disk-failed', trigger: triggerId, err: error },
          'the queue could not be written',
        );
      },
    });
    this.#consumers.set(trigger.triggerId, consumer);
    return consumer;
  }

  /** A schedule that cannot be kept fires all the same; a restart may then fire it once more. */
  #keepDue(due: ReadonlyMap<string, number | undefined>): void {
    const { registry, logger } = this.#options;
    try {
      registry.triggers.setDue(due);
    } catch (error) {
      logger.error(
        { event: 'trigger.disk-failed', triggers: [...due.keys()], err: error },
        'schedules could not be kept',
      );
    }
  }
}

function isQueue(trigger: Trigger): trigger is QueueTrigger {
  return trigger.settings.kind === ('queue' satisfies TriggerKind);
}

function isSchedule(trigger: Trigger): trigger is ScheduleTrigger {
  return trigger.settings.kind === ('schedule' satisfies TriggerKind);
}

import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import { SharedTimer } from '../../lib/shared-timer.ts';
import type { QueueSettings, Trigger } from '../model/trigger.ts';
import type { QueueDepth } from '../model/triggers.ts';
import type { LeasedMessage, MessageTable } from '../registry/message-table.ts';

export type QueueTrigger = Trigger & { readonly settings: QueueSettings };

/** How a delivery ended. `refused`: the platform could not take the call, which says nothing about the message. */
export type DeliveryEnd = { readonly kind: 'done' } | { readonly kind: 'failed' | 'refused'; readonly error: string };

export interface QueueConsumerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly messages: MessageTable;
  /** Never rejects. */
  readonly deliver: (trigger: QueueTrigger, payload: Uint8Array, signal: AbortSignal) => Promise<DeliveryEnd>;
  readonly leaseMs: (trigger: QueueTrigger) => number;
  readonly onDead: (trigger: QueueTrigger, messages: readonly LeasedMessage[], error: string) => void;
  /** The disk failed. */
  readonly onFault: (trigger: QueueTrigger, error: unknown) => void;
}

/** Dead messages that are kept; of more, the oldest go. */
const DEAD_MAX = 1_000;
const REFUSED_WAIT_MS = 1_000;
const REFUSED_WAIT_MAX_MS = 60_000;
const FAULT_WAIT_MS = 5_000;
const ERROR_CHARS_MAX = 1_000;

/**
 * Delivers the messages of one trigger. A message is taken away when its delivery has ended well; until then it is on disk.
 * One that failed waits longer each time, and is delivered alone from then on, so that it spoils no batch twice.
 */
export class QueueConsumer {
  trigger: QueueTrigger;
  readonly #options: QueueConsumerOptions;
  readonly #underWay = new Set<Promise<void>>();
  readonly #timer: SharedTimer;
  #waiting: number;
  #leased = 0;
  #dead: number;
  #isRunning = false;
  #refusals = 0;
  #pausedUntilMs = 0;

  constructor(trigger: QueueTrigger, counts: QueueDepth | undefined, options: QueueConsumerOptions) {
    this.trigger = trigger;
    this.#options = options;
    this.#timer = new SharedTimer({ clock: options.clock, onRing: () => this.#pump() });
    this.#waiting = counts?.waiting ?? 0;
    this.#dead = counts?.dead ?? 0;
  }

  get depth(): QueueDepth {
    return { waiting: this.#waiting, leased: this.#leased, dead: this.#dead };
  }

  get isFull(): boolean {
    return this.#waiting + this.#leased >= this.trigger.settings.depthMax;
  }

  /** A message was put into the table. */
  added(): void {
    this.#waiting += 1;
    this.#pump();
  }

  start(): void {
    this.#isRunning = true;
    this.#pump();
  }

  /** Takes no more from the queue. Resolves when what is on its way has ended. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#timer.clear();
    await Promise.all(this.#underWay);
  }

  revive(): number {
    const count = this.#options.messages.revive(this.trigger.triggerId);
    this.#dead -= count;
    this.#waiting += count;
    this.#pump();
    return count;
  }

  clear(state: 'waiting' | 'dead'): number {
    const count = this.#options.messages.clear(this.trigger.triggerId, state);
    if (state === 'dead') this.#dead -= count;
    else this.#waiting -= count;
    return count;
  }

  #pump(): void {
    const { clock, onFault } = this.#options;
    this.#timer.clear();
    try {
      while (this.#isRunning && this.#waiting > 0 && this.#underWay.size < this.trigger.settings.concurrency) {
        const waitMs = this.#deliverNext();
        if (waitMs === undefined) continue;
        this.#timer.setBy(clock.monotonicMs() + waitMs);
        return;
      }
    } catch (error) {
      onFault(this.trigger, error);
      this.#timer.setBy(clock.monotonicMs() + FAULT_WAIT_MS);
    }
  }

  /** Undefined when something is on its way; otherwise how long there is nothing to do. */
  #deliverNext(): number | undefined {
    const { messages: table, clock } = this.#options;
    const { triggerId, settings } = this.trigger;
    const pausedMs = this.#pausedUntilMs - clock.monotonicMs();
    // One at a time, to find out whether calls are taken again.
    if (pausedMs > 0 || (this.#refusals > 0 && this.#underWay.size > 0)) return Math.max(pausedMs, REFUSED_WAIT_MS);
    const nowMs = clock.wallMs();
    const messages = table.lease(triggerId, { nowMs, countMax: settings.batchMax });
    if (messages.length === 0) {
      const dueMs = table.nextDueMs(triggerId);
      // What was counted is not there: nothing is to be waited for.
      if (dueMs === undefined) this.#waiting = 0;
      return Math.min(settings.backoffMaxMs, Math.max(1, (dueMs ?? nowMs) - nowMs));
    }
    this.#waiting -= messages.length;
    this.#leased += messages.length;
    const delivery = this.#deliver(messages)
      .catch((error: unknown) => this.#options.onFault(this.trigger, error))
      .finally(() => {
        this.#underWay.delete(delivery);
        this.#leased -= messages.length;
        this.#pump();
      });
    this.#underWay.add(delivery);
    return undefined;
  }

  async #deliver(messages: readonly LeasedMessage[]): Promise<void> {
    const { clock, messages: table, deliver, leaseMs } = this.#options;
    const { trigger } = this;
    const lease = new AbortController();
    const cancel = clock.after(leaseMs(trigger), () =>
      lease.abort(new Error('the delivery took longer than its lease')),
    );
    const end = await deliver(trigger, payloadOf(trigger, messages), lease.signal);
    cancel();
    switch (end.kind) {
      case 'done':
        this.#refusals = 0;
        table.remove(messages);
        break;
      case 'failed':
        this.#refusals = 0;
        this.#onFailed(messages, end.error);
        break;
      case 'refused':
        this.#onRefused(messages, end.error);
        break;
      default:
        end satisfies never;
    }
  }

  #onFailed(messages: readonly LeasedMessage[], error: string): void {
    const { messages: table, clock, onDead } = this.#options;
    const { attemptsMax } = this.trigger.settings;
    const nowMs = clock.wallMs();
    const dead = messages.filter(({ attempts }) => attempts >= attemptsMax);
    table.settle(
      messages.map((message) => ({
        message,
        state: message.attempts >= attemptsMax ? ('dead' as const) : ('waiting' as const),
        dueMs: nowMs + this.#backoffMs(message.attempts),
        attempts: message.attempts,
        error: error.slice(0, ERROR_CHARS_MAX),
      })),
    );
    this.#waiting += messages.length - dead.length;
    this.#dead += dead.length;
    if (dead.length === 0) return;
    if (this.#dead > DEAD_MAX) this.#dead -= table.trimDead(this.trigger.triggerId, DEAD_MAX);
    onDead(this.trigger, dead, error);
  }

  /** Back to where it was, and a pause for all. */
  #onRefused(messages: readonly LeasedMessage[], error: string): void {
    const { messages: table, clock, random } = this.#options;
    this.#refusals += 1;
    const pauseMs = Math.min(REFUSED_WAIT_MAX_MS, REFUSED_WAIT_MS * 2 ** Math.min(this.#refusals - 1, 10));
    this.#pausedUntilMs = clock.monotonicMs() + pauseMs * (0.5 + random.next() / 2);
    table.settle(
      messages.map((message) => ({
        message,
        state: 'waiting',
        dueMs: 0,
        attempts: message.attempts - 1,
        error: error.slice(0, ERROR_CHARS_MAX),
      })),
    );
    this.#waiting += messages.length;
  }

  /** Doubles with each attempt; half of it is chance, so that what failed together does not come back together. */
  #backoffMs(attempts: number): number {
    const { backoffMs, backoffMaxMs } = this.trigger.settings;
    const fullMs = Math.min(backoffMaxMs, backoffMs * 2 ** Math.min(attempts - 1, 30));
    return fullMs * (0.5 + this.#options.random.next() / 2);
  }
}

/** The message itself, or an event with as many as came. They are JSON already, and are not taken apart. */
function payloadOf({ settings }: QueueTrigger, messages: readonly LeasedMessage[]): Uint8Array {
  const [first] = messages;
  if (settings.batchMax === 1 && first) return first.payload;
  const items = messages.map(({ messageId, attempts, enqueuedMs, payload }) => {
    const head = JSON.stringify({ messageId, attempt: attempts, enqueuedAt: new Date(enqueuedMs).toISOString() });
    return `${head.slice(0, -1)},"body":${Buffer.from(payload).toString('utf8')}}`;
  });
  return Buffer.from(`{"queue":${JSON.stringify(settings.queue)},"messages":[${items.join(',')}]}`);
}

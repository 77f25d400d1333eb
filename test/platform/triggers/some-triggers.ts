import pino from 'pino';
import type { Namespace } from '../../../src/platform/model/function-record.ts';
import type { InvocationRequest } from '../../../src/platform/model/invocation.ts';
import type { TriggerSettings } from '../../../src/platform/model/trigger.ts';
import { Registry } from '../../../src/platform/registry/registry.ts';
import { DEFAULT_POOL } from '../../../src/platform/registry/version-settings.ts';
import { TriggerService } from '../../../src/platform/triggers/trigger-service.ts';
import { triggerSettings } from '../../../src/platform/triggers/trigger-settings.ts';
import { HandWoundClock } from '../../support/hand-wound-clock.ts';
import { invocationOf } from '../dialects/native/scripted-engine.ts';

/** A registry with triggers on it, whose calls are the test's to answer. */
export class SomeTriggers {
  readonly clock: HandWoundClock;
  readonly calls: { readonly atMs: number; readonly request: InvocationRequest; readonly event: unknown }[] = [];
  /** When an instance was to be made ready, and for which version. */
  readonly warmed: { readonly atMs: number; readonly versionId: string }[] = [];
  /** Half of what is left to chance. */
  chance = 0.5;
  answer: (request: InvocationRequest) => Promise<void> = async () => {};
  registry: Registry;
  triggers: TriggerService;
  readonly #path: string;
  #ids = 0;

  constructor({ path = ':memory:', startMs = Date.parse('2025-06-01T00:00:00Z') } = {}) {
    this.#path = path;
    this.clock = new HandWoundClock(startMs);
    [this.registry, this.triggers] = this.#open();
  }

  /** What a platform that was stopped, or fell over, finds when it starts. */
  restart(): void {
    this.registry.close();
    [this.registry, this.triggers] = this.#open();
    this.triggers.start();
  }

  aFunction(name: string, namespace: Namespace = 'native'): { functionId: string; versionId: string } {
    const launch = {
      runtime: 'node',
      handler: 'index.handler',
      timeoutMs: 3_000,
      memoryMb: 128,
      environment: {},
      concurrency: 1,
    };
    const code = { kind: 'source', text: 'exports.handler = 1' } as const;
    const { version } = this.registry.create({ namespace, name, launch, pool: DEFAULT_POOL, code });
    return version;
  }

  get events(): unknown[] {
    return this.calls.map(({ event }) => event);
  }

  #open(): [Registry, TriggerService] {
    const random = { next: () => this.chance, uuid: () => `id-${String(++this.#ids).padStart(4, '0')}` };
    const registry = new Registry({ path: this.#path, clock: this.clock, random });
    const invoker = {
      invoke: async (request: InvocationRequest) => {
        const event = JSON.parse(Buffer.from(request.payload).toString('utf8'));
        this.calls.push({ atMs: this.clock.monotonicMs(), request, event });
        await this.answer(request);
        return invocationOf(request);
      },
    };
    const logger = pino({ level: 'silent' });
    const warm = (versionId: string) => void this.warmed.push({ atMs: this.clock.monotonicMs(), versionId });
    return [registry, new TriggerService({ registry, invoker, clock: this.clock, random, logger, warm })];
  }
}

/** With the defaults. */
export function settingsOf(told: Record<string, unknown>): TriggerSettings {
  return triggerSettings.parse(told);
}

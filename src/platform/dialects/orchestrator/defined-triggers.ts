import type { FunctionRecord, TriggerRecord } from '../../model/function-record.ts';
import { PlatformError } from '../../model/platform-error.ts';
import type { Trigger, TriggerSettings } from '../../model/trigger.ts';
import type { Triggers } from '../../model/triggers.ts';
import { triggerSettings } from '../../triggers/trigger-settings.ts';
import { faultsIn } from './replies.ts';

/** The triggers of definitions as the platform has them. The definition is what counts. */
export class DefinedTriggers {
  readonly #triggers: Triggers;
  readonly #isOwnPath: (path: string) => boolean;

  /** `isOwnPath`: whether the dialect itself answers there. A function would never be reached. */
  constructor(triggers: Triggers, { isOwnPath }: { isOwnPath: (path: string) => boolean }) {
    this.#triggers = triggers;
    this.#isOwnPath = isOwnPath;
  }

  /** Throws `input-invalid` that names what is wrong. An http trigger without a path is called by the function's id alone. */
  read(records: readonly TriggerRecord[]): readonly TriggerSettings[] {
    return records.flatMap((record, index) => {
      const field = `triggers.${index}.config`;
      const translated = inWordsOfThePlatform(record, field);
      if (!translated) return [];
      const parsed = triggerSettings.safeParse(translated);
      if (!parsed.success)
        throw new PlatformError('input-invalid', faultsIn(parsed.error, { nameOf, within: [field] }));
      if (parsed.data.kind === 'http' && this.#isOwnPath(parsed.data.path)) {
        throw new PlatformError('input-invalid', `${field}.path is a path of the orchestrator itself`);
      }
      return parsed.data;
    });
  }

  /**
   * What is wanted and not there is added; what the definition wanted before and does not any more goes. What stays keeps
   * its messages, and what was set from elsewhere is left alone.
   */
  set(
    { functionId }: FunctionRecord,
    { wanted, before = [] }: { wanted: readonly TriggerSettings[]; before?: readonly TriggerSettings[] },
  ): void {
    const there = [...this.#triggers.list({ functionId })];
    const take = (settings: TriggerSettings) => {
      const text = canonical(settings);
      const index = there.findIndex((trigger) => canonical(trigger.settings) === text);
      return index < 0 ? undefined : there.splice(index, 1)[0];
    };
    const missing = wanted.filter((settings) => !take(settings));
    if (missing.length > 0) this.#triggers.addAll(missing.map((settings) => ({ functionId, settings })));
    for (const settings of before) {
      const leaving = take(settings);
      if (leaving) this.#triggers.remove(leaving.triggerId);
    }
  }

  /** Those that a trigger of this function calls by their own id. */
  versionsOf({ functionId }: Pick<FunctionRecord, 'functionId'>): ReadonlySet<string | undefined> {
    return new Set(this.#triggers.list({ functionId }).map(({ versionId }) => versionId));
  }

  view({ functionId }: FunctionRecord) {
    return this.#triggers.list({ functionId }).map((trigger) => this.#viewOf(trigger));
  }

  #viewOf({ triggerId, isEnabled, settings }: Trigger) {
    switch (settings.kind) {
      case 'http':
        return { id: triggerId, type: 'http', enabled: isEnabled, method: settings.method, path: settings.path };
      case 'schedule': {
        const nextMs = this.#triggers.nextFireMs(triggerId);
        const nextRunAt = nextMs === undefined ? null : new Date(nextMs).toISOString();
        const { cron, timeZone: timezone } = settings;
        return { id: triggerId, type: 'schedule', enabled: isEnabled, cron, timezone, nextRunAt };
      }
      case 'queue': {
        const { waiting, leased, dead } = this.#triggers.depthOf(triggerId);
        const { queue: queueName } = settings;
        return { id: triggerId, type: 'event', enabled: isEnabled, source: 'queue', queueName, waiting, leased, dead };
      }
      default:
        return settings satisfies never;
    }
  }
}

function inWordsOfThePlatform({ type, config }: TriggerRecord, field: string): Record<string, unknown> | undefined {
  switch (type) {
    case 'http':
      return isCalledByIdAlone(config) ? undefined : { ...config, kind: 'http' };
    case 'schedule': {
      const { timezone, ...rest } = config;
      return { ...rest, ...(timezone === undefined ? {} : { timeZone: timezone }), kind: 'schedule' };
    }
    case 'event': {
      const { source, queueName, ...rest } = config;
      if (source !== 'queue') {
        throw new PlatformError('input-invalid', `${field}.source must be 'queue': no other source of events is here`);
      }
      return { ...rest, queue: queueName, kind: 'queue' };
    }
    default:
      return type satisfies never;
  }
}

function isCalledByIdAlone(config: TriggerRecord['config']): boolean {
  return Object.keys(config).every((name) => name === 'method');
}

/** The fields that are called otherwise in definitions. */
function nameOf(field: string): string {
  if (field === 'timeZone') return 'timezone';
  return field === 'queue' ? 'queueName' : field;
}

/** Read once more, for the schema puts fields in one order. */
function canonical(settings: TriggerSettings): string {
  return JSON.stringify(triggerSettings.parse(settings));
}

import { currentStatus } from '../../control-plane/version-status.ts';
import type { CallRecord } from '../../metrics/call-log.ts';
import type { CallCounts } from '../../metrics/call-meter.ts';
import type { FunctionRecord } from '../../model/function-record.ts';
import type { InstanceSnapshot, PoolSnapshot } from '../../model/pool-snapshot.ts';
import type { Trigger } from '../../model/trigger.ts';
import type { QueuedMessage } from '../../model/triggers.ts';
import type { RegisteredVersion } from '../../registry/registered-version.ts';
import type { NativeTools } from './native-tools.ts';

/** What this port shows of things. */

export function functionView(record: FunctionRecord, tools: NativeTools) {
  const { functionId, namespace, name, account, aliases, activeVersionId, status, createdMs, updatedMs } = record;
  return {
    functionId,
    namespace,
    name,
    account,
    aliases,
    activeVersionId,
    status,
    triggers: triggersView(record, tools),
    createdAt: timeOf(createdMs),
    updatedAt: timeOf(updatedMs),
  };
}

export function versionsView({ functionId }: FunctionRecord, tools: NativeTools) {
  return tools.registry.versionsOf(functionId).map((version) => versionView(version, tools));
}

/** Values of the environment may be secrets: only the names are shown. */
export function versionView(version: RegisteredVersion, tools: NativeTools) {
  const { environment, ...launch } = version.launch;
  const { status, detail } = currentStatus(version, tools);
  const wish = tools.registry.wishes.of(version.versionId);
  return {
    versionId: version.versionId,
    functionId: version.functionId,
    number: version.number,
    deployId: version.deployId,
    codeHash: version.codeHash,
    status,
    statusDetail: detail,
    ...launch,
    environmentNames: Object.keys(environment).sort(),
    pool: version.pool,
    policy: version.policy ?? null,
    autoscalingConfiguration: version.configuration ?? null,
    wish: wish && {
      requiredNumberOfInstances: wish.body.requiredNumberOfInstances,
      fencingToken: String(wish.token),
      acceptedAt: timeOf(wish.acceptedMs),
    },
    createdAt: timeOf(version.createdMs),
  };
}

export function triggersView({ functionId }: FunctionRecord, tools: NativeTools) {
  return tools.triggers.list({ functionId }).map((trigger) => triggerView(trigger, tools));
}

export function triggerView(trigger: Trigger, { triggers }: NativeTools) {
  const { triggerId, functionId, versionId, isEnabled, settings, createdMs, updatedMs } = trigger;
  const { fires, failures, skips } = triggers.countsOf(triggerId);
  const nextFireMs = triggers.nextFireMs(triggerId);
  return {
    triggerId,
    functionId,
    versionId: versionId ?? null,
    isEnabled,
    ...settings,
    ...(settings.kind === 'schedule'
      ? { nextFireAt: nextFireMs === undefined ? null : timeOf(nextFireMs), skips }
      : {}),
    ...(settings.kind === 'queue' ? { messages: triggers.depthOf(triggerId) } : {}),
    fires,
    failures: Object.fromEntries(failures),
    createdAt: timeOf(createdMs),
    updatedAt: timeOf(updatedMs),
  };
}

/** It was JSON when it was taken. */
export function messageView({ messageId, attempts, enqueuedMs, payload, lastError }: QueuedMessage) {
  const body: unknown = JSON.parse(Buffer.from(payload).toString('utf8'));
  return { messageId, attempts, lastError, enqueuedAt: timeOf(enqueuedMs), body };
}

export function instanceView(instance: InstanceSnapshot, { versionId }: { versionId: string }) {
  const { startedMs, ...rest } = instance;
  return { ...rest, versionId, startedAt: timeOf(startedMs) };
}

export function callView(call: CallRecord) {
  const { endedMs, ...rest } = call;
  return { endedAt: timeOf(endedMs), ...rest };
}

export function countsView(counts: CallCounts | undefined, pool: PoolSnapshot | undefined) {
  const ended = counts?.ended ?? 0;
  return {
    calls: counts?.calls ?? 0,
    cold: counts?.coldCalls ?? 0,
    warm: counts?.warmCalls ?? 0,
    failed: Object.fromEntries(counts?.failed ?? []),
    meanLatencyMs: ended === 0 ? 0 : Math.round(((counts?.latencySeconds ?? 0) / ended) * 100_000) / 100,
    running: pool?.running ?? 0,
    waiting: pool?.waiting ?? 0,
    wanted: pool?.wanted ?? 0,
    instances: pool?.instances.length ?? 0,
    spawned: pool?.spawned ?? {},
    stopped: pool?.stopped ?? 0,
    reservedBytes: pool?.reservedBytes ?? 0,
  };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

import type { CallRecord } from '../../metrics/call-log.ts';
import type { CallCounts } from '../../metrics/call-meter.ts';
import type { FunctionRecord } from '../../model/function-record.ts';
import type { InstanceSnapshot, PoolSnapshot } from '../../model/pool-snapshot.ts';
import type { Trigger } from '../../model/trigger.ts';
import type { QueueDepth, QueuedMessage, TriggerCounts } from '../../model/triggers.ts';
import type { RegisteredVersion } from '../../registry/registered-version.ts';
import type { StoredWish } from '../../registry/wish-table.ts';

/** How things look on this port. */

export function showFunction(record: FunctionRecord, { triggers }: { triggers: readonly unknown[] }) {
  const { functionId, namespace, name, account, aliases, activeVersionId, status } = record;
  return {
    functionId,
    namespace,
    name,
    account,
    aliases,
    activeVersionId,
    status,
    triggers,
    createdAt: timeOf(record.createdMs),
    updatedAt: timeOf(record.updatedMs),
  };
}

/** Values of the environment may be secrets: only the names are told. */
export function showVersion(
  version: RegisteredVersion,
  { standing, wish }: { standing: { status: string; detail: string }; wish: StoredWish | undefined },
) {
  const { environment, ...launch } = version.launch;
  return {
    versionId: version.versionId,
    functionId: version.functionId,
    number: version.number,
    deployId: version.deployId,
    codeHash: version.codeHash,
    status: standing.status,
    statusDetail: standing.detail,
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

export function showTrigger(
  trigger: Trigger,
  told: { counts: TriggerCounts; nextFireMs: number | undefined; depth: QueueDepth | undefined },
) {
  const { triggerId, functionId, versionId, isEnabled, settings, createdMs, updatedMs } = trigger;
  const { fires, failures, skips } = told.counts;
  return {
    triggerId,
    functionId,
    versionId: versionId ?? null,
    isEnabled,
    ...settings,
    ...(settings.kind === 'schedule'
      ? { nextFireAt: told.nextFireMs === undefined ? null : timeOf(told.nextFireMs), skips }
      : {}),
    ...(told.depth ? { messages: told.depth } : {}),
    fires,
    failures: Object.fromEntries(failures),
    createdAt: timeOf(createdMs),
    updatedAt: timeOf(updatedMs),
  };
}

/** It was JSON when it was taken. */
export function showMessage({ messageId, attempts, enqueuedMs, payload, lastError }: QueuedMessage) {
  const body: unknown = JSON.parse(Buffer.from(payload).toString('utf8'));
  return { messageId, attempts, lastError, enqueuedAt: timeOf(enqueuedMs), body };
}

export function showInstance(instance: InstanceSnapshot, { versionId }: { versionId: string }) {
  const { startedMs, ...rest } = instance;
  return { ...rest, versionId, startedAt: timeOf(startedMs) };
}

export function showCall(call: CallRecord) {
  const { endedMs, ...rest } = call;
  return { endedAt: timeOf(endedMs), ...rest };
}

export function showCounts(counts: CallCounts | undefined, pool: PoolSnapshot | undefined) {
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

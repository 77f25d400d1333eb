import type { FunctionRecord } from '../../model/function-record.ts';
import type { Reply } from '../../model/reply.ts';
import { countIn } from '../query-value.ts';
import { type Route, route } from '../route.ts';
import type { NativeTools } from './native-tools.ts';
import { ok } from './replies.ts';
import { PAGE_MAX } from './requests.ts';
import { callView, countsView, instanceView } from './views.ts';

/** What runs and what ran, of one function and of all. */
export function activityRoutes(tools: NativeTools): readonly Route[] {
  const { functions } = tools;
  return [
    route('GET', '/v1/instances', () => instances(undefined, tools)),
    route('GET', '/v1/functions/{id}/instances', ({ params }) => instances(functions.find(params.id), tools)),
    route('GET', '/v1/invocations', ({ query }) => invocations(undefined, query, tools)),
    route('GET', '/v1/functions/{id}/invocations', ({ params, query }) =>
      invocations(functions.find(params.id), query, tools),
    ),
    route('GET', '/v1/stats', () => statistics(tools)),
  ];
}

function instances(record: FunctionRecord | undefined, { pools, registry }: NativeTools): Reply {
  const versions = record ? registry.versionsOf(record.functionId) : [...registry.versions()];
  return ok({
    instances: versions.flatMap(({ versionId }) =>
      (pools.of(versionId)?.instances ?? []).map((instance) => instanceView(instance, { versionId })),
    ),
  });
}

function invocations(
  record: FunctionRecord | undefined,
  query: URLSearchParams,
  { registry, log }: NativeTools,
): Reply {
  const limit = countIn(query, 'limit', { usual: 50, max: PAGE_MAX });
  const versionIds = record && new Set(registry.versionsOf(record.functionId).map(({ versionId }) => versionId));
  return ok({ invocations: log.newest({ limit, versionIds }).map(callView) });
}

function statistics({ registry, pools, meter }: NativeTools): Reply {
  const versions = [...registry.versions()].map(({ versionId, functionId }) => ({
    functionId,
    versionId,
    ...countsView(meter.of(versionId), pools.of(versionId)),
  }));
  return ok({ functions: registry.functions().length, memory: pools.memory(), versions });
}

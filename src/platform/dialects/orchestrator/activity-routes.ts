import type { FunctionRecord } from '../../model/function-record.ts';
import type { Reply } from '../../model/reply.ts';
import { countIn } from '../query-value.ts';
import { type Route, route } from '../route.ts';
import { labelOf, shownId } from './function-labels.ts';
import type { OrchestratorTools } from './orchestrator-tools.ts';
import { ok } from './replies.ts';
import { type CountedFunction, poolOf, poolRow, statisticsOf } from './statistics.ts';

const LOG_LINES = { usual: 100, max: 1_000 };

/** Instances, statistics and the log, of one function and of all. */
export function activityRoutes(tools: OrchestratorTools): readonly Route[] {
  const { registry, functions } = tools;
  const counted = (record: FunctionRecord): CountedFunction => ({
    label: labelOf(record),
    versions: registry.versionsOf(record.functionId),
  });
  const one = (id: string) => counted(functions.find(id));
  const all = () => functions.all().map(counted);
  return [
    route('GET', '/metrics', () => ok({ metrics: all().map((each) => poolRow(each, tools)) })),
    route('GET', '/stats', () => ok({ stats: all().map((each) => statisticsOf(each, tools)) })),
    route('GET', '/logs', ({ query }) => logLines(query, undefined, tools)),
    route('GET', '/functions/{id}/stats', ({ params }) => ok(statisticsOf(one(params.id), tools))),
    route('GET', '/functions/{id}/pool', ({ params }) => ok(poolOf(one(params.id), tools))),
    route('GET', '/functions/{id}/logs', ({ params, query }) => logLines(query, functions.find(params.id), tools)),
  ];
}

function logLines(query: URLSearchParams, record: FunctionRecord | undefined, { tags }: OrchestratorTools): Reply {
  const limit = countIn(query, 'limit', LOG_LINES);
  const lines = tags.newest({ limit, functionId: record && shownId(record) });
  return ok({
    logs: lines.map(({ timeMs, line }) => ({ timestamp: new Date(timeMs).toISOString(), message: line })),
  });
}

import type { FunctionRecord } from '../../model/function-record.ts';
import type { DialectTools, OpenDialect } from '../dialect.ts';
import { FunctionFinder } from '../function-finder.ts';
import { callByPath } from '../function-paths.ts';
import { route } from '../route.ts';
import { activityRoutes } from './activity-routes.ts';
import { callRoutes } from './call-routes.ts';
import { DefinedTriggers } from './defined-triggers.ts';
import { writeEventLines } from './event-lines.ts';
import { FunctionLabels, shownId } from './function-labels.ts';
import { functionRoutes } from './function-routes.ts';
import type { OrchestratorTools } from './orchestrator-tools.ts';
import { ok, orchestratorErrors } from './replies.ts';
import { TagLog } from './tag-log.ts';

const ABOUT = { name: 'Serverless Orchestrator', version: '1.0.0' };
const ENDPOINTS = {
  functions: '/functions',
  invoke: '/functions/{id}/invoke',
  warm: '/functions/{id}/warm',
  metrics: '/metrics',
  health: '/health',
};

/** The platform as the Serverless Orchestrator. */
export function orchestratorDialect(common: DialectTools): OpenDialect {
  const { registry, triggers, logger } = common;
  const functions = new FunctionFinder(registry, {
    namespace: 'orchestrator',
    byId: 'own',
    byName: false,
    unknown: () => 'Function not found',
  });
  const labels = new FunctionLabels(registry);
  const tags = new TagLog(common);
  const definedTriggers = new DefinedTriggers(triggers, { isOwnPath: (path) => ownParts.has(firstPart(path)) });
  const tools = { ...common, functions, tags, definedTriggers };
  const errors = orchestratorErrors(logger);
  let isStopping = false;
  let instances = 0;
  const routes = [
    route('GET', '/', () => ok({ ...ABOUT, functions: functions.all().length, endpoints: ENDPOINTS })),
    route('GET', '/health', () =>
      isStopping ? { status: 503, body: { status: 'stopping' } } : { status: 200, body: { status: 'healthy' } },
    ),
    ...callRoutes(tools),
    ...functionRoutes(tools),
    ...activityRoutes(tools),
  ];
  const ownParts = new Set(routes.map(({ path }) => firstPart(path)));
  for (const record of functions.all()) restoreTriggers(record, tools);
  writeEventLines(labels, tools);
  return {
    routes,
    // Every other path may be a function's own.
    fallback: route(
      'ANY',
      '/{path+}',
      (incoming) =>
        callByPath(incoming, { path: incoming.path, triggers, namespace: 'orchestrator', errors, isStreamed: false }),
      { isForOtherSites: true },
    ),
    bodyMaxBytes: common.payloadMaxBytes,
    errors,
    nameInstance: (version) => {
      if (!labels.of(version)) return undefined;
      instances += 1;
      return `inst-${instances - 1}`;
    },
    started: (url) => {
      const { port } = new URL(url);
      logger.info({ event: 'orchestrator.started' }, `Serverless Orchestrator listening on port ${port}`);
      logger.info({ event: 'orchestrator.started' }, `Health check: ${url}/health`);
      logger.info({ event: 'orchestrator.started' }, `Functions: ${url}/functions`);
    },
    stop: async () => {
      isStopping = true;
    },
  };
}

function firstPart(path: string): string {
  return path.split('/')[1] ?? '';
}

/** A stop between a definition and its triggers left it without them. */
function restoreTriggers(record: FunctionRecord, { definedTriggers, logger }: OrchestratorTools): void {
  try {
    definedTriggers.set(record, { wanted: definedTriggers.read(record.triggers) });
  } catch (error) {
    const fields = { event: 'orchestrator.triggers-unknown', function: shownId(record), err: error };
    logger.warn(fields, 'the triggers of a function cannot be read');
  }
}

import type { FunctionRecord } from '../../model/function-record.ts';
import { PlatformError } from '../../model/platform-error.ts';
import { callerOf, depthOf } from '../caller.ts';
import type { DialectTools, OpenDialect } from '../dialect.ts';
import { FunctionFinder } from '../function-finder.ts';
import { callByPath } from '../function-paths.ts';
import { type Route, route } from '../route.ts';
import { activityRoutes } from './activity-routes.ts';
import { DefinedTriggers } from './defined-triggers.ts';
import { writeEventLines } from './event-lines.ts';
import { FunctionLabels, labelOf, shownId } from './function-labels.ts';
import { functionRoutes } from './function-routes.ts';
import { invoke } from './invoke.ts';
import type { OrchestratorTools } from './orchestrator-tools.ts';
import { jsonOf, ok, orchestratorErrors } from './replies.ts';
import { TagLog } from './tag-log.ts';

const NO_EVENT = Buffer.from('{}');

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
    ...pages(tools, { isStopping: () => isStopping }),
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
      (asked) =>
        callByPath(asked, { path: asked.path, triggers, namespace: 'orchestrator', errors, isStreamed: false }),
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

function pages({ functions }: OrchestratorTools, { isStopping }: { isStopping: () => boolean }): readonly Route[] {
  return [
    route('GET', '/', () => ok(aboutOrchestrator(functions.all().length))),
    route('GET', '/health', () =>
      isStopping() ? { status: 503, body: { status: 'stopping' } } : { status: 200, body: { status: 'healthy' } },
    ),
  ];
}

function callRoutes(tools: OrchestratorTools): readonly Route[] {
  const { functions, triggers } = tools;
  return [
    route('POST', '/functions/{id}/invoke', ({ params: { id }, request, response, body }) => {
      const record = functions.get(id);
      if (!record) throw new PlatformError('function-unknown', `Error: Function not found: ${id}`);
      const { versionId } = functions.activeVersion(record);
      const call = { versionId, payload: eventIn(body), depth: depthOf(request), signal: callerOf(response) };
      return invoke(call, labelOf(record), tools);
    }),
    // The body is the event of the functions that take from the queue.
    route('POST', '/queues/{queue}', ({ params, body }) => {
      const { messageId } = triggers.publish(params.queue, eventIn(body));
      return { ...ok({ status: 'queued', messageId }), status: 202 };
    }),
  ];
}

/** Throws `input-invalid` where it is no JSON; it is passed on as it came. */
function eventIn(body: Buffer): Buffer {
  if (body.length === 0) return NO_EVENT;
  jsonOf(body);
  return body;
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

function aboutOrchestrator(functions: number) {
  return {
    name: 'Serverless Orchestrator',
    version: '1.0.0',
    functions,
    endpoints: {
      functions: '/functions',
      invoke: '/functions/{id}/invoke',
      warm: '/functions/{id}/warm',
      metrics: '/metrics',
      health: '/health',
    },
  };
}

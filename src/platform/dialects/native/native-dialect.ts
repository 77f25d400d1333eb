import { PROMETHEUS_CONTENT_TYPE } from '../../../telemetry/prometheus-text.ts';
import { Invariants } from '../../metrics/invariants.ts';
import { platformPage } from '../../metrics/platform-page.ts';
import { PlatformError } from '../../model/platform-error.ts';
import type { Reply } from '../../model/reply.ts';
import type { OpenDialect } from '../dialect.ts';
import { FunctionFinder } from '../function-finder.ts';
import { callByPath } from '../function-paths.ts';
import { type Route, route } from '../route.ts';
import { activityRoutes } from './activity-routes.ts';
import { controlPlaneRoutes } from './control-plane-routes.ts';
import { functionRoutes } from './function-routes.ts';
import { invoke } from './invoke.ts';
import type { NativeOptions, NativeTools } from './native-tools.ts';
import { nativeErrors, notFound, ok } from './replies.ts';
import { triggerRoutes } from './trigger-routes.ts';

/** A zip of 50 MiB as base64, and the rest of the request. */
const BODY_MAX_BYTES = 72 * 2 ** 20;
/** Stands before the paths of functions: they cannot take paths of the platform's own. */
const FUNCTION_PATHS = '/routes';

/** The platform's own port: calls, the control plane, the rest of the API, metrics and health. */
export function nativeDialect(options: NativeOptions): OpenDialect {
  const functions = new FunctionFinder(options.registry, {
    namespace: 'native',
    byId: 'all',
    byName: true,
    unknown: () => 'there is no function with this id or name',
  });
  const tools = { ...options, functions };
  return {
    routes: [
      ...pages(tools),
      ...callRoutes(tools),
      ...functionRoutes(tools),
      ...triggerRoutes(tools),
      ...activityRoutes(tools),
      ...controlPlaneRoutes(options.controlPlane),
      ...profileRoutes(tools),
    ],
    bodyMaxBytes: BODY_MAX_BYTES,
    errors: nativeErrors(options.logger),
  };
}

/** The few pages that are not part of the API: with any other method than GET there is nothing. */
function pages(tools: NativeTools): readonly Route[] {
  const { isReady, version, starts, metricLabels: labels } = tools;
  const invariants = new Invariants({ ...tools, liveProcesses: () => starts.live });
  return [
    route('GET', '/', () => ok(aboutPlatform(version))),
    route('GET', '/health', () =>
      isReady() ? ok({ status: 'healthy' }) : { status: 503, body: { status: 'stopping' } },
    ),
    route('GET', '/metrics', () => ({
      status: 200,
      body: Buffer.from(platformPage({ ...tools, invariants, labels })),
      headers: { 'content-type': PROMETHEUS_CONTENT_TYPE },
    })),
    ...['/', '/health', '/metrics'].map((path) => route('ANY', path, noSuchPath)),
  ];
}

function callRoutes(tools: NativeTools): readonly Route[] {
  const { functions, triggers } = tools;
  const options = { bodyMaxBytes: tools.payloadMaxBytes };
  const errors = { ...nativeErrors(tools.logger), notFound: () => notFound('no trigger has this path') };
  return [
    route(
      'POST',
      '/v1/functions/{id}/invoke',
      (asked) => {
        const { activeVersionId } = functions.find(asked.params.id);
        if (activeVersionId !== undefined) return invoke(activeVersionId, asked, tools);
        throw new PlatformError('not-active', 'the function has no active version');
      },
      options,
    ),
    route(
      'POST',
      '/v1/functions/{id}/versions/{version}/invoke',
      (asked) => {
        const { id, version } = asked.params;
        return invoke(functions.versionOf(functions.find(id), version).versionId, asked, tools);
      },
      options,
    ),
    route(
      'ANY',
      `${FUNCTION_PATHS}/{path+}`,
      (asked) => {
        const path = asked.path.slice(FUNCTION_PATHS.length);
        return callByPath(asked, { path, triggers, errors, isStreamed: true });
      },
      { ...options, isForOtherSites: true },
    ),
  ];
}

function profileRoutes({ profilePages }: NativeTools): readonly Route[] {
  if (!profilePages) return [];
  return ['/debug/pprof', '/debug/pprof/{page+}'].map((path) =>
    route('ANY', path, ({ request, response }) => (profilePages(request, response) ? undefined : noSuchPath()), {
      bodyMaxBytes: 'unread',
    }),
  );
}

function noSuchPath(): Reply {
  return notFound('there is no such path');
}

function aboutPlatform(version: string) {
  return {
    name: 'Starling platform',
    version,
    endpoints: {
      functions: '/v1/functions',
      invoke: '/v1/functions/{id}/invoke',
      triggers: '/v1/triggers',
      routes: '/routes/{path}',
      queues: '/v1/queues/{queue}/messages',
      instances: '/v1/instances',
      invocations: '/v1/invocations',
      stats: '/v1/stats',
      scalingTargets: '/v1/scaling-targets',
      metrics: '/metrics',
      health: '/health',
    },
  };
}

import { PROMETHEUS_CONTENT_TYPE } from '../../../telemetry/prometheus-text.ts';
import { Invariants } from '../../metrics/invariants.ts';
import { platformPage } from '../../metrics/platform-page.ts';
import type { Reply } from '../../model/reply.ts';
import type { OpenDialect } from '../dialect.ts';
import { FunctionFinder } from '../function-finder.ts';
import { profileRoutes } from '../profile-routes.ts';
import { type Route, route } from '../route.ts';
import { activityRoutes } from './activity-routes.ts';
import { callRoutes } from './call-routes.ts';
import { controlPlaneRoutes } from './control-plane-routes.ts';
import { functionRoutes } from './function-routes.ts';
import type { NativeOptions, NativeTools } from './native-tools.ts';
import { nativeErrors, notFound, ok } from './replies.ts';
import { triggerRoutes } from './trigger-routes.ts';

/** A zip of 50 MiB as base64, and the rest of the request. */
const BODY_MAX_BYTES = 72 * 2 ** 20;

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
      ...profileRoutes(tools, { missing: noSuchPath }),
    ],
    bodyMaxBytes: BODY_MAX_BYTES,
    errors: nativeErrors(options.logger),
  };
}

/** The few pages that are not part of the API: with any other method than GET there is nothing. */
function pages(tools: NativeTools): readonly Route[] {
  const { isReady, version, metricLabels: labels } = tools;
  const invariants = new Invariants(tools);
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

import type { ServerResponse } from 'node:http';
import { PROMETHEUS_CONTENT_TYPE } from '../../../telemetry/prometheus-text.ts';
import { builtins } from '../../builtin/builtins.ts';
import { PlatformError } from '../../model/platform-error.ts';
import type { Reply } from '../../model/reply.ts';
import { callerOf, depthOf } from '../caller.ts';
import type { DialectTools, OpenDialect } from '../dialect.ts';
import { FunctionFinder } from '../function-finder.ts';
import { profileRoutes } from '../profile-routes.ts';
import { countIn } from '../query-value.ts';
import { type RouteRequest, route } from '../route.ts';
import { type CallContext, Compositions } from './compositions.ts';
import { HttpMetrics } from './http-metrics.ts';
import { InvocationStats } from './invocation-stats.ts';
import { metricsPage, ProcessMetrics } from './metrics-page.ts';
import { registerBuiltins } from './register-builtins.ts';
import { errorReply, faasErrors, messageOf, ok } from './replies.ts';
import { BODY_MAX_BYTES, BURST_MAX, COUNT, chainOf, parametersOf, WARM_POOL_MAX } from './requests.ts';
import { WarmPools } from './warm-pools.ts';

export interface FaasServerOptions {
  /** Calls are served by warm pools where there are any. Otherwise every call deploys an instance of its own and undeploys it. */
  readonly isOptimised: boolean;
}

/** The platform as a server of eleven built-in functions, which are deployed for a call and undeployed after it. */
export function faasServerDialect(tools: DialectTools, { isOptimised }: FaasServerOptions): OpenDialect {
  const functions = new FunctionFinder(tools.registry, {
    namespace: 'builtin',
    byId: 'none',
    byName: true,
    unknown: (name) => `unknown function: ${name}`,
  });
  registerBuiltins(tools.registry, { builtins, functions, reuse: isOptimised ? 'by-hand' : 'never' });
  const errors = faasErrors(tools.logger);
  const stats = new InvocationStats(builtins.keys());
  const http = new HttpMetrics(tools);
  const process = new ProcessMetrics();
  const warmPools = new WarmPools({ ...tools, functions });
  const compositions = new Compositions({ ...tools, functions, stats, messageOf: describe });
  return {
    routes: [
      route('GET', '/health', () => text('OK', 'text/plain; charset=utf-8')),
      route('GET', '/metrics', () =>
        text(metricsPage({ ...tools, warmPools, http, process }), PROMETHEUS_CONTENT_TYPE),
      ),
      route('GET', '/fn/list', () => ok({ functions: [...builtins.keys()] })),
      route('GET', '/fn/stats', () => ok(stats.show())),
      route('POST', '/fn/chain', async (incoming) => {
        const context = contextOf(incoming);
        const chain = chainOf(incoming.body, (name) => functions.get(name) !== undefined);
        return ok(await compositions.chain(chain, context));
      }),
      route('POST', '/fn/invoke/{name}', async (incoming) => {
        const { name } = functions.find(incoming.params.name);
        return ok(await compositions.invoke(name, parametersOf(incoming.body), contextOf(incoming)));
      }),
      route('POST', '/fn/burst/{name}', async (incoming) => {
        const { name } = functions.find(incoming.params.name);
        const count = countIn(incoming.query, 'count', { usual: COUNT, max: BURST_MAX });
        return ok(
          await compositions.burst(name, { count, parameters: parametersOf(incoming.body) }, contextOf(incoming)),
        );
      }),
      route(
        'POST',
        '/fn/warmpool/{name}',
        async ({ params, query }) => {
          const { name } = functions.find(params.name);
          return ok(await warmPools.add(name, countIn(query, 'size', { usual: COUNT, max: WARM_POOL_MAX })));
        },
        { bodyMaxBytes: 'unread' },
      ),
      route('DELETE', '/fn/warmpool/{name}', ({ params }) => ok(warmPools.remove(params.name))),
      ...profileRoutes(tools, {
        missing: () => errorReply(404, 'nothing is profiled: start the platform with --profile all'),
      }),
    ],
    bodyMaxBytes: BODY_MAX_BYTES,
    errors,
    observe: countRequest,
    stop: async () => process.close(),
  };

  /** Of a part that fails, in a result that is sent all the same. */
  function describe(error: unknown): string {
    if (!(error instanceof PlatformError)) errors.logFault(error, { method: 'POST', path: '/fn' });
    return messageOf(error);
  }

  function countRequest(
    response: ServerResponse,
    { method, route }: { method: string; route: string | undefined },
  ): void {
    const { clock } = tools;
    const beganMs = clock.monotonicMs();
    response.once('close', () => {
      // What was broken off by the caller has no code of ours.
      const code = response.writableFinished ? response.statusCode : 499;
      http.add({ method, route: templateOf(route), code }, (clock.monotonicMs() - beganMs) / 1_000);
    });
  }
}

function contextOf({ request, response }: RouteRequest<unknown>): CallContext {
  return { signal: callerOf(response), depth: depthOf(request) };
}

/** As dashboards of this server know its routes: `/fn/invoke/:name`. */
function templateOf(route: string | undefined): string {
  if (route === undefined) return 'unknown';
  return route.startsWith('/debug/pprof') ? '/debug/pprof/*' : route.replace(/\{(\w+)\}/, ':$1');
}

function text(body: string, contentType: string): Reply {
  return { status: 200, body: Buffer.from(body), headers: { 'content-type': contentType } };
}

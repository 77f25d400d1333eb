import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { PROMETHEUS_CONTENT_TYPE } from '../../../telemetry/prometheus-text.ts';
import { builtins } from '../../builtin/builtins.ts';
import { PlatformError } from '../../model/platform-error.ts';
import { depthOf } from '../call-depth.ts';
import { callerOf } from '../caller.ts';
import { isFromAnotherOrigin } from '../cross-origin.ts';
import type { DialectTools, OpenDialect } from '../dialect.ts';
import { WRONG_HOST_DETAIL, WRONG_HOST_STATUS } from '../host-guard.ts';
import { readBody } from '../read-body.ts';
import { type Answer, answerOf, messageOf, sendJson } from './answers.ts';
import { Compositions } from './compositions.ts';
import { HttpTally } from './http-tally.ts';
import { InvocationStats } from './invocation-stats.ts';
import { metricsPage } from './metrics-page.ts';
import { ProcessTally } from './process-tally.ts';
import { activeVersion, registerBuiltins } from './register-builtins.ts';
import { BODY_MAX_BYTES, BURST_MAX, chainOf, countOf, parametersOf, WARM_POOL_MAX } from './requests.ts';
import { type Asked, methodsOf, routeOf } from './routes.ts';
import { WarmPools } from './warm-pools.ts';

export interface FaasServerOptions {
  /** Calls are served by warm pools where there are any. Otherwise every call deploys an instance of its own and undeploys it. */
  readonly isOptimised: boolean;
}

/** The platform as a server of eleven built-in functions, which are deployed for a call and undeployed after it. */
export function faasServerDialect(tools: DialectTools, { isOptimised }: FaasServerOptions): OpenDialect {
  const server = new FaasServer(tools, { isOptimised });
  return {
    onRequest: server.onRequest,
    refuseHost: (response) => sendJson(response, { status: WRONG_HOST_STATUS, body: { error: WRONG_HOST_DETAIL } }),
    stop: () => server.stop(),
  };
}

class FaasServer {
  readonly onRequest: RequestListener;
  readonly #tools: DialectTools;
  readonly #stats = new InvocationStats(builtins.keys());
  readonly #compositions: Compositions;
  readonly #warmPools: WarmPools;
  readonly #http: HttpTally;
  readonly #process = new ProcessTally();

  constructor(tools: DialectTools, { isOptimised }: FaasServerOptions) {
    this.#tools = tools;
    const { registry } = tools;
    registerBuiltins(registry, { builtins, reuse: isOptimised ? 'by-hand' : 'never' });
    this.#compositions = new Compositions({
      ...tools,
      stats: this.#stats,
      messageOf: (error) => {
        this.#tell(error);
        return messageOf(error);
      },
    });
    this.#warmPools = new WarmPools(tools);
    this.#http = new HttpTally(tools);
    this.onRequest = (request, response) => this.#answer(request, response);
  }

  async stop(): Promise<void> {
    this.#process.close();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = 'GET', url = '/' } = request;
    const mark = url.indexOf('?');
    const [path, search] = mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)];
    const asked = routeOf(path);
    this.#count(response, { method, route: asked.route });
    const allowed = methodsOf(asked.route);
    if (allowed && !allowed.includes(method)) {
      const allow = allowed.join(', ');
      sendJson(response, { status: 405, body: { error: `only ${allow} is understood here` }, headers: { allow } });
      return;
    }
    if (method !== 'GET' && method !== 'HEAD' && isFromAnotherOrigin(request)) {
      sendJson(response, { status: 403, body: { error: 'pages of other sites may not do this' } });
      return;
    }
    const query = new URLSearchParams(search);
    switch (asked.route) {
      case '/health':
        sendText(response, 'OK', 'text/plain; charset=utf-8');
        return;
      case '/metrics':
        sendText(response, this.#page(), PROMETHEUS_CONTENT_TYPE);
        return;
      case '/fn/list':
        sendJson(response, { status: 200, body: { functions: [...builtins.keys()] } });
        return;
      case '/fn/stats':
        sendJson(response, { status: 200, body: this.#stats.show() });
        return;
      case '/fn/warmpool/:name':
        this.#send(response, () => this.#warmPool(asked, { method, query }));
        return;
      case '/fn/chain':
      case '/fn/invoke/:name':
      case '/fn/burst/:name':
        this.#call(asked, { request, response, query });
        return;
      case '/debug/pprof/*':
        if (!this.#tools.profilePages?.(request, response)) {
          const error = 'nothing is profiled: start the platform with --profile all';
          sendJson(response, { status: 404, body: { error } });
        }
        return;
      case 'unknown':
        sendJson(response, { status: 404, body: { error: 'there is no such path' } });
        return;
      default:
        asked.route satisfies never;
    }
  }

  /** A name is looked up before the body is read: what is not there needs no parameters. */
  #call(
    { route, name }: Asked,
    { request, response, query }: { request: IncomingMessage; response: ServerResponse; query: URLSearchParams },
  ): void {
    const { registry } = this.#tools;
    const signal = callerOf(response);
    readBody(request, BODY_MAX_BYTES, (error, body) => {
      this.#send(response, async () => {
        if (error) throw error;
        const asking = { signal, depth: depthOf(request) };
        switch (route) {
          case '/fn/chain': {
            const chain = chainOf(body, (each) => registry.findByName('builtin', each) !== undefined);
            return this.#compositions.chain(chain, asking);
          }
          case '/fn/burst/:name': {
            activeVersion(registry, name);
            const count = countOf(query, 'count', BURST_MAX);
            return this.#compositions.burst(name, { count, parameters: parametersOf(body) }, asking);
          }
          default:
            activeVersion(registry, name);
            return this.#compositions.invoke(name, parametersOf(body), asking);
        }
      });
    });
  }

  async #warmPool({ name }: Asked, { method, query }: { method: string; query: URLSearchParams }): Promise<object> {
    if (method === 'DELETE') return this.#warmPools.remove(name);
    activeVersion(this.#tools.registry, name);
    return this.#warmPools.add(name, countOf(query, 'size', WARM_POOL_MAX));
  }

  #send(response: ServerResponse, work: () => Promise<Answer['body']>): void {
    work().then(
      (body) => sendJson(response, { status: 200, body }),
      (error: unknown) => {
        // Who has gone hears nothing, and is no fault.
        if (response.destroyed) return;
        this.#tell(error);
        sendJson(response, answerOf(error));
      },
    );
  }

  #page(): string {
    return metricsPage({ ...this.#tools, warmPools: this.#warmPools, http: this.#http, process: this.#process });
  }

  #count(response: ServerResponse, { method, route }: { method: string; route: string }): void {
    const { clock } = this.#tools;
    const beganMs = clock.monotonicMs();
    response.once('close', () => {
      // What was broken off by the caller has no code of ours.
      const code = response.writableFinished ? response.statusCode : 499;
      this.#http.add({ method, route, code }, (clock.monotonicMs() - beganMs) / 1_000);
    });
  }

  #tell(error: unknown): void {
    if (error instanceof PlatformError) return;
    this.#tools.logger.error({ event: 'faas-server.failed', err: error }, 'a request could not be answered');
  }
}

function sendText(response: ServerResponse, text: string, contentType: string): void {
  const bytes = Buffer.from(text);
  response.writeHead(200, { 'content-type': contentType, 'content-length': bytes.length });
  response.end(bytes);
}

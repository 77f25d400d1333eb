import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { parseDeploymentRequest, parseSpecificationChange } from '../../../src/contract/deployment-change.ts';
import { formatToken } from '../../../src/contract/fencing.ts';
import { parsePrediction } from '../../../src/contract/prediction.ts';
import { buildProblem, type ProblemType, type WireProblem } from '../../../src/contract/problem.ts';
import { parsePageQuery } from '../../../src/contract/scaling-targets.ts';
import { DoubleFleet, type VersionSeed } from './double-fleet.ts';
import { DoubleIssuer } from './double-issuer.ts';
import { answerDoubleCall } from './double-remote.ts';
import { type DoubleCall, Faults, type Reply, suffer } from './faults.ts';
import { matchRoute, type Route } from './match-route.ts';

export interface ControlPlaneDoubleOptions {
  readonly versions?: readonly VersionSeed[];
  /** Writes without a fencing token are answered 428. */
  readonly demandsToken?: boolean;
  /** Off: an older kind of control plane, without pages. */
  readonly hasScalingTargets?: boolean;
  /** What a caller must show; unset: nothing. */
  readonly auth?: { readonly bearer: string } | { readonly clientId: string; readonly clientSecret: string };
  readonly tls?: ServerOptions;
}

export interface SeenRequest {
  readonly call: DoubleCall | 'none';
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  /** The caller's end of the connection. */
  readonly port: number | undefined;
  readonly status: () => number;
}

const BODY_MAX_BYTES = 64 * 1024;
const SEEN_MAX = 10_000;

/** A control plane in this process, over real HTTP, that honours fencing tokens and breaks down on demand. */
export class ControlPlaneDouble {
  readonly fleet = new DoubleFleet();
  readonly faults = new Faults();
  readonly issuer: DoubleIssuer;
  /** The newest requests, oldest first. */
  readonly seen: SeenRequest[] = [];
  readonly #options: ControlPlaneDoubleOptions;
  #server: Server | undefined;
  #url = '';

  constructor(options: ControlPlaneDoubleOptions = {}) {
    this.#options = options;
    const { auth } = options;
    this.issuer = new DoubleIssuer(auth && 'clientId' in auth ? auth : undefined);
    for (const version of options.versions ?? []) this.fleet.put(version);
  }

  get url(): string {
    return this.#url;
  }

  /** What it knows outlives a stop and a start. */
  async start({ port = 0, host = '127.0.0.1' } = {}): Promise<string> {
    const { tls } = this.#options;
    const listener: RequestListener = (request, response) => {
      this.#receive(request, response).catch(() => response.destroy());
    };
    const server = tls ? createTlsServer(tls, listener) : createServer(listener);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, host, resolve);
    });
    this.#server = server;
    this.#url = `${tls ? 'https' : 'http'}://${host}:${(server.address() as AddressInfo).port}`;
    return this.#url;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  count(call: DoubleCall): number {
    return this.seen.filter((request) => request.call === call).length;
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://double');
    const body = await readBody(request);
    if (pathname.startsWith('/double/')) {
      suffer(response, undefined, () => answerDoubleCall(this, request.method ?? '', pathname, body.json));
      return;
    }
    const route = matchRoute(request.url ?? '/');
    const call = pathname === '/oauth2/token' ? 'token' : route?.call;
    this.#see(call ?? 'none', request, response);
    const versionId = route && 'versionId' in route ? route.versionId : undefined;
    const fault = call && this.faults.take(call, versionId);
    suffer(response, fault, () => {
      if (call === 'token') return this.issuer.issue(request, body.text);
      if (!this.#isAuthorised(request))
        return problem('not-authenticated', 'the Authorization header is missing or not valid');
      if (body.isTooLarge) return problem('too-large', `a body is ${BODY_MAX_BYTES} bytes at most`);
      return route
        ? this.#answer(route, { request, searchParams, body })
        : problem('not-found', 'there is no such path');
    });
  }

  #answer(
    route: Route,
    { request, searchParams, body }: { request: IncomingMessage; searchParams: URLSearchParams; body: Body },
  ): Reply {
    const { method } = request;
    switch (route.call) {
      case 'prediction':
        return method === 'PUT' ? this.#predict(route, request, body) : notAllowed('PUT');
      case 'deployment':
        if (method === 'POST') return this.#deploy(route, body);
        return method === 'GET' ? this.#deployment(route) : notAllowed('GET, POST');
      case 'gpu-specification':
        return method === 'PATCH' ? this.#change(route, body) : notAllowed('PATCH');
      case 'scaling-targets':
        if (this.#options.hasScalingTargets === false) return problem('not-found', 'there is no such path');
        return method === 'GET' ? this.#page(searchParams, request) : notAllowed('GET');
      default:
        return route satisfies never;
    }
  }

  #predict(route: Extract<Route, { call: 'prediction' }>, request: IncomingMessage, body: Body): Reply {
    const header = request.headers['fencing-token'];
    const parsed = parsePrediction(
      { body: body.json, fencingToken: typeof header === 'string' ? header : undefined },
      { demandsToken: this.#options.demandsToken ?? true },
    );
    if (!parsed.ok) return replyWith(parsed.problem);
    const result = this.fleet.write(route, parsed);
    switch (result.kind) {
      case 'answer':
        return { status: 200, body: result.answer };
      case 'token-needed':
        return problem('fencing-token-required', 'this version is written to under fencing tokens');
      case 'unknown':
        return this.#unknown(route.versionId);
      case 'stale': {
        const storedToken = formatToken(result.storedToken);
        return problem('stale-fencing-token', `token ${storedToken} or a later one was here before`, { storedToken });
      }
      default:
        return result satisfies never;
    }
  }

  #deployment({ functionId, versionId }: Extract<Route, { call: 'deployment' }>): Reply {
    const answer = this.fleet.deployment(versionId);
    return answer?.deployment.functionId === functionId ? { status: 200, body: answer } : this.#unknown(versionId);
  }

  #deploy({ functionId, versionId }: Extract<Route, { call: 'deployment' }>, body: Body): Reply {
    if (this.fleet.find(versionId)?.functionId !== functionId) return this.#unknown(versionId);
    const parsed = parseDeploymentRequest(body.json);
    if (!parsed.ok) return replyWith(parsed.problem);
    const [{ minInstances, maxInstances, maxRequestConcurrency } = {}, ...others] =
      parsed.value.deploymentSpecifications;
    if (others.length > 0) return problem('invalid-request', 'the double deploys one specification a version');
    this.fleet.put({ versionId, minInstances, maxInstances, maxRequestConcurrency });
    return { status: 200, body: this.fleet.deployment(versionId) };
  }

  #change({ deploymentId }: Extract<Route, { call: 'gpu-specification' }>, body: Body): Reply {
    const version = this.fleet.findByDeployment(deploymentId);
    if (!version) return problem('not-found', 'there is no such deployment');
    const parsed = parseSpecificationChange(body.json, { current: version, lookBackSeconds: 3_600, base: undefined });
    if (!parsed.ok) return replyWith(parsed.problem);
    this.fleet.change(version.versionId, parsed.value);
    return { status: 200, body: this.fleet.deployment(version.versionId) };
  }

  #page(searchParams: URLSearchParams, request: IncomingMessage): Reply {
    const query = parsePageQuery(searchParams);
    if (!query.ok) return replyWith(query.problem);
    const page = this.fleet.page(query);
    const etag = `"${createHash('sha256').update(JSON.stringify(page)).digest('base64url').slice(0, 22)}"`;
    const isKnown = request.headers['if-none-match']?.split(',').some((each) => each.trim() === etag);
    return isKnown ? { status: 304, headers: { etag } } : { status: 200, body: page, headers: { etag } };
  }

  #unknown(versionId: string): Reply {
    return this.fleet.isGone(versionId)
      ? problem('gone', 'the function version was deleted')
      : problem('not-found', 'there is no such function version');
  }

  #isAuthorised(request: IncomingMessage): boolean {
    const { auth } = this.#options;
    const { authorization } = request.headers;
    if (!auth) return true;
    if ('bearer' in auth) return authorization === `Bearer ${auth.bearer}`;
    return this.issuer.isValid(authorization);
  }

  #see(call: SeenRequest['call'], { method, url, headers, socket }: IncomingMessage, response: ServerResponse): void {
    if (this.seen.length >= SEEN_MAX) this.seen.shift();
    this.seen.push({
      call,
      method: method ?? '',
      url: url ?? '',
      headers,
      port: socket.remotePort,
      status: () => response.statusCode,
    });
  }
}

interface Body {
  readonly text: string;
  readonly json: unknown;
  readonly isTooLarge: boolean;
}

async function readBody(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes <= BODY_MAX_BYTES) chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  return { text, json: parseJson(text), isTooLarge: bytes > BODY_MAX_BYTES };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problem(type: ProblemType, detail: string, more: { storedToken?: string } = {}): Reply {
  return replyWith(buildProblem(type, detail, more));
}

function replyWith(body: WireProblem): Reply {
  return { status: body.status, body };
}

function notAllowed(allow: string): Reply {
  return { ...problem('method-not-allowed', `only ${allow} is understood here`), headers: { allow } };
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { listen } from '../lib/listen.ts';
import { type HealthAnswer, type HealthFacts, health, liveness, readiness } from './health.ts';

type Judge = (facts: HealthFacts) => HealthAnswer;

/** The paths of the design, of the peer, and those that Kubernetes people try first. */
const JUDGES: Readonly<Record<string, Judge>> = {
  '/admin/health/liveness': liveness,
  '/livez': liveness,
  '/healthz': liveness,
  '/admin/health/readiness': readiness,
  '/readyz': readiness,
  '/health': health,
};

/** Probes answer from plain node:http on their own port, so that they stay cheap and open while the admin API is closed. */
export async function startProbeServer(options: {
  host: string;
  port: number;
  facts: () => HealthFacts;
}): Promise<{ server: Server; port: number }> {
  const server = createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (request, response) => {
    answer(request, response, options.facts);
  });
  return { server, port: await listen(server, { host: options.host, port: options.port, what: 'probes' }) };
}

function answer(request: IncomingMessage, response: ServerResponse, facts: () => HealthFacts): void {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const judge = Object.hasOwn(JUDGES, path) ? JUDGES[path] : undefined;
  if (!judge) {
    send(response, { status: 404, body: { status: 'not found', paths: Object.keys(JUDGES) } }, request.method);
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    send(response, { status: 405, body: { status: 'probes are read with GET' } }, request.method);
    return;
  }
  send(response, judge(facts()), request.method);
}

function send(
  response: ServerResponse,
  answered: { status: number; body: Readonly<Record<string, unknown>> },
  method: string | undefined,
): void {
  const body = JSON.stringify(answered.body) + '\n';
  response.writeHead(answered.status, {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(method === 'HEAD' ? undefined : body);
}

import { createServer, type IncomingMessage, type Server } from 'node:http';
import { listen } from '../lib/listen.ts';
import { type HealthAnswer, type HealthFacts, health, liveness, readiness } from './health.ts';

/** The paths of the design, of the peer, and those that Kubernetes people try first. */
const JUDGES: Readonly<Record<string, (facts: HealthFacts) => HealthAnswer>> = {
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
    const { status, body } = answerTo(request, options.facts);
    const text = JSON.stringify(body) + '\n';
    response.writeHead(status, {
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
      'Content-Length': Buffer.byteLength(text),
      ...(status === 405 && { Allow: 'GET, HEAD' }),
    });
    response.end(request.method === 'HEAD' ? undefined : text);
  });
  return { server, port: await listen(server, { host: options.host, port: options.port, what: 'probes' }) };
}

function answerTo({ url = '/', method }: IncomingMessage, facts: () => HealthFacts): { status: number; body: object } {
  const path = url.split('?', 1)[0] ?? '/';
  const judge = Object.hasOwn(JUDGES, path) ? JUDGES[path] : undefined;
  if (!judge) return { status: 404, body: { status: 'not found', paths: Object.keys(JUDGES) } };
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, body: { status: 'probes are read with GET' } };
  return judge(facts());
}

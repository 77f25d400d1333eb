import { createServer, type Server } from 'node:http';
import { listen } from '../lib/listen.ts';
import { PROMETHEUS_CONTENT_TYPE } from '../telemetry/prometheus-text.ts';

/** Prometheus text on its own port, so that it can be opened to the monitoring alone. */
export async function startMetricsServer(options: {
  host: string;
  port: number;
  render: () => Promise<string>;
  onFault: (error: unknown) => void;
}): Promise<{ server: Server; port: number }> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0];
    if (path !== '/metrics' || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(path === '/metrics' ? 405 : 404, { 'Content-Type': 'text/plain; charset=utf-8' });
      response.end('Metrics are on GET /metrics.\n');
      return;
    }
    options.render().then(
      (text) => {
        response.writeHead(200, { 'Content-Type': PROMETHEUS_CONTENT_TYPE, 'Cache-Control': 'no-store' });
        response.end(request.method === 'HEAD' ? undefined : text);
      },
      (error: unknown) => {
        options.onFault(error);
        response.writeHead(500, { 'Content-Type': 'text/plain; charset=utf-8' });
        response.end('The metrics could not be gathered; the log says why.\n');
      },
    );
  });
  return { server, port: await listen(server, { host: options.host, port: options.port, what: 'metrics' }) };
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

interface Span {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly status: { readonly message?: string };
}

const received: { path: string; traceparent: string | undefined; body: string }[] = [];
const collector = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => {
    body += chunk;
  });
  request.on('end', () => {
    const { traceparent } = request.headers;
    received.push({ path: request.url ?? '', traceparent: traceparent as string | undefined, body });
    response.end('{}');
  });
});
let output = '';

/** A process of its own, because tracing changes the modules of the process that it starts in. */
beforeAll(async () => {
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const { port } = collector.address() as AddressInfo;
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('traced-process.ts', import.meta.url)), `http://127.0.0.1:${port}`],
    {
      env: { PATH: process.env['PATH'], OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(0);
});

afterAll(() => collector.close());

describe('OTLP', () => {
  const spans = () =>
    received
      .filter(({ path }) => path === '/v1/traces')
      .flatMap(
        ({ body }) => (JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] }).resourceSpans,
      )
      .flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));

  it('carries a span for the cycle, and exactly one for the call inside it', () => {
    const cycle = spans().find(({ name }) => name === 'run scaling');
    const calls = spans().filter(({ kind, name }) => kind === 3 && name === 'GET');
    expect(calls).toHaveLength(1);
    expect(calls[0]?.traceId).toBe(cycle?.traceId);
    expect(calls[0]?.parentSpanId).toBe(cycle?.spanId);
  });

  it('passes the trace on to the called server', () => {
    const call = spans().find(({ kind }) => kind === 3);
    expect(received.find(({ path }) => path === '/called')?.traceparent).toBe(`00-${call?.traceId}-${call?.spanId}-01`);
  });

  it('reports failures without credentials', () => {
    expect(spans().find(({ name }) => name === 'fail')?.status.message).toBe('answered Bearer [redacted]');
    expect(JSON.stringify(received)).not.toContain('canary');
  });

  it('adds the span to log lines', () => {
    const line = output.split('\n').find((text) => text.includes('inside'));
    expect(JSON.parse(line ?? '{}')).toMatchObject({
      trace_id: spans().find(({ name }) => name === 'run scaling')?.traceId,
    });
  });

  it('exports the metrics under the names of the scrape, and both work at once', () => {
    const body = received.findLast(({ path }) => path === '/v1/metrics')?.body ?? '';
    expect(body).toContain('"starling_loop_overruns_total"');
    expect(body).toContain('"process_resident_memory_bytes"');
    expect(output).toContain('starling_loop_overruns_total{loop="scale"} 1');
  });
});

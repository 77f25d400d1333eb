import { createRequire, register, syncBuiltinESMExports } from 'node:module';

const HTTP_MODULES = ['http', 'https', 'node:http', 'node:https'];

export interface TracingOptions {
  readonly serviceName: string;
  readonly version: string;
  readonly memberId: string | undefined;
  readonly resource: Readonly<Record<string, string>>;
  readonly endpoint: string | undefined;
  readonly ratio: number;
}

/**
 * Starts the OpenTelemetry SDK for traces; returns how to flush and stop it. Loaded only when traces are wanted: the
 * import alone costs 0.3 s and 50 MB. Modules that were imported before are not instrumented, so this comes first.
 */
export async function startTracing(options: TracingOptions): Promise<() => Promise<void>> {
  // Without this hook the instrumentations never see an ES module; importing the hook alone does nothing. HTTP is left
  // out, because there both ways lead to one object, and every call would give two spans.
  register('@opentelemetry/instrumentation/hook.mjs', import.meta.url, { data: { exclude: HTTP_MODULES } });
  const [{ NodeSDK }, { HttpInstrumentation }, { CassandraDriverInstrumentation }, resources] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/instrumentation-http'),
    import('@opentelemetry/instrumentation-cassandra-driver'),
    import('@opentelemetry/resources'),
  ]);
  applyDefaults(options);
  const sdk = new NodeSDK({
    resource: resources.resourceFromAttributes({
      'service.name': process.env['OTEL_SERVICE_NAME'] ?? options.serviceName,
      'service.version': options.version,
      ...(options.memberId === undefined ? {} : { 'service.instance.id': options.memberId }),
      ...options.resource,
    }),
    // Not the process detector: it would publish the command line.
    resourceDetectors: [resources.envDetector, resources.hostDetector],
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [
      // Scrapes and probes would be most of what is traced.
      new HttpInstrumentation({
        ignoreIncomingRequestHook: ({ url = '' }) => /^\/(metrics|livez|readyz|health|admin\/health)/.test(url),
      }),
      // Statements carry no values: they are all bound.
      new CassandraDriverInstrumentation({ enhancedDatabaseReporting: false }),
    ],
  });
  sdk.start();
  const require = createRequire(import.meta.url);
  for (const name of HTTP_MODULES) require(name);
  syncBuiltinESMExports();
  return () => sdk.shutdown();
}

/** The SDK is told through its own variables, so that whoever sets those himself is obeyed. */
function applyDefaults({ endpoint, ratio }: TracingOptions): void {
  const { env } = process;
  if (endpoint !== undefined) env['OTEL_EXPORTER_OTLP_ENDPOINT'] = endpoint;
  env['OTEL_TRACES_SAMPLER'] ??= 'parentbased_traceidratio';
  env['OTEL_TRACES_SAMPLER_ARG'] ??= String(ratio);
}

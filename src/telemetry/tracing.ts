import { createRequire, register, syncBuiltinESMExports } from 'node:module';
import type { TelemetryOptions, TelemetrySettings } from './telemetry-settings.ts';

const HTTP_MODULES = ['http', 'https', 'node:http', 'node:https'];

/**
 * Starts the OpenTelemetry SDK for traces; returns how to flush and stop it. Loaded only when traces are wanted: the
 * import alone costs 0.3 s and 50 MB. Modules that were imported before are not instrumented, so this comes first.
 */
export async function startTracing({ version, memberId, settings }: TelemetryOptions): Promise<() => Promise<void>> {
  // Without this hook the instrumentations never see an ES module; importing the hook alone does nothing. HTTP is left
  // out, because there both ways lead to one object, and every call would give two spans.
  register('@opentelemetry/instrumentation/hook.mjs', import.meta.url, { data: { exclude: HTTP_MODULES } });
  const [{ NodeSDK }, { HttpInstrumentation }, { CassandraDriverInstrumentation }, resources] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/instrumentation-http'),
    import('@opentelemetry/instrumentation-cassandra-driver'),
    import('@opentelemetry/resources'),
  ]);
  applyDefaults(settings);
  const sdk = new NodeSDK({
    resource: resources.resourceFromAttributes({
      'service.name': process.env['OTEL_SERVICE_NAME'] ?? settings.serviceName,
      'service.version': version,
      'service.instance.id': memberId,
      ...settings.resource,
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

/** The SDK gets them through its own variables, so that those which an operator sets win. */
function applyDefaults({ otlp: { endpoint }, tracesRatio }: TelemetrySettings): void {
  const { env } = process;
  if (endpoint !== undefined) env['OTEL_EXPORTER_OTLP_ENDPOINT'] = endpoint;
  env['OTEL_TRACES_SAMPLER'] ??= 'parentbased_traceidratio';
  env['OTEL_TRACES_SAMPLER_ARG'] ??= String(tracesRatio);
}

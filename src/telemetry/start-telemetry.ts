import type { IMetricReader } from '@opentelemetry/sdk-metrics';
import { type FunctionSeriesProvider, writeFunctionSeries } from './function-series.ts';
import { createLogs, type Logger, type LoggerOptions, type Logs } from './logger.ts';
import type { Meters } from './meters.ts';
import { familiesOf } from './metric-family.ts';
import { OtelMeters, ScrapeReader, temporalityOf } from './otel-meters.ts';
import { peerFamilies } from './peer-names.ts';
import { watchProcess } from './process-metrics.ts';
import { prometheusText } from './prometheus-text.ts';

export interface TelemetryOptions {
  readonly serviceName?: string;
  readonly version: string;
  readonly memberId?: string | undefined;
  readonly log?: Omit<LoggerOptions, 'serviceName' | 'version' | 'memberId'>;
  /** Series per function version: none, the most active ones, or all. */
  readonly perFunction?: 'off' | 'capped' | 'all';
  readonly perFunctionLimit?: number;
  /** Also the names of the peer. */
  readonly peerNames?: boolean;
  readonly resource?: Readonly<Record<string, string>>;
  readonly otlp?: {
    readonly metrics?: boolean;
    readonly traces?: boolean;
    readonly endpoint?: string | undefined;
    readonly intervalMs?: number;
    readonly timeoutMs?: number;
  };
  readonly tracesRatio?: number;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface Telemetry {
  readonly logger: Logger;
  readonly logs: Logs;
  readonly meters: Meters;
  /** Everything as Prometheus text. */
  render(): Promise<string>;
  /** Whom to ask for the series per function version. */
  setFunctionSeries(provider: FunctionSeriesProvider): void;
  /** Sends what is still to be sent, then stops. */
  shutdown(): Promise<void>;
}

/** Starts logs, metrics and, when asked for, OTLP and traces. Call it before importing what shall be traced. */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { serviceName = 'starling', version, memberId, perFunction = 'off', perFunctionLimit = 2000 } = options;
  const wanted = wantedBy(options);
  const stopTracing = wanted.traces ? await startTraces(options, serviceName) : undefined;

  const logs = createLogs({ ...options.log, serviceName, version, memberId });
  const meters = new OtelMeters({
    reader: wanted.metrics ? await otlpReader(options.otlp ?? {}) : new ScrapeReader(),
    resource: {
      'service.name': serviceName,
      'service.version': version,
      ...(memberId === undefined ? {} : { 'service.instance.id': memberId }),
      ...options.resource,
    },
  });
  meters.set('starling_build_info', 1, { version, node: process.version });
  if (memberId !== undefined) meters.set('starling_member_info', 1, { member: memberId });
  const stopWatching = watchProcess(meters);

  let functions: FunctionSeriesProvider = () => [];
  let rendering: Promise<string> | undefined;
  const renderOnce = async (): Promise<string> => {
    const section = await writeFunctionSeries(functions, {
      mode: perFunction,
      limit: perFunctionLimit,
      withPeerNames: options.peerNames === true,
    });
    meters.set('starling_functions_not_exported', section.hidden);
    meters.set('starling_wanted_instances', section.wanted);
    meters.set('starling_actual_instances', section.actual);
    const families = familiesOf(await meters.collect());
    const peers = options.peerNames ? prometheusText(peerFamilies(families)) : '';
    return prometheusText(families) + peers + section.text;
  };

  return {
    logger: logs.root,
    logs,
    meters,
    render() {
      // Two scrapers at once get the same page.
      rendering ??= renderOnce().finally(() => {
        rendering = undefined;
      });
      return rendering;
    },
    setFunctionSeries(provider) {
      functions = provider;
    },
    async shutdown() {
      stopWatching();
      await Promise.allSettled([meters.shutdown(), stopTracing?.()]);
    },
  };
}

async function startTraces(options: TelemetryOptions, serviceName: string): Promise<() => Promise<void>> {
  const { startTracing } = await import('./tracing.ts');
  return startTracing({
    serviceName,
    version: options.version,
    memberId: options.memberId,
    resource: options.resource ?? {},
    endpoint: options.otlp?.endpoint,
    ratio: options.tracesRatio ?? 0.05,
  });
}

/** Pushes on its own period, and answers scrapes from the same collection: a second reader that nobody reads would hoard. */
async function otlpReader({
  endpoint,
  intervalMs = 60_000,
  timeoutMs = 10_000,
}: NonNullable<TelemetryOptions['otlp']>): Promise<IMetricReader> {
  const [{ OTLPMetricExporter }, { PeriodicExportingMetricReader }] = await Promise.all([
    import('@opentelemetry/exporter-metrics-otlp-http'),
    import('@opentelemetry/sdk-metrics'),
  ]);
  const exporter = new OTLPMetricExporter({
    timeoutMillis: timeoutMs,
    ...(endpoint === undefined ? {} : { url: `${endpoint.replace(/\/+$/, '')}/v1/metrics` }),
  });
  exporter.selectAggregationTemporality = temporalityOf;
  return new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: Math.max(intervalMs, timeoutMs),
    exportTimeoutMillis: timeoutMs,
  });
}

/** Ours, or the standard variables of OpenTelemetry. */
function wantedBy({ otlp = {}, env = process.env }: TelemetryOptions): { metrics: boolean; traces: boolean } {
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return { metrics: false, traces: false };
  const asked = (signal: 'METRICS' | 'TRACES', isOn: boolean | undefined) => {
    const exporter = env[`OTEL_${signal}_EXPORTER`];
    if (exporter === 'none') return false;
    return (
      isOn === true ||
      Boolean(exporter) ||
      Boolean(env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`] ?? env['OTEL_EXPORTER_OTLP_ENDPOINT'])
    );
  };
  return { metrics: asked('METRICS', otlp.metrics), traces: asked('TRACES', otlp.traces) };
}

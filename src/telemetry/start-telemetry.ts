import type { IMetricReader } from '@opentelemetry/sdk-metrics';
import { type FunctionSeriesProvider, writeFunctionSeries } from './function-series.ts';
import { createLogs, type Logger, type Logs } from './logger.ts';
import type { Meters } from './meters.ts';
import { familiesOf } from './metric-family.ts';
import { OtelMeters, ScrapeReader, temporalityOf } from './otel-meters.ts';
import { peerFamilies } from './peer-names.ts';
import { watchProcess } from './process-metrics.ts';
import { prometheusText } from './prometheus-text.ts';
import type { TelemetryOptions, TelemetrySettings } from './telemetry-settings.ts';

export interface Telemetry {
  readonly logger: Logger;
  readonly logs: Logs;
  readonly meters: Meters;
  /** Everything as Prometheus text. */
  render(): Promise<string>;
  /** Where the series per function version come from. */
  setFunctionSeries(provider: FunctionSeriesProvider): void;
  /** Sends what is still to be sent, then stops. */
  shutdown(): Promise<void>;
}

/** Starts logs, metrics and, when asked for, OTLP and traces. Call it before importing what is to be traced. */
export async function startTelemetry({ version, memberId, settings }: TelemetryOptions): Promise<Telemetry> {
  const { serviceName, logLevel: level, logFormat: format, perFunction, perFunctionLimit, peerNames } = settings;
  const wanted = wantedBy(settings);
  const stopTracing = wanted.traces
    ? await (await import('./tracing.ts')).startTracing({ version, memberId, settings })
    : undefined;

  const logs = createLogs({ level, format, serviceName, version, memberId });
  const meters = new OtelMeters({
    reader: wanted.metrics ? await otlpReader(settings.otlp) : new ScrapeReader(),
    resource: {
      'service.name': serviceName,
      'service.version': version,
      'service.instance.id': memberId,
      ...settings.resource,
    },
  });
  meters.set('starling_build_info', 1, { version, node: process.version });
  meters.set('starling_member_info', 1, { member: memberId });
  const stopWatching = watchProcess(meters);

  let functions: FunctionSeriesProvider = () => [];
  let rendering: Promise<string> | undefined;
  const renderOnce = async (): Promise<string> => {
    const section = await writeFunctionSeries(functions, {
      mode: perFunction,
      limit: perFunctionLimit,
      withPeerNames: peerNames,
    });
    meters.set('starling_functions_not_exported', section.hidden);
    meters.set('starling_wanted_instances', section.wanted);
    meters.set('starling_actual_instances', section.actual);
    const families = familiesOf(await meters.collect());
    const peers = peerNames ? prometheusText(peerFamilies(families)) : '';
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

/** Pushes on its own period, and answers scrapes from the same collection: a second reader that is never read would grow. */
async function otlpReader({ endpoint, intervalMs, timeoutMs }: TelemetrySettings['otlp']): Promise<IMetricReader> {
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
function wantedBy({ otlp }: TelemetrySettings): { metrics: boolean; traces: boolean } {
  const { env } = process;
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return { metrics: false, traces: false };
  const asked = (signal: 'METRICS' | 'TRACES', isOn: boolean) => {
    const exporter = env[`OTEL_${signal}_EXPORTER`];
    if (exporter === 'none') return false;
    const endpoint = env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`] ?? env['OTEL_EXPORTER_OTLP_ENDPOINT'];
    return isOn || Boolean(exporter) || Boolean(endpoint);
  };
  return { metrics: asked('METRICS', otlp.metrics), traces: asked('TRACES', otlp.traces) };
}

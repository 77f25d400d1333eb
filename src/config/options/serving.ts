import {
  boolean,
  choice,
  duration,
  integer,
  list,
  listen,
  number,
  optional,
  pairs,
  secret,
  size,
  text,
} from '../option.ts';

/** What this process answers to. Three listeners, so that each can be opened to no more than it needs. */
export const http = {
  admin: listen('127.0.0.1:8080', 'Admin API and console. Beyond loopback it wants http.adminToken.'),
  health: listen('0.0.0.0:8081', 'Probes.'),
  metrics: listen('0.0.0.0:41338', 'Prometheus text on /metrics.'),
  adminToken: secret('Bearer token that the admin API asks for.'),
  allowedHosts: list('', 'Host headers that the admin API answers to, beside its own address and localhost.'),
  bodyMax: size('64KiB', 'Larger request bodies are refused.', { min: '1KiB', max: '16MiB' }),
  requestTimeout: duration('30s', 'A request that took longer to arrive is dropped.', { min: '1s', max: '5m' }),
  headersTimeout: duration('10s', 'The same for its headers.', { min: '1s', max: '5m' }),
  ratePerSecond: number('10', 'Changing requests a second and caller.', { min: '0.1', max: '10000' }),
};

/** What can be seen from outside. */
export const telemetry = {
  serviceName: text('starling', 'service.name of metrics, traces and logs.'),
  logLevel: text('info', 'A level, or levels by module: info,store=debug,scaling=warn.', {
    pattern:
      /^(trace|debug|info|warn|error|fatal|silent|[a-z][a-z-]*=(trace|debug|info|warn|error|fatal|silent))(,(trace|debug|info|warn|error|fatal|silent|[a-z][a-z-]*=(trace|debug|info|warn|error|fatal|silent)))*$/,
    patternSays: 'trace, debug, info, warn, error, fatal or silent, and module=level after commas',
    flag: 'log-level',
  }),
  logFormat: choice(
    ['auto', 'json', 'pretty'],
    'auto',
    'auto: pretty on a terminal, one JSON object a line elsewhere.',
    {
      flag: 'log-format',
    },
  ),
  logRepeat: duration('1m', 'The same error is logged once in this span, then with a count.', { max: '1h' }),
  perFunction: choice(
    ['off', 'capped', 'all'],
    'off',
    'Series per function version: none, the most active ones, or all.',
  ),
  perFunctionLimit: integer('2000', 'How many of them when capped.', { min: '1', max: '1000000' }),
  peerNames: boolean(
    'false',
    "Also expose the metrics under the names of NVIDIA Cloud Functions' autoscaler, so that its boards keep working.",
  ),
  resource: pairs('', 'Further resource attributes, such as deployment.environment.name=production.'),
  otlp: {
    metrics: boolean('false', 'Also send metrics by OTLP.'),
    traces: boolean('false', 'Send traces by OTLP.'),
    endpoint: optional.text(
      'OTLP over HTTP, such as http://collector:4318; unset: OTEL_EXPORTER_OTLP_ENDPOINT or its default.',
      {
        pattern: /^https?:\/\//,
        patternSays: 'an http:// or https:// URL',
      },
    ),
    interval: duration('1m', 'How often metrics are sent.', { min: '1s', max: '1h' }),
    timeout: duration('10s', 'Deadline of one export.', { min: '100ms', max: '2m' }),
  },
  tracesRatio: number('0.05', 'Share of cycles that are traced; OTEL_TRACES_SAMPLER goes before it.', {
    min: '0',
    max: '1',
  }),
};

/** How this process ends. */
export const shutdown = {
  drain: duration('2500ms', 'How long wishes on their way may take to end.', { max: '1m' }),
  exitAfter: duration('8s', 'The process is gone after this, whatever hangs.', { min: '1s', max: '5m' }),
};

/** When a loop counts as hung. */
export const watchdog = {
  missedPeriods: integer('4', 'A loop that completed nothing for this many periods fails the liveness probe.', {
    min: '2',
    max: '100',
  }),
  hungMin: duration('1m', 'But never before this.', { min: '1s', max: '1h' }),
};

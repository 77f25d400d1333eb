import { CATALOGUE, type MetricEntry } from '../../src/telemetry/catalogue.ts';
import { FUNCTION_SERIES, PEER_FUNCTION_SERIES } from '../../src/telemetry/function-series.ts';
import { PEER_ALIASES } from '../../src/telemetry/peer-names.ts';

const INTRO = `# Metrics

What the autoscaler says about itself, on \`/metrics\` (\`http.metrics\`, port 41338) as Prometheus text, and by OTLP when
\`telemetry.otlp.metrics\` is on. The names are the same both ways. This page is made from the catalogue in
\`src/telemetry/catalogue.ts\`; a test keeps it so.

Label values come from closed lists; ids of functions and accounts appear in none of these. Series per function version
are a section of their own, below.
`;

const PER_FUNCTION = `## Series per function version

With the labels \`function_id\` and \`function_version_id\`. \`telemetry.perFunction\` turns them \`off\`, keeps the
\`telemetry.perFunctionLimit\` most active ones (\`capped\`) or writes \`all\`; \`starling_functions_not_exported\` says how
many are left out. They are on \`/metrics\` only, not in OTLP. Each replica writes those of its own buckets, so sum or take
the maximum over replicas.
`;

const PEER = `## Names of NVIDIA Cloud Functions' autoscaler

With \`telemetry.peerNames\` the same numbers also appear under these names, so that existing boards and alerts keep
working. What describes parts that do not exist here is left out: its queue (\`queue_size\`, \`queue_capacity\`,
\`requests_rejected_total\`, \`requests_rate_limited_total\`), \`function_table_state\`, \`autoscaling_status\`, the
\`oauth2_*\` metrics and the failures to acquire its locks.
`;

/** The text of docs/metrics.md. */
export function metricsPage(): string {
  const entries = [...(CATALOGUE as readonly MetricEntry[])].sort((a, b) => (a.name < b.name ? -1 : 1));
  return [
    INTRO,
    '| name | kind | labels | meaning |\n|---|---|---|---|',
    ...entries.map(({ name, kind, labels, help }) => `| \`${name}\` | ${kind} | ${codes(labels)} | ${cell(help)} |`),
    '',
    PER_FUNCTION,
    '| name | meaning |\n|---|---|',
    ...FUNCTION_SERIES.map(({ name, help }) => `| \`${name}\` | ${cell(help)} |`),
    '',
    PEER,
    '| name | same as |\n|---|---|',
    ...PEER_ALIASES.map(({ name, of, as }) => `| \`${name}\` | \`${of}\`${suffix(as)} |`),
    ...PEER_FUNCTION_SERIES.map(
      ({ name, help }) => `| \`${name}\` | ${cell(help.replace(/^As (\w+)(.*)\.$/, '`$1`$2'))} |`,
    ),
    '',
  ].join('\n');
}

function suffix(as: 'same' | 'milliseconds' | 'count'): string {
  switch (as) {
    case 'same':
      return '';
    case 'milliseconds':
      return ', in milliseconds';
    case 'count':
      return ', its count';
  }
}

function codes(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

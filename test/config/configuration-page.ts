import { type DECLARATIONS, LEAVES, type Leaf } from '../../src/config/declarations.ts';

const INTRO = `# Configuration

Every option of the autoscaler. This page is made from the declarations in \`src/config/options/\`; a test keeps it so.

## Where values come from

Later wins:

1. the default,
2. YAML files, in order: \`--config base.yaml --config eu.yaml\`, or \`STARLING_CONFIG=base.yaml,eu.yaml\`,
3. environment variables,
4. flags: \`--scaling-interval 15s\`, or any option by its key: \`--set scaling.interval=15s\`.

\`starling config\` checks all of it and prints every value with its source; \`--output yaml\` gives a file to start from,
\`--schema\` the JSON Schema for your editor (\`# yaml-language-server: $schema=starling.schema.json\` on the first line).
A fault ends every command with exit code 2 and a list of all faults, each with its place and what to do.

- **Names.** The variable and the flag follow from the key: \`scaling.interval\` is \`STARLING_SCALING_INTERVAL\` and
  \`--scaling-interval\`. An unknown key, variable or flag is a fault. An empty variable counts as unset. The variables
  that Kubernetes adds for a service called \`starling\` are left alone.
- **Durations** carry their unit: \`500ms\`, \`15s\`, \`1m30s\`, \`7d\`, or ISO 8601 (\`PT10M\`). **Sizes** too: \`64KiB\`.
- **Lists** are YAML lists or text with commas; **pairs** are YAML maps or \`name=value,name=value\`. A later layer
  replaces them whole.
- **Secrets** are files: \`…File\` options name them, and they are read again when they change (\`live\` below), without a
  restart; the last good value stays in force while a file is missing, half written or unfit. For development a secret
  may stand in its environment variable, which is noted with a warning. It may never stand in a YAML file or a flag.
`;

const GROUPS: Readonly<Record<keyof typeof DECLARATIONS, string>> = {
  member: 'Who this replica is among the others.',
  store: 'Where replicas coordinate.',
  membership:
    'How replicas notice each other. The defaults hand over the work of a killed replica within ten seconds. A member that hears nothing from the store for `selfStop` sends nothing more, before anybody else may believe it dead.',
  timeseries: 'Where signals are read, and how.',
  discovery: 'How active function versions are found. One replica at a time has this duty.',
  scaling: 'How often decisions are made, on how much history, and how they are carried out.',
  policy: 'The policy of function versions that bring none of their own. Unset options keep the default of the kind.',
  freeze: 'When too much falls at once, the data is more likely wrong than the world: nothing is lowered for a while.',
  controlPlane: 'Where the wanted counts go.',
  http: 'What this process answers to. Three listeners, so that each is opened to no more than it needs.',
  telemetry:
    'What can be seen from outside. The standard `OTEL_*` variables work as well: `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_TRACES_EXPORTER` turn traces on, `OTEL_SDK_DISABLED=true` turns everything but `/metrics` off, `OTEL_TRACES_SAMPLER` goes before `telemetry.tracesRatio`.',
  watchdog: 'When a loop counts as hung and the liveness probe fails.',
  shutdown: 'How the process ends after SIGTERM or SIGINT. A second signal ends it at once.',
};

const MIGRATION = `## Coming from NVIDIA Cloud Functions' autoscaler

What its settings are called here, with its defaults in brackets.

| theirs | here |
|---|---|
| scaling loop interval (15 s) | \`scaling.interval\` |
| discovery loop interval (15 s), jitter (0 to 5 s) | \`discovery.interval\`, \`discovery.jitter\` |
| look-back (600 s), step (60 s) | \`scaling.lookBack\`, \`scaling.step\` |
| utilisation window (70 s) | \`scaling.utilisationWindow\` (unset: five scrapes, 75 s, a multiple of the scrape interval) |
| decay (0) | \`policy.steps.decay\` |
| thresholds (70, 30), factors (1.2, 0.8) | \`policy.steps.up.*\`, \`policy.steps.down.*\` |
| scale-to-zero idle (1800 s) | \`policy.idleTimeout\` |
| policy type Static / Custom, policy cache | \`policy.source\`, \`controlPlane.targetsRefresh\` |
| discovery lock TTL (60 s) | \`discovery.dutyRenew\`, \`dutyStop\`, \`dutyExpire\` |
| bucket and API lock TTL (120 s, 15 s) | none is needed: \`scaling.claimHold\`, \`scaling.claimDeadline\` bound a claim |
| node row TTL (180 s), health interval (30 s), bucket refresh (180 s) | \`membership.rowTtl\`, \`membership.beat\`, \`membership.deadAfter\` |
| active function TTL (1800 s) | \`discovery.ttl\`, \`discovery.refreshAfter\` |
| functions at a time per bucket (10) | \`scaling.actuationConcurrency\`; reading is in bulk |
| last-prediction cache (5 min) | none is needed: the last wish is durable; \`scaling.resend\`, \`scaling.stateRefresh\` |
| metric source cache (1 h) | \`timeseries.profilePatience\` (a better profile is taken at once; this is for one that fell silent) |
| actuator queue (5000), drop after 15 s, drain poll | none is needed: one wish per version, decided anew each cycle |
| leaky bucket (5000, 200 per 100 ms) | \`controlPlane.burst\`, \`controlPlane.ratePerSecond\` (for the fleet, not for each replica) |
| time-series URL, timeout (30 s), retries (10), back-off (0.1 to 5 s) | \`timeseries.url\`, \`timeout\`, \`retries\`, \`retryDelay\`, \`retryDelayMax\` |
| authn URL, auth back-off (180 s), \`env\`, \`ignore_env\` | \`timeseries.auth.exchangeUrl\`, \`timeseries.auth.backoffMax\`, \`timeseries.labels\` |
| OAuth2 refresh (180 s), HTTP timeout (30 s) | \`controlPlane.auth.tokenRefreshAt\`, \`controlPlane.auth.tokenTimeout\` |
| dry run | \`controlPlane.dryRun\`, \`controlPlane.dryRunFunctions\` |
| Cassandra hosts, keyspace, TLS | \`store.url\`, \`store.cassandra.*\` |
| metrics exporter endpoint (0.0.0.0:41338) | \`http.metrics\` |
| envfilter directive, tracing endpoint | \`telemetry.logLevel\`, \`telemetry.otlp.*\` |
`;

/** The text of docs/configuration.md. */
export function configurationPage(): string {
  const parts = [INTRO];
  for (const [group, about] of Object.entries(GROUPS)) {
    const leaves = LEAVES.filter(({ key }) => key.startsWith(`${group}.`));
    parts.push(`## ${group}\n\n${about}\n\n${leaves.map(section).join('\n')}`);
  }
  parts.push(MIGRATION);
  return `${parts.join('\n')}`;
}

function section({ key, env, flags, option, isInFiles }: Leaf): string {
  const { format, choices, min, max, doc } = option;
  const facts = [
    choices ? choices.map((choice) => `\`${choice}\``).join(', ') : format,
    isInFiles ? `default ${showDefault(option.default)}` : 'environment only',
    ...(min === undefined ? [] : [`at least ${min}`]),
    ...(max === undefined ? [] : [`at most ${max}`]),
    ...(option.reload === 'live' ? ['live'] : []),
  ];
  const names = [`\`${env}\``, ...flags.map((flag) => `\`--${flag}\``)];
  return `- **\`${key}\`** (${facts.join('; ')})<br>\n  ${doc}<br>\n  ${names.join(', ')}\n`;
}

function showDefault(text: string | undefined): string {
  if (text === undefined) return 'unset';
  return text === '' ? 'empty' : `\`${text}\``;
}

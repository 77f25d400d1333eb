import { boolean, choice, duration, integer, list, number, optional, pairs, secret, size, url } from '../option.ts';
import { tls } from './tls.ts';

/** Where signals are read. */
export const timeseries = {
  url: url('http://localhost:9090', 'Prometheus, VictoriaMetrics, Thanos or Mimir: the URL before /api/v1.', {
    flag: 'timeseries',
  }),
  auth: {
    kind: choice(['none', 'bearer', 'basic', 'token-exchange', 'mtls'], 'none', 'How to prove who we are.'),
    token: secret('Bearer token.'),
    user: optional.text('User of basic and token-exchange.'),
    password: secret('Password of basic and token-exchange.'),
    exchangeUrl: optional.url('Where token-exchange gives user and password for a token with an expiry.'),
    exchangeTimeout: duration('5s', 'Deadline of one exchange.', { min: '100ms', max: '2m' }),
    backoffMax: duration('3m', 'Longest pause between attempts to get a token.', { min: '1s', max: '1h' }),
  },
  tls,
  headers: pairs('', 'Further request headers, such as X-Scope-OrgID for Mimir. Not for secrets.', {
    pattern: /^[A-Za-z0-9-]+=[\x20-\x7e]*$/,
    patternSays: 'header names with printable values',
  }),
  compression: choice(['none', 'gzip'], 'none', 'gzip: a quarter of the bytes, for a tenth more CPU in the store.'),
  timeout: duration('10s', 'Deadline of one query, retries included.', { min: '100ms', max: '5m' }),
  retries: integer('2', 'Further attempts at a query that failed on the way; none after a 4xx.', {
    min: '0',
    max: '10',
  }),
  retryDelay: duration('100ms', 'Pause before the first retry; doubles, with jitter.', { min: '1ms', max: '10s' }),
  retryDelayMax: duration('2s', 'Longest pause between retries.', { min: '1ms', max: '1m' }),
  breaker: {
    failures: integer('5', 'Failures in a row after which queries are not sent for a while.', {
      min: '1',
      max: '1000',
    }),
    openFor: duration('10s', 'How long.', { min: '1s', max: '10m' }),
  },
  concurrency: integer('4', 'Queries in flight at a time.', { min: '1', max: '64' }),
  responseMax: size('64MiB', 'Larger answers are refused.', { min: '1MiB', max: '1GiB' }),
  requestsPerCycleMax: integer('24', 'Queries per scaling cycle and replica, whatever the number of functions.', {
    min: '4',
    max: '1000',
  }),
  partVersionsMax: integer('12500', 'Function versions read by one query; more are split into parts.', {
    min: '100',
    max: '1000000',
  }),
  bucketLabel: optional.text(
    'Label with the bucket, where the scrape configuration adds one with hashmod (modulus 1024).',
    {
      pattern: /^[a-zA-Z_][a-zA-Z0-9_]*$/,
      patternSays: 'a Prometheus label name',
    },
  ),
  labels: pairs('', 'Labels that every series must carry, such as environment=production.', {
    pattern: /^[a-zA-Z_][a-zA-Z0-9_]*=/,
    patternSays: 'Prometheus label names with a value',
  }),
  profiles: list('worker-threads,llm-gateway,control-plane', 'Signal profiles, in the order in which they are tried.'),
  profilesDir: optional.path(
    'Directory with further profiles; a file there replaces a shipped profile of the same name.',
  ),
  profilePatience: duration(
    '10m',
    'How long a version that its profile shows no more stays with it before the next profile is tried.',
    { max: '7d' },
  ),
  scrapeInterval: duration('15s', 'How often the store scrapes; windows are multiples of it.', {
    min: '1s',
    max: '5m',
  }),
  settle: duration('5s', 'Queries ask for the moment this long ago, when every sample has arrived.', { max: '5m' }),
  clockSkewMax: duration('30s', 'With clocks further apart than this nothing is decided.', { min: '1s', max: '10m' }),
};

/** How active function versions are found. */
export const discovery = {
  interval: duration('15s', 'Period of the discovery loop.', { min: '1s', max: '10m' }),
  jitter: duration('2s', 'Random pause before a follower reaches for the duty.', { max: '1m' }),
  ttl: duration('30m', 'A version that no query showed for this long is no longer active.', { min: '1m', max: '1d' }),
  refreshAfter: duration('10m', 'Rows older than this are written again.', { min: '10s', max: '1d' }),
  heldAfter: duration('10m', 'When a part could not be read for this long, its last known versions are kept alive.', {
    min: '10s',
    max: '1d',
  }),
  dutyRenew: duration('2s', 'Period in which the holder of the duty proves that it still holds it.', {
    min: '200ms',
    max: '1m',
  }),
  dutyStop: duration('6s', 'A holder that could not prove it for this long stops.', { min: '500ms', max: '5m' }),
  dutyExpire: duration('9s', 'A duty whose row did not change for this long may be taken by another.', {
    min: '1s',
    max: '10m',
  }),
};

/** How signals become decisions, and how often. */
export const scaling = {
  interval: duration('15s', 'Period of the scaling loop.', { min: '1s', max: '10m' }),
  lookBack: duration('10m', 'Span of history that policies see.', { min: '1m', max: '1h' }),
  step: duration('1m', 'Grid of that history.', { min: '5s', max: '10m' }),
  utilisationWindow: optional.duration(
    'Span of the rate in the utilisation query, a multiple of timeseries.scrapeInterval; unset: what the profile says, five scrapes in the shipped ones.',
    { min: '2s', max: '30m' },
  ),
  actuationConcurrency: integer('64', 'Wishes on their way at a time.', { min: '1', max: '1024' }),
  catalogueRefresh: duration('1m', 'How often the active versions of my buckets are read again.', {
    min: '1s',
    max: '30m',
  }),
  stateRefresh: duration('5m', 'How often the durable state of my buckets is read again.', { min: '10s', max: '1h' }),
  claimHold: duration(
    '5s',
    "How long somebody else's pending claim is left alone, where the control plane checks no tokens.",
    {
      min: '100ms',
      max: '5m',
    },
  ),
  claimDeadline: duration('3s', 'A claim that was not sent within this span is not sent at all.', {
    min: '100ms',
    max: '1m',
  }),
  retryDelay: duration('1s', 'Pause after a failed wish, per version; doubles, with jitter.', {
    min: '100ms',
    max: '10m',
  }),
  retryDelayMax: duration('1m', 'Longest pause after failed wishes.', { min: '1s', max: '1h' }),
  goneDelayMax: duration('10m', 'Longest pause for a version that the control plane does not know.', {
    min: '1s',
    max: '1d',
  }),
  resend: duration('1m', 'How often an unchanged wish is sent again to a control plane that checks no tokens.', {
    min: '5s',
    max: '1h',
  }),
  convergeWithin: duration(
    '10m',
    'A version that has not reached its wanted count for this long is shown as not converging.',
    {
      min: '10s',
      max: '1d',
    },
  ),
};

/** When too much falls at once, nothing falls. */
export const freeze = {
  enabled: boolean('true', 'Stop every decrease when too many versions lose their signal or fall at once.'),
  percent: number('30', 'Share of versions, in per cent, beyond which the fleet freezes.', { min: '0.1', max: '100' }),
  minimum: integer('10', 'Fleets with fewer affected versions than this never freeze.', { min: '1', max: '1000000' }),
  calm: duration('5m', 'How long it must be calm before the freeze lifts by itself.', { max: '1d' }),
};

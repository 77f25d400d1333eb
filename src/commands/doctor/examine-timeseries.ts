import { ProfileError } from '../../adapters/prometheus/parse-profile.ts';
import { listSeries, type SeriesListing } from '../../adapters/prometheus/series-listing.ts';
import type { LoadedConfig } from '../../config/load-config.ts';
import { BUCKET_COUNT } from '../../domain/bucket.ts';
import type { FunctionVersion } from '../../domain/function-version.ts';
import type { Part } from '../../domain/part.ts';
import { type Column, type ProfileReading, TimeseriesError } from '../../ports/signal-reader.ts';
import type { ConnectionTools } from '../../wiring/connection-tools.ts';
import { openTimeseries, type Timeseries } from '../../wiring/open-timeseries.ts';
import type { CheckResult, Examination } from './examination.ts';

const area = 'timeseries';
const ALL_BUCKETS = Array.from({ length: BUCKET_COUNT }, (_, bucket) => bucket);
const SIGNALS = ['utilisation', 'demand', 'instances', 'invocation'] as const;
/** Metrics looked for one by one when nothing is seen. */
const METRICS_MAX = 12;

/** Gives the function versions that discovery would find. */
export async function examineTimeseries(
  loaded: LoadedConfig,
  tools: ConnectionTools,
  examination: Examination,
  { versionsKnown }: { versionsKnown: number },
): Promise<readonly FunctionVersion[]> {
  const { timeseries: options } = loaded.config;
  const timeseries = await examination.check(
    { area, what: 'profiles', mendOf: () => 'mend the profile or the secret file; starling autoscale will not start' },
    () => openTimeseries(loaded.config, tools).catch(inOneLine),
    ({ profiles }) => ({ detail: profiles.map(({ name }) => name).join(', ') }),
  );
  if (!timeseries) return [];
  const { client, reader } = timeseries;
  try {
    const probed = await examination.check(
      { area, what: 'answers', mendOf },
      (signal) => reader.probe({ signal }),
      ({ flavour }) => ({ detail: `${flavour} at ${options.url}` }),
    );
    if (!probed) return [];
    examination.find({ area, what: 'clocks agree', ...judgeSkew(probed.skewMs, options.clockSkewMaxMs) });
    const parts = reader.plan({ buckets: ALL_BUCKETS, versions: versionsKnown, bucketCount: BUCKET_COUNT });
    const [part] = parts;
    if (!part) return [];
    await examineSignals(timeseries, part, { tools, examination });
    const found = await examination.check(
      { area, what: 'discovery', mendOf },
      (signal) => reader.discover(part, { signal }),
      ({ state, versions, detail }) => {
        const count = `${versions.length} function versions${parts.length > 1 ? ` in one of ${parts.length} parts` : ''}`;
        if (state === 'failed') return { state: 'bad', detail, mend: 'mend the query, or what the store complains of' };
        if (state === 'partial') return { state: 'doubtful', detail: `${count}; ${detail}`, mend: PARTIAL };
        if (versions.length > 0) return { detail: count };
        const mend = 'a version is found by its request counter or its worker series; are the identity labels right?';
        return { state: 'doubtful', detail: count, mend };
      },
    );
    return found?.versions ?? [];
  } finally {
    client.close();
  }
}

const PARTIAL = 'partial answers may raise and never lower; look at the store';
const FAILED = 'mend the query of the profile, or what the store complains of';

function judgeSkew(skewMs: number, allowedMs: number): CheckResult & { state: 'good' | 'bad' } {
  const detail = `this machine is ${Math.round(Math.abs(skewMs))} ms ${skewMs < 0 ? 'behind' : 'ahead'}`;
  if (Math.abs(skewMs) <= allowedMs) return { state: 'good', detail };
  const mend = 'set the clock of this machine or of the store (NTP): nothing is decided while they are this far apart';
  return { state: 'bad', detail, mend };
}

async function examineSignals(
  timeseries: Timeseries,
  part: Part,
  { tools, examination }: { tools: ConnectionTools; examination: Examination },
): Promise<void> {
  const readings = await examination.check(
    { area, what: 'profile queries', mendOf },
    (signal) => timeseries.reader.read(part, { signal }),
    () => ({ detail: 'each was answered, or stands below' }),
  );
  if (!readings) return;
  for (const reading of readings) {
    if (!isInUse(reading)) {
      const detail = 'no such series; this profile is not in use';
      examination.find({ area, what: reading.profile, state: 'good', detail });
      continue;
    }
    for (const name of SIGNALS) {
      const column = reading[name];
      if (column)
        examination.find({ area, what: `${reading.profile}: ${name}`, state: 'good', ...judgeColumn(column) });
    }
  }
  if (readings.some(showsLoad)) return;
  examination.find({
    area,
    what: 'load',
    state: 'doubtful',
    detail: 'no profile shows the load of any function version',
    mend: 'docs/signals.md says which series each profile reads; below stands what there is of them',
  });
  await listExistingSeries(timeseries, { tools, examination });
}

/** Profiles are tried one after the other, and most stores have the series of one. */
function isInUse(reading: ProfileReading): boolean {
  return SIGNALS.some(
    (name) => reading[name] && !(reading[name].state === 'read' && reading[name].isPresent === false),
  );
}

function showsLoad({ utilisation, demand, instances }: ProfileReading): boolean {
  return [utilisation, demand, instances].some((column) => column !== undefined && column.versionIds.length > 0);
}

/** The metrics may be there and carry other labels than the profile asks for. */
async function listExistingSeries(
  { client, profiles }: Timeseries,
  { tools, examination }: { tools: ConnectionTools; examination: Examination },
): Promise<void> {
  const metrics = new Map(
    profiles.flatMap((profile) =>
      [...profile.queries.values()].flatMap((query) => query.metrics.map((metric) => [metric, profile] as const)),
    ),
  );
  const listings = await examination.check(
    { area, what: 'series', mendOf },
    () => listSeries(client, { metrics: [...metrics.keys()].slice(0, METRICS_MAX), clock: tools.clock }),
    (found) => ({ detail: `${found.filter(({ series }) => series > 0).length} of ${found.length} metrics exist` }),
  );
  for (const listing of listings ?? []) {
    const profile = metrics.get(listing.metric);
    if (listing.series === 0 || !profile) continue;
    const label = profile.identity.versionId;
    const labels = describeLabels(listing);
    examination.find({
      area,
      what: listing.metric,
      state: 'doubtful',
      detail: `${listing.series} series within the last minutes, with ${labels}`,
      mend: listing.labels.has(label)
        ? `they are there: are they fresh, and do timeseries.labels and the profile ${profile.name} fit them?`
        : `the profile ${profile.name} knows a version by the label ${label}, which they do not carry`,
    });
  }
}

/** A ProfileError has one line for each fault; a finding has one line in all. */
function inOneLine(error: unknown): never {
  if (!(error instanceof ProfileError)) throw error;
  throw new Error(error.message.replaceAll(/\n\s*/g, ' '), { cause: error });
}

function describeLabels({ labels }: SeriesListing): string {
  return [...labels]
    .filter(([label]) => label !== '__name__')
    .map(([label, [first = '']]) => `${label}=${JSON.stringify(first)}`)
    .join(', ');
}

function judgeColumn(column: Column): CheckResult {
  const count = `${column.versionIds.length} versions`;
  switch (column.state) {
    case 'failed':
      return { state: 'bad', detail: column.detail, mend: FAILED };
    case 'partial':
      return { state: 'doubtful', detail: `${count}; ${column.detail}`, mend: PARTIAL };
    case 'read':
      return judgeRead(column, count);
    default:
      return column.state satisfies never;
  }
}

function judgeRead({ rejected, isPresent }: Column, count: string): CheckResult {
  const [first] = rejected;
  if (!first) return { detail: isPresent === false ? 'no such series' : count };
  return {
    state: 'doubtful',
    detail: `${count}, ${rejected.length} rejected (${first.versionId}: ${first.why})`,
    mend:
      first.why === 'ambiguous'
        ? 'more than one series per version: aggregate in the query'
        : 'the query gives values that no load can be',
  };
}

function mendOf(error: unknown): string {
  return error instanceof TimeseriesError ? MENDS[error.kind] : 'check timeseries.url and the network';
}

const MENDS: Readonly<Record<TimeseriesError['kind'], string>> = {
  auth: 'check timeseries.auth, and what the account may read',
  'not-prometheus': 'timeseries.url is the part of the address before /api/v1: check host, port and path',
  query: 'mend the query where it stands',
  'too-large': 'lower timeseries.partVersionsMax, or raise timeseries.responseMaxBytes',
  overloaded: 'look at the store: it answers with errors',
  'open-circuit': 'look at the store: it answers with errors',
  unreachable: 'is it running, and can it be reached from here? check timeseries.url',
  timeout: 'is it running, and can it be reached from here? check timeseries.url',
};

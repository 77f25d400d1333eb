import { styleText } from 'node:util';
import type { Command } from 'commander';
import type { LoadedConfig } from '../config/load-config.ts';
import type { ActiveVersion } from '../domain/active-version.ts';
import { BUCKET_COUNT } from '../domain/bucket.ts';
import { nextToken } from '../domain/fencing-token.ts';
import { showTime } from '../http/admin/show.ts';
import type { Column } from '../ports/signal-reader.ts';
import type { Store } from '../ports/store.ts';
import { addConfigFlags, configOf } from './config-flags.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { addOutputFlag, type OutputFormat, printAs, withTools } from './look.ts';
import { openControlPlane } from './open-control-plane.ts';
import { layoutOf, type OpenStoreTools, openStore } from './open-store.ts';
import { openTimeseries, type Timeseries } from './open-timeseries.ts';

interface Finding {
  readonly area: 'configuration' | 'store' | 'timeseries' | 'control plane';
  readonly what: string;
  readonly state: 'good' | 'doubtful' | 'bad';
  readonly detail: string;
  /** What to do about it; empty when it is good. */
  readonly mend: string;
}

type Find = (finding: Omit<Finding, 'mend'> & { mend?: string }) => void;

const ALL_BUCKETS = Array.from({ length: BUCKET_COUNT }, (_, bucket) => bucket);
/** Versions asked of the control plane: enough to see that it answers. */
const VERSIONS_ASKED = 3;

/** `starling doctor`: looks at everything the autoscaler stands on, says what is wrong and what to do. */
export function declareDoctorCommand(program: Command, end: (code: ExitCode) => void): void {
  const command = program
    .command('doctor')
    .description('check the configuration, each dependency, permissions, clocks and profile queries; say what to do');
  addOutputFlag(addConfigFlags(command)).action(async () => {
    const { output } = command.opts<{ output: OutputFormat }>();
    const loaded = configOf(command);
    const findings: Finding[] = [];
    const find: Find = (finding) => {
      findings.push({ mend: '', ...finding });
      if (output === 'table') process.stdout.write(`${line({ mend: '', ...finding })}\n`);
    };
    await withTools(loaded, (tools, signal) => examine(loaded, tools, { find, signal }));
    const isWell = findings.every((finding) => finding.state !== 'bad');
    if (output !== 'table') printAs(output, { isWell, at: showTime(Date.now()), findings }, () => '');
    end(isWell ? EXIT.ok : EXIT.checkFalse);
  });
}

async function examine(
  loaded: LoadedConfig,
  tools: OpenStoreTools,
  { find, signal }: { find: Find; signal: AbortSignal },
): Promise<void> {
  find({ area: 'configuration', what: 'valid', state: 'good', detail: `hash ${loaded.hash}` });
  for (const warning of loaded.warnings)
    find({ area: 'configuration', what: 'warning', state: 'doubtful', detail: warning });
  const versions = await examineStore(loaded, tools, find);
  await examineTimeseries(loaded, tools, { find, signal });
  await examineControlPlane(loaded, tools, { find, signal, versions });
}

async function examineStore(loaded: LoadedConfig, tools: OpenStoreTools, find: Find): Promise<ActiveVersion[]> {
  const area = 'store';
  const { kind } = loaded.config.storeTarget;
  let store: Store;
  try {
    store = await openStore(loaded.config, tools);
  } catch (error) {
    find({
      area,
      what: 'connects',
      state: 'bad',
      detail: messageOf(error),
      mend: 'check store.url, the network, user and password',
    });
    return [];
  }
  try {
    find({ area, what: 'connects', state: 'good', detail: kind });
    const attempt = async (what: string, mend: string, work: () => Promise<string>) => {
      try {
        find({ area, what, state: 'good', detail: await work() });
      } catch (error) {
        find({ area, what, state: 'bad', detail: messageOf(error), mend });
      }
    };
    await attempt('has its tables', 'run starling migrate, with a role that may create tables', async () => {
      await store.agree(layoutOf(loaded.config));
      return 'schema and layout as this version needs them';
    });
    await attempt('may write', 'grant SELECT and MODIFY on the keyspace, or make the file writable', async () => {
      // A member that has left already: nobody counts it, and the row goes by itself.
      const memberId = `doctor/${tools.random.uuid()}`;
      await store.roster.beat({ memberId, beat: 1, state: 'left', version: '', address: '', weight: 0 });
      return 'plain writes';
    });
    await attempt(
      'may compare and set',
      'are enough nodes up for a quorum? do all nodes know the data centre?',
      async () => {
        const duty = await store.duties.read('discovery', nextToken(undefined, tools.clock.wallMs()));
        return duty.holder === '' ? 'discovery is held by nobody now' : `discovery is held by ${duty.holder}`;
      },
    );
    await attempt('members', 'start starling autoscale', async () => {
      const members = (await store.roster.list()).filter((member) => member.state === 'active');
      return `${members.length} active rows`;
    });
    const versions = await store.catalogue.read(ALL_BUCKETS);
    find({
      area,
      what: 'active versions',
      state: versions.length > 0 ? 'good' : 'doubtful',
      detail: `${versions.length}`,
      ...(versions.length === 0 && {
        mend: 'none are known so far: is starling autoscale running, and do metrics arrive (below)?',
      }),
    });
    return versions;
  } catch (error) {
    find({ area, what: 'active versions', state: 'bad', detail: messageOf(error), mend: 'see above' });
    return [];
  } finally {
    await store.close();
  }
}

async function examineTimeseries(
  loaded: LoadedConfig,
  tools: OpenStoreTools,
  { find, signal }: { find: Find; signal: AbortSignal },
): Promise<void> {
  const area = 'timeseries';
  const { timeseries: options } = loaded.config;
  let timeseries: Timeseries;
  try {
    timeseries = await openTimeseries(loaded.config, tools);
    const { skewMs, flavour } = await timeseries.reader.probe({ signal });
    find({ area, what: 'answers', state: 'good', detail: `${flavour} at ${options.url}` });
    const isFar = Math.abs(skewMs) > options.clockSkewMaxMs;
    find({
      area,
      what: 'clocks agree',
      state: isFar ? 'bad' : 'good',
      detail: `this machine is ${Math.round(Math.abs(skewMs))} ms ${skewMs < 0 ? 'behind' : 'ahead'}`,
      ...(isFar && {
        mend: 'set the clock of this machine, or of the store: nothing is decided while they are this far apart',
      }),
    });
  } catch (error) {
    find({
      area,
      what: 'answers',
      state: 'bad',
      detail: messageOf(error),
      mend: 'check timeseries.url (the part before /api/v1) and timeseries.auth',
    });
    return;
  }
  const [part] = timeseries.reader.plan({ buckets: ALL_BUCKETS, versions: 1, bucketCount: BUCKET_COUNT });
  if (!part) return;
  let hasLoad = false;
  for (const reading of await timeseries.reader.read(part, { signal })) {
    for (const name of ['utilisation', 'demand', 'instances', 'invocation'] as const) {
      const column = reading[name];
      if (!column) continue;
      find({ area, what: `${reading.profile}: ${name}`, ...judgeColumn(column) });
      hasLoad ||= name !== 'invocation' && column.versionIds.length > 0;
    }
  }
  if (!hasLoad) {
    find({
      area,
      what: 'load',
      state: 'doubtful',
      detail: 'no profile shows the load of any function version',
      mend: `do the workers' metrics reach the store? do timeseries.labels fit? docs/signals.md says which series each profile reads`,
    });
  }
  const discovered = await timeseries.reader.discover(part, { signal });
  find({
    area,
    what: 'discovery',
    state: discovered.state === 'read' ? (discovered.versions.length > 0 ? 'good' : 'doubtful') : 'bad',
    detail: discovered.state === 'read' ? `${discovered.versions.length} function versions` : discovered.detail,
    ...(discovered.versions.length === 0 && {
      mend: 'a version is found by its request counter or its worker series; are the identity labels right?',
    }),
  });
}

function judgeColumn(column: Column): { state: Finding['state']; detail: string; mend?: string } {
  const count = `${column.versionIds.length} versions`;
  switch (column.state) {
    case 'failed':
      return {
        state: 'bad',
        detail: column.detail,
        mend: 'mend the query of the profile, or what the store complains of',
      };
    case 'partial':
      return {
        state: 'doubtful',
        detail: `${count}; ${column.detail}`,
        mend: 'partial answers raise but never lower; look at the store',
      };
    case 'read': {
      const [first] = column.rejected;
      if (!first)
        return {
          state: 'good',
          detail: column.isPresent === false ? 'no such series (this profile is not in use)' : count,
        };
      return {
        state: 'doubtful',
        detail: `${count}, ${column.rejected.length} rejected (${first.versionId}: ${first.why})`,
        mend:
          first.why === 'ambiguous'
            ? 'more than one series per version: aggregate in the query'
            : 'the query gives values that no load can be',
      };
    }
    default:
      return column.state satisfies never;
  }
}

async function examineControlPlane(
  loaded: LoadedConfig,
  tools: OpenStoreTools,
  { find, signal, versions }: { find: Find; signal: AbortSignal; versions: readonly ActiveVersion[] },
): Promise<void> {
  const area = 'control plane';
  const { controlPlane: options } = loaded.config;
  const controlPlane = openControlPlane(loaded.config, tools);
  try {
    const asked = versions.slice(0, VERSIONS_ASKED);
    const { ok, detail } = await controlPlane.targets.refresh(asked, signal);
    const { mode } = controlPlane.targets.status();
    find({
      area,
      what: 'tells bounds and policies',
      state: ok ? 'good' : 'bad',
      detail: ok ? `${options.url}, ${mode === 'bulk' ? 'in pages' : 'one by one'}` : detail,
      ...(!ok && { mend: 'check controlPlane.url (the part before /v2), controlPlane.auth, and that it answers JSON' }),
    });
    for (const version of asked) {
      const answer = controlPlane.targets.get(version.versionId);
      if (answer.state === 'known') continue;
      find({
        area,
        what: version.versionId,
        state: 'doubtful',
        detail: answer.state === 'gone' ? 'the control plane does not know it' : answer.detail,
        mend: 'is it the control plane of these metrics?',
      });
    }
    const isFenced = options.fencing === 'fenced';
    find({
      area,
      what: 'fencing',
      state: isFenced ? 'good' : 'doubtful',
      detail: isFenced
        ? 'it is said to check tokens'
        : 'it is said to ignore tokens: the order of writes is bounded and healed, not promised',
      ...(!isFenced && { mend: 'docs/control-plane-contract.md says what checking takes' }),
    });
    if (options.dryRun)
      find({
        area,
        what: 'dry run',
        state: 'doubtful',
        detail: 'nothing is sent',
        mend: 'unset controlPlane.dryRun to act',
      });
  } finally {
    controlPlane.close();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const SIGNS = { good: ['green', '✓'], doubtful: ['yellow', '!'], bad: ['red', '✗'] } as const;

function line({ area, what, state, detail, mend }: Finding): string {
  const [colour, sign] = SIGNS[state];
  const told = `${styleText(colour, sign, { stream: process.stdout })} ${area}: ${what}: ${detail}`;
  return mend === '' ? told : `${told}\n    ${mend}`;
}

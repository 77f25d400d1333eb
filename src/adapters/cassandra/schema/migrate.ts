import { sleep } from '../../../lib/clock.ts';
import { StoreError } from '../../../ports/store-error.ts';
import { type CassandraOptions, type FilledOptions, fillOptions } from '../cassandra-options.ts';
import { connectClient, loadDriver } from '../connect.ts';
import { toStoreError } from '../driver-errors.ts';
import { schemaNode, untilSchemaAgreed } from '../schema-agreement.ts';
import { Session } from '../session.ts';
import { takeMigrationLock } from './migration-lock.ts';
import { MIGRATIONS, migrationKey, SCHEMA_VERSION, SETTINGS_TABLE } from './migrations.ts';
import {
  assertPossible,
  assertSame,
  createKeyspaceCql,
  type Replication,
  readReplication,
  replicationWarnings,
} from './replication.ts';
import { readSetting, swapSetting, writeSettingOnce } from './settings.ts';

export interface MigrateOptions extends CassandraOptions {
  /** Copies per data centre, for a keyspace that is not there yet; compared where it is. Empty: one copy. */
  readonly replication?: Replication | undefined;
  /** Says what would be done and changes nothing. */
  readonly isDryRun?: boolean | undefined;
}

interface MigrationStep {
  readonly id: string;
  readonly cql: string;
  readonly state: 'done' | 'already-there' | 'planned';
}

export interface MigrationReport {
  readonly keyspace: string;
  readonly replication: string;
  readonly steps: readonly MigrationStep[];
  readonly warnings: readonly string[];
}

export interface MigrationProgress {
  step(step: MigrationStep): void;
  /** Another migration is at work; this one goes on when it has ended. */
  waiting(): void;
}

const SILENT: MigrationProgress = { step() {}, waiting() {} };

/**
 * Brings the keyspace and the tables to what this version needs. May be run again at any time, and by several at once.
 * Rejects with a StoreError that says what to do.
 */
export async function migrate(options: MigrateOptions, progress: MigrationProgress = SILENT): Promise<MigrationReport> {
  const filled = fillOptions(options);
  const steps: MigrationStep[] = [];
  const report = (step: MigrationStep) => {
    steps.push(step);
    progress.step(step);
  };
  const isDryRun = options.isDryRun ?? false;
  const keyspace = await bringKeyspace(filled, { replication: options.replication ?? {}, isDryRun, report });
  if (keyspace.isThere) {
    const session = await openOnceVisible(filled);
    try {
      await (isDryRun ? planTables(session, report) : bringTables(session, { ...progress, step: report }));
    } finally {
      await session.close();
    }
  } else for (const step of allTables()) report({ ...step, state: 'planned' });
  return { keyspace: filled.keyspace, replication: keyspace.described, steps, warnings: keyspace.warnings };
}

async function bringKeyspace(
  options: FilledOptions,
  {
    replication,
    isDryRun,
    report,
  }: { replication: Replication; isDryRun: boolean; report: (step: MigrationStep) => void },
): Promise<{ isThere: boolean; described: string; warnings: string[] }> {
  const { keyspace } = options;
  const cql = createKeyspaceCql(keyspace, replication);
  const { client, shutdown } = await connectClient(await loadDriver(), { ...options, keyspace: undefined });
  const what = `creating the keyspace ${keyspace}`;
  try {
    let standing = await readReplication(client, keyspace);
    let state: MigrationStep['state'] = 'already-there';
    if (!standing) {
      assertPossible(client, replication);
      state = isDryRun ? 'planned' : 'done';
      if (!isDryRun) {
        await client.execute(cql, [], { prepare: false, ...schemaNode(client) });
        standing = await readReplication(client, keyspace);
      }
    }
    if (standing) assertSame(keyspace, replication, standing);
    if (!isDryRun) await untilSchemaAgreed(client, { clock: options.clock, what });
    report({ id: '000-keyspace', cql, state });
    const described = standing ? `${standing.strategy} ${JSON.stringify(standing.copies)}` : 'not there yet';
    const warnings = standing ? replicationWarnings(client, standing) : [];
    return { isThere: standing !== undefined, described, warnings };
  } catch (error) {
    throw toStoreError(error, { what, effect: 'write' });
  } finally {
    await shutdown().catch(() => {});
  }
}

const VISIBLE_MS = 10_000;

/** A keyspace that another migration is just creating is listed a moment before it can be used. */
async function openOnceVisible(options: FilledOptions): Promise<Session> {
  const { clock } = options;
  const endMs = clock.monotonicMs() + VISIBLE_MS;
  for (;;) {
    try {
      return await Session.open(options);
    } catch (error) {
      const isUnseen = error instanceof StoreError && error.kind === 'schema';
      if (!isUnseen || clock.monotonicMs() >= endMs) throw error;
      await sleep(clock, 200);
    }
  }
}

async function bringTables(session: Session, progress: MigrationProgress): Promise<void> {
  await session.define('creating the table settings', SETTINGS_TABLE);
  const lock = await takeMigrationLock(session, () => progress.waiting());
  try {
    for (const { id, cql } of MIGRATIONS) {
      const key = migrationKey(id);
      if ((await readSetting(session, key)) !== undefined) {
        progress.step({ id, cql, state: 'already-there' });
        continue;
      }
      await lock.renew();
      await session.define(`migration ${id}`, cql);
      await writeSettingOnce(session, key, new Date(session.options.clock.wallMs()).toISOString());
      progress.step({ id, cql, state: 'done' });
    }
    await raiseSchemaVersion(session);
  } finally {
    // A lock that stays behind is taken over after a minute, so failing to release it must not hide the first error.
    await lock.release().catch(() => {});
  }
}

/** Members that start after a migration agree on the new version; those that run have agreed before. */
async function raiseSchemaVersion(session: Session): Promise<void> {
  const stored = await readSetting(session, 'layout');
  if (stored === undefined) return;
  const layout = JSON.parse(stored) as { schemaVersion: number };
  if (layout.schemaVersion >= SCHEMA_VERSION) return;
  const to = JSON.stringify({ ...layout, schemaVersion: SCHEMA_VERSION });
  await swapSetting(session, 'layout', { from: stored, to });
}

async function planTables(session: Session, report: (step: MigrationStep) => void): Promise<void> {
  const applied = await readApplied(session);
  for (const { id, cql } of allTables()) {
    const isThere = applied?.has(id) ?? false;
    report({ id, cql, state: isThere ? 'already-there' : 'planned' });
  }
}

const SETTINGS_STEP = '000-settings';

async function readApplied(session: Session): Promise<Set<string> | undefined> {
  const applied = new Set<string>([SETTINGS_STEP]);
  try {
    for (const { id } of MIGRATIONS) if (await readSetting(session, migrationKey(id))) applied.add(id);
    return applied;
  } catch (error) {
    // No table of settings: nothing was ever migrated.
    if (error instanceof StoreError && error.kind === 'schema') return undefined;
    throw error;
  }
}

function allTables(): readonly { id: string; cql: string }[] {
  return [{ id: SETTINGS_STEP, cql: SETTINGS_TABLE }, ...MIGRATIONS];
}

import type { MigrationReport } from '../adapters/cassandra/schema/migrate.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import type { ConnectionTools } from './connection-tools.ts';
import { cassandraConnection } from './open-store.ts';
import { withStore, withTools } from './read-only-tools.ts';

export interface Migrated {
  readonly report: Partial<MigrationReport> & Pick<MigrationReport, 'steps' | 'warnings'>;
  readonly summary: string;
}

interface MigrateOptions {
  readonly isDryRun: boolean;
  /** Gets progress and warnings; by default they go to standard error. */
  readonly say?: (line: string) => void;
}

/** Brings the tables to what this version needs, or says what it would do. */
export function migrateStore(loaded: LoadedConfig, { isDryRun, say = toStderr }: MigrateOptions): Promise<Migrated> {
  return withTools(loaded, async (tools) => {
    const { storeTarget } = loaded.config;
    switch (storeTarget.kind) {
      case 'memory':
        return { report: { steps: [], warnings: [] }, summary: 'memory: there are no tables; nothing to do' };
      case 'sqlite':
        return migrateSqlite(loaded, tools, { path: storeTarget.path, isDryRun });
      case 'cassandra':
        return migrateCassandra(loaded, tools, { isDryRun, say });
      default:
        return storeTarget satisfies never;
    }
  });
}

/** Opening the file makes its tables, so that is all there is to do. */
async function migrateSqlite(
  { config }: LoadedConfig,
  tools: ConnectionTools,
  { path, isDryRun }: { path: string; isDryRun: boolean },
): Promise<Migrated> {
  const { SCHEMA } = await import('../adapters/sqlite/schema.ts');
  const id = 'sqlite-tables';
  const cql = SCHEMA.replace(/^ {2}/gm, '').trim();
  if (isDryRun) return { report: { steps: [{ id, cql, state: 'planned' }], warnings: [] }, summary: cql };
  await withStore(config, tools, (store) => store.ping());
  return {
    report: { steps: [{ id, cql, state: 'done' }], warnings: [] },
    summary: `sqlite: ${path} has its tables; autoscale would have made them too`,
  };
}

async function migrateCassandra(
  { config }: LoadedConfig,
  tools: ConnectionTools,
  { isDryRun, say }: Required<MigrateOptions>,
): Promise<Migrated> {
  const { migrate } = await import('../adapters/cassandra/schema/migrate.ts');
  const copies = Object.entries(config.store.cassandra.replication);
  const report = await migrate(
    {
      ...cassandraConnection(config, tools).options(),
      replication: Object.fromEntries(copies.map(([dataCenter, count]) => [dataCenter, Number(count)])),
      isDryRun,
    },
    {
      step: ({ id, state }) => say(`${id}: ${state}`),
      waiting: () => say('another migration is at work; waiting for it'),
    },
  );
  for (const warning of report.warnings) say(`warning: ${warning}`);
  const statements = report.steps.map(({ id, state, cql }) => `-- ${id}: ${state}\n${cql};`).join('\n');
  const standing = `keyspace ${report.keyspace} (${report.replication}) is as this version needs it`;
  return { report, summary: isDryRun ? statements : standing };
}

function toStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}

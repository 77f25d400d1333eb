import type { FunctionRecord, Namespace } from '../model/function-record.ts';
import type { Sql } from './database.ts';
import type { RegisteredVersion, VersionStatus } from './registered-version.ts';

/** A function as it is kept; its status follows from its versions. */
export type KeptFunction = Omit<FunctionRecord, 'status' | 'aliases'>;

type Row = Record<string, unknown>;

/** The only writer of these columns is this program, so what is in them is what was put there. */
export function readFunctions(sql: Sql): KeptFunction[] {
  const rows = sql.prepare('SELECT * FROM functions ORDER BY rowid').all() as Row[];
  return rows.map((row) => ({
    functionId: String(row['function_id']),
    namespace: row['namespace'] as Namespace,
    name: String(row['name']),
    account: String(row['account']),
    activeVersionId: (row['active_version_id'] as string | null) ?? undefined,
    triggers: JSON.parse(String(row['triggers'])) as FunctionRecord['triggers'],
    createdMs: Number(row['created_ms']),
    updatedMs: Number(row['updated_ms']),
  }));
}

export function writeFunction(sql: Sql, record: KeptFunction): void {
  const { functionId, namespace, name, account, activeVersionId, triggers, createdMs, updatedMs } = record;
  sql
    .prepare(
      `INSERT INTO functions VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (function_id) DO UPDATE SET
         name = excluded.name, active_version_id = excluded.active_version_id,
         triggers = excluded.triggers, updated_ms = excluded.updated_ms`,
    )
    .run(
      functionId,
      namespace,
      name,
      account,
      activeVersionId ?? null,
      JSON.stringify(triggers),
      Math.round(createdMs),
      Math.round(updatedMs),
    );
}

export function readAliases(sql: Sql): { alias: string; functionId: string }[] {
  const rows = sql.prepare('SELECT alias, function_id FROM aliases').all() as Row[];
  return rows.map((row) => ({ alias: String(row['alias']), functionId: String(row['function_id']) }));
}

export function readVersions(sql: Sql): RegisteredVersion[] {
  const rows = sql
    .prepare('SELECT versions.*, account FROM versions JOIN functions USING (function_id) ORDER BY function_id, number')
    .all() as Row[];
  return rows.map((row) => ({
    versionId: String(row['version_id']),
    functionId: String(row['function_id']),
    account: String(row['account']),
    number: Number(row['number']),
    deployId: String(row['deploy_id']),
    codeHash: String(row['code_hash']),
    launch: JSON.parse(String(row['launch'])) as RegisteredVersion['launch'],
    // JSON has no undefined: limits that are not set come back as missing keys.
    pool: { ageMaxMs: undefined, usesMax: undefined, ...JSON.parse(String(row['pool'])) } as RegisteredVersion['pool'],
    status: row['status'] as VersionStatus,
    statusDetail: String(row['status_detail']),
    deploymentId: String(row['deployment_id']),
    specificationId: String(row['specification_id']),
    configuration: parseOptional(row['configuration']) as RegisteredVersion['configuration'],
    policy: parseOptional(row['policy']),
    createdMs: Number(row['created_ms']),
  }));
}

export function writeVersion(sql: Sql, version: RegisteredVersion): void {
  sql
    .prepare(
      `INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (version_id) DO UPDATE SET
         deploy_id = excluded.deploy_id, launch = excluded.launch, pool = excluded.pool, status = excluded.status,
         status_detail = excluded.status_detail, configuration = excluded.configuration, policy = excluded.policy`,
    )
    .run(
      version.versionId,
      version.functionId,
      version.number,
      version.deployId,
      version.codeHash,
      JSON.stringify(version.launch),
      JSON.stringify(version.pool),
      version.status,
      version.statusDetail,
      version.deploymentId,
      version.specificationId,
      version.configuration === undefined ? null : JSON.stringify(version.configuration),
      version.policy === undefined ? null : JSON.stringify(version.policy),
      Math.round(version.createdMs),
    );
}

function parseOptional(text: unknown): unknown {
  return text === null ? undefined : JSON.parse(String(text));
}

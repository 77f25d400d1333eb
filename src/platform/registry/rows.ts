import type { FunctionRecord } from '../model/function-record.ts';
import type { Sql } from './database.ts';
import type { RegisteredVersion } from './registered-version.ts';

/** A function as it is kept; its status follows from its versions. */
export type KeptFunction = Omit<FunctionRecord, 'status'>;

export function readFunctions(sql: Sql): KeptFunction[] {
  const aliases = Map.groupBy(
    sql.all<{ alias: string; functionId: string }>('SELECT alias, function_id AS functionId FROM aliases'),
    ({ functionId }) => functionId,
  );
  return sql
    .all<Omit<KeptFunction, 'aliases' | 'triggers'> & { triggers: string }>(
      `SELECT function_id AS functionId, namespace, name, account, active_version_id AS activeVersionId, triggers,
         created_ms AS createdMs, updated_ms AS updatedMs FROM functions ORDER BY rowid`,
    )
    .map((row) => ({
      ...row,
      activeVersionId: row.activeVersionId ?? undefined,
      aliases: aliases.get(row.functionId)?.map(({ alias }) => alias) ?? [],
      triggers: JSON.parse(row.triggers) as FunctionRecord['triggers'],
    }));
}

export function writeFunction(sql: Sql, record: KeptFunction): void {
  sql.run(
    `INSERT INTO functions VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (function_id) DO UPDATE SET
       name = excluded.name, active_version_id = excluded.active_version_id,
       triggers = excluded.triggers, updated_ms = excluded.updated_ms`,
    record.functionId,
    record.namespace,
    record.name,
    record.account,
    record.activeVersionId ?? null,
    JSON.stringify(record.triggers),
    Math.round(record.createdMs),
    Math.round(record.updatedMs),
  );
}

type JsonColumn = 'launch' | 'pool' | 'configuration' | 'policy';

export function readVersions(sql: Sql): RegisteredVersion[] {
  return sql
    .all<Omit<RegisteredVersion, JsonColumn> & Record<JsonColumn, string>>(
      `SELECT version_id AS versionId, function_id AS functionId, account, number, deploy_id AS deployId, code_hash AS codeHash,
         launch, pool, status, status_detail AS statusDetail, deployment_id AS deploymentId,
         specification_id AS specificationId, configuration, policy, versions.created_ms AS createdMs
       FROM versions JOIN functions USING (function_id) ORDER BY function_id, number`,
    )
    .map((row) => ({
      ...row,
      launch: JSON.parse(row.launch) as RegisteredVersion['launch'],
      // JSON has no undefined: limits that are not set come back as missing keys.
      pool: { ageMaxMs: undefined, usesMax: undefined, ...JSON.parse(row.pool) } as RegisteredVersion['pool'],
      configuration: parseOptional(row.configuration) as RegisteredVersion['configuration'],
      policy: parseOptional(row.policy),
    }));
}

export function writeVersion(sql: Sql, version: RegisteredVersion): void {
  sql.run(
    `INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (version_id) DO UPDATE SET
       deploy_id = excluded.deploy_id, launch = excluded.launch, pool = excluded.pool, status = excluded.status,
       status_detail = excluded.status_detail, configuration = excluded.configuration, policy = excluded.policy`,
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

function parseOptional(text: string | null): unknown {
  return text === null ? undefined : JSON.parse(text);
}

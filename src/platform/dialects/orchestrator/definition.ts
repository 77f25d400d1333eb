import { z } from 'zod';
import { instanceCount } from '../../../contract/counts.ts';
import type { Code, FunctionRecord, LaunchSettings, PoolSettings } from '../../model/function-record.ts';
import type { RegisteredVersion } from '../../registry/registered-version.ts';
import { DEFAULT_POOL, functionName, launchSchema, poolChangeSchema } from '../../registry/version-settings.ts';
import { parseRuntime } from '../../runtime/program/interpreters.ts';
import { shownId } from './shown-functions.ts';

const TRIGGERS_MAX = 32;
const PREWARM_MAX = 16;

/** Instances go after a minute without calls and after five minutes in any case; two are free beside busy ones. */
export const ORCHESTRATOR_POOL: PoolSettings = {
  ...DEFAULT_POOL,
  idleTtlMs: 60_000,
  ageMaxMs: 300_000,
  freeBesideBusy: 2,
};

const { timeoutMs, memoryMb, environment, concurrency, handler } = launchSchema.shape;

const runtime = launchSchema.shape.runtime.refine(
  (text) => parseRuntime(text) !== undefined,
  'must be node, python, go, rust, or one of these with a version, such as node24, python3.13 or provided.al2023',
);

const saidOfFields: z.core.$ZodErrorMap = (issue) =>
  issue.code === 'unrecognized_keys'
    ? `has fields that nobody knows here: ${(issue.keys as readonly string[]).join(', ')}`
    : 'must be an object';

const trigger = z.strictObject(
  {
    type: z.enum(['http', 'schedule', 'event'], "must be 'http', 'schedule' or 'event'"),
    config: z.record(z.string(), z.unknown(), 'must be an object').default({}),
  },
  { error: saidOfFields },
);

/**
 * The first eight are the orchestrator's own; the others are the platform's, for who needs them. What nobody knows is
 * refused: kept it could not be, and a misspelt setting must not pass for the default.
 */
export const definitionSchema = z.strictObject(
  {
    name: functionName,
    runtime: runtime.default('node'),
    handler,
    code: z.string('must be text').default(''),
    timeout: timeoutMs,
    memory: memoryMb,
    environment,
    triggers: z.array(trigger, 'must be a list').max(TRIGGERS_MAX, `must be ${TRIGGERS_MAX} or fewer`).default([]),
    concurrency,
    pool: poolChangeSchema.default({}),
    prewarm: instanceCount.max(PREWARM_MAX, `must be ${PREWARM_MAX} or less`).default(0),
  },
  { error: saidOfFields },
);

/** What is left out stays as it is. */
export const changeSchema = z
  .strictObject(
    {
      name: functionName,
      runtime,
      handler: handler.unwrap(),
      code: z.string('must be text'),
      timeout: timeoutMs.unwrap(),
      memory: memoryMb.unwrap(),
      environment: environment.unwrap(),
      triggers: definitionSchema.shape.triggers.unwrap(),
      concurrency: concurrency.unwrap(),
      pool: poolChangeSchema,
    },
    { error: saidOfFields },
  )
  .partial();

type Definition = z.infer<typeof definitionSchema>;
export type DefinitionChange = z.infer<typeof changeSchema>;

export function launchOf({ runtime, handler, timeout, memory, environment, concurrency }: Definition): LaunchSettings {
  return { runtime, handler, timeoutMs: timeout, memoryMb: memory, environment, concurrency };
}

/** Undefined: nothing of it is changed. */
export function changeLaunch(before: LaunchSettings, change: DefinitionChange): LaunchSettings | undefined {
  const { runtime, handler, timeout, memory, environment, concurrency } = change;
  const launch: LaunchSettings = {
    runtime: runtime ?? before.runtime,
    handler: handler ?? before.handler,
    timeoutMs: timeout ?? before.timeoutMs,
    memoryMb: memory ?? before.memoryMb,
    environment: environment ?? before.environment,
    concurrency: concurrency ?? before.concurrency,
  };
  return JSON.stringify(launch) === JSON.stringify(before) ? undefined : launch;
}

/** The definition as it was given, and what has become of it. What is the platform's own stands in it only where it was set. */
export function showDefinition(record: FunctionRecord, version: RegisteredVersion, code: Code) {
  const { runtime, handler, timeoutMs, memoryMb, environment, concurrency } = version.launch;
  const pool = poolChanges(version.pool);
  return {
    id: shownId(record),
    name: record.name,
    runtime,
    handler,
    ...showCode(code),
    timeout: timeoutMs,
    memory: memoryMb,
    environment,
    triggers: record.triggers,
    ...(concurrency === 1 ? {} : { concurrency }),
    ...(Object.keys(pool).length === 0 ? {} : { pool }),
    createdAt: new Date(record.createdMs).toISOString(),
    updatedAt: new Date(record.updatedMs).toISOString(),
  };
}

/** Files come in only over the platform's own port. */
function showCode(code: Code): { readonly code: string } | { readonly files: readonly string[] } {
  if (code.kind === 'files') return { files: [...code.files.keys()] };
  return { code: code.kind === 'source' ? code.text : '' };
}

function poolChanges(pool: PoolSettings): Partial<Record<string, unknown>> {
  const usual: Readonly<Record<string, unknown>> = { ...ORCHESTRATOR_POOL };
  const others = Object.entries(pool).filter(([name, value]) => value !== usual[name]);
  return Object.fromEntries(others.map(([name, value]) => [name, value ?? null]));
}

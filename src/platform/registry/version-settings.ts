import { z } from 'zod';
import { concurrency, instanceCount } from '../../contract/counts.ts';
import { faultOfPath } from '../model/file-path.ts';
import type { PoolSettings } from '../model/function-record.ts';
import { PlatformError } from '../model/platform-error.ts';

/** The settings of a version. One schema for every dialect: each translates its own words and defaults into these. */

const ENVIRONMENT_MAX_BYTES = 64 * 1024;
const DAY_MS = 86_400_000;

/** Shown in terminals, used in paths of people's scripts: no spaces, no signs that anything obeys. */
export const functionName = z
  .string('must be text')
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,139}$/,
    'must be 1 to 140 letters, digits, dots, underscores or hyphens, beginning with a letter or digit',
  );

const handler = z
  .string('must be text')
  .max(255, 'must be 255 characters or less')
  .superRefine((text, context) => {
    const fault = faultOfPath(text);
    if (fault) context.addIssue({ code: 'custom', message: `names a file by a path that ${fault}` });
  });

const environment = z
  .record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/, 'must be a name of letters, digits and underscores'),
    z
      .string('must be text')
      .refine((text) => !text.includes('\0') && text.isWellFormed(), 'must be text without NUL characters'),
  )
  .refine((pairs) => Buffer.byteLength(JSON.stringify(pairs)) <= ENVIRONMENT_MAX_BYTES, {
    error: `must be ${ENVIRONMENT_MAX_BYTES} bytes or less in all`,
  });

export function wholeNumber(min: number, max: number) {
  return z.int('must be a whole number').min(min, `must be ${min} or more`).max(max, `must be ${max} or less`);
}

export const launchSchema = z.strictObject({
  runtime: z
    .string('must be text')
    .regex(/^[a-z][a-z0-9.]{0,39}$/, 'must be the name of a runtime, such as node24, python3.13 or provided.al2023'),
  handler: handler.default('index.handler'),
  timeoutMs: wholeNumber(1, 15 * 60_000).default(30_000),
  memoryMb: wholeNumber(16, 32_768).default(128),
  environment: environment.default({}),
  concurrency: concurrency.default(1),
});

const ttl = wholeNumber(0, 30 * DAY_MS);

/** Some of the settings of a pool; what is left out stays, and null takes a limit away. */
export const poolChangeSchema = z
  .strictObject({
    reuse: z.enum(['warm', 'by-hand', 'never'], "must be 'warm', 'by-hand' or 'never'"),
    instancesMin: instanceCount,
    instancesMax: instanceCount.min(1, 'must be 1 or more'),
    keepWarm: instanceCount,
    freeBesideBusy: instanceCount,
    idleTtlMs: ttl,
    ageMaxMs: ttl.min(1, 'must be 1 or more').nullable(),
    usesMax: wholeNumber(1, Number.MAX_SAFE_INTEGER).nullable(),
    queueDepth: wholeNumber(0, 1_000_000),
  })
  .partial();

export type PoolChange = z.infer<typeof poolChangeSchema>;

export const DEFAULT_POOL: PoolSettings = {
  reuse: 'warm',
  instancesMin: 0,
  instancesMax: 50,
  keepWarm: 0,
  idleTtlMs: 300_000,
  ageMaxMs: undefined,
  usesMax: undefined,
  queueDepth: 1_000,
};

export function changePool(base: PoolSettings, change: PoolChange): PoolSettings {
  const ageMaxMs = change.ageMaxMs === undefined ? base.ageMaxMs : (change.ageMaxMs ?? undefined);
  const usesMax = change.usesMax === undefined ? base.usesMax : (change.usesMax ?? undefined);
  const given = Object.entries(change).filter(([, value]) => value !== undefined);
  const pool = { ...base, ...Object.fromEntries(given), ageMaxMs, usesMax };
  if (pool.instancesMin > pool.instancesMax) {
    throw new PlatformError(
      'input-invalid',
      `instancesMin ${pool.instancesMin} is above instancesMax ${pool.instancesMax}`,
      { field: 'pool.instancesMin' },
    );
  }
  return pool;
}

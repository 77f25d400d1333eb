import { z } from 'zod';
import { id, instanceCount } from '../../../contract/counts.ts';
import { parsePolicy } from '../../../domain/parse-policy.ts';
import { LOOK_BACK_SECONDS } from '../../control-plane/version-views.ts';
import type { Code } from '../../model/function-record.ts';
import { unzip } from '../../registry/unzip.ts';
import { functionName, launchSchema, poolChangeSchema } from '../../registry/version-settings.ts';

/** What may be said on this port. Fields that nobody knows are refused: a misspelt setting must not pass for the default. */

const PREWARM_MAX = 64;
/** Rows of one page. */
export const PAGE_MAX = 1_000;

const policy = z.unknown().superRefine((document, context) => {
  if (document === undefined || document === null) return;
  const read = parsePolicy(document, { lookBackSeconds: LOOK_BACK_SECONDS });
  if (read.ok) return;
  for (const { path, message, mend } of read.problems) {
    context.addIssue({ code: 'custom', path: path === '' ? [] : path.split('.'), message: `${message}; ${mend}` });
  }
});

const base64 = z.string('must be text').refine(isBase64, 'must be base64');

/** Two looks, each of one pass: one pattern with padding and blanks at its end goes back and forth over a megabyte of blanks for minutes. */
function isBase64(text: string): boolean {
  return !/[^A-Za-z0-9+/=\s]/.test(text) && !/=\s*[^=\s]/.test(text);
}

const code = z.union(
  [
    z.string(),
    z.strictObject({ source: z.string() }),
    z.strictObject({ zip: base64 }),
    z.strictObject({ files: z.record(z.string(), z.string()) }),
  ],
  'must be source text, {"source": text}, {"files": {path: text}} or {"zip": base64}',
);

/** Unpacks and checks as it goes. */
export async function codeOf(given: z.infer<typeof code>): Promise<Code> {
  if (typeof given === 'string') return { kind: 'source', text: given };
  if ('source' in given) return { kind: 'source', text: given.source };
  if ('zip' in given) return { kind: 'files', files: await unzip(Buffer.from(given.zip, 'base64')) };
  return {
    kind: 'files',
    files: new Map(Object.entries(given.files).map(([path, text]) => [path, Buffer.from(text, 'utf8')])),
  };
}

const launch = launchSchema.shape;
const prewarm = instanceCount.max(PREWARM_MAX, `must be ${PREWARM_MAX} or less`).default(0);

export const newFunctionSchema = z.strictObject({
  name: functionName,
  account: id.optional(),
  ...launch,
  code,
  pool: poolChangeSchema.default({}),
  policy: policy.optional(),
  prewarm,
});

/** What is left out is as in the active version, the code too. */
export const newVersionSchema = z.strictObject({
  runtime: launch.runtime.exactOptional(),
  handler: launch.handler.unwrap().exactOptional(),
  timeoutMs: launch.timeoutMs.unwrap().exactOptional(),
  memoryMb: launch.memoryMb.unwrap().exactOptional(),
  environment: launch.environment.unwrap().exactOptional(),
  concurrency: launch.concurrency.unwrap().exactOptional(),
  code: code.optional(),
  pool: poolChangeSchema.default({}),
  policy: policy.optional(),
  prewarm,
  isActive: z.boolean('must be true or false').default(true),
});

export const functionChangeSchema = z
  .strictObject({ name: functionName.exactOptional(), activeVersionId: id.exactOptional() })
  .refine((change) => Object.values(change).some((value) => value !== undefined), 'names nothing to change');

export const versionChangeSchema = z
  .strictObject({
    pool: poolChangeSchema,
    status: z.enum(['ACTIVE', 'INACTIVE'], "must be 'ACTIVE' or 'INACTIVE'"),
    policy,
  })
  .partial()
  .refine((change) => Object.values(change).some((value) => value !== undefined), 'names nothing to change');

export const warmSchema = z
  .strictObject({
    count: instanceCount.min(1, 'must be 1 or more').max(PREWARM_MAX, `must be ${PREWARM_MAX} or less`).default(1),
  })
  .default({ count: 1 });

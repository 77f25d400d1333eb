import { z } from 'zod';
import { parseRoute, RouteError } from '../../lib/route-pattern.ts';
import { HTTP_METHODS } from '../model/trigger.ts';
import { wholeNumber } from '../registry/version-settings.ts';
import { CronError, parseCron } from './cron.ts';

/** The settings of a trigger. One schema for every dialect: each translates its own words into these. */

const DAY_MS = 86_400_000;
const PAYLOAD_MAX_BYTES = 256 * 1024;
const METHODS = ['ANY', ...HTTP_METHODS] as const;

/** What `check` throws of this kind is the reader's news. */
function checked(check: (text: string) => unknown, isFault: (error: unknown) => error is Error) {
  return z.string('must be text').superRefine((text, context) => {
    try {
      check(text);
    } catch (error) {
      if (!isFault(error)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
    }
  });
}

const path = checked(parseRoute, (error) => error instanceof RouteError);
const cron = checked(parseCron, (error) => error instanceof CronError);

const zone = z
  .string('must be text')
  .max(64, 'must be 64 characters or less')
  .refine((name) => {
    try {
      new Intl.DateTimeFormat('en', { timeZone: name });
      return true;
    } catch {
      return false;
    }
  }, 'is not a time zone of the IANA list, such as UTC or Europe/Berlin');

export const queueName = z
  .string('must be text')
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,139}$/, 'must be 1 to 140 letters, digits, dots, underscores or hyphens');

const method = z
  .string('must be text')
  .transform((text) => text.toUpperCase())
  .pipe(z.enum(METHODS, `must be one of ${METHODS.join(', ')}`));

const payload = z
  .unknown()
  .refine(
    (value) => value === undefined || Buffer.byteLength(JSON.stringify(value)) <= PAYLOAD_MAX_BYTES,
    `must be ${PAYLOAD_MAX_BYTES} bytes or less`,
  )
  .optional();

const httpSettings = z.strictObject({ kind: z.literal('http'), method: method.default('ANY'), path });

const scheduleSettings = z.strictObject({
  kind: z.literal('schedule'),
  cron,
  timeZone: zone.default('UTC'),
  overlap: z.enum(['skip', 'allow'], "must be 'skip' or 'allow'").default('skip'),
  missed: z.enum(['skip', 'once'], "must be 'skip' or 'once'").default('once'),
  payload,
});

const queueSettings = z
  .strictObject({
    kind: z.literal('queue'),
    queue: queueName,
    batchMax: wholeNumber(1, 100).default(1),
    concurrency: wholeNumber(1, 1_000).default(10),
    depthMax: wholeNumber(1, 1_000_000).default(10_000),
    attemptsMax: wholeNumber(1, 100).default(5),
    backoffMs: wholeNumber(0, DAY_MS).default(1_000),
    backoffMaxMs: wholeNumber(0, DAY_MS).default(300_000),
    leaseMs: wholeNumber(1, DAY_MS).optional(),
  })
  .refine(({ backoffMs, backoffMaxMs }) => backoffMs <= backoffMaxMs, {
    path: ['backoffMaxMs'],
    error: 'must not be below backoffMs',
  });

export const triggerSettings = z.discriminatedUnion('kind', [httpSettings, scheduleSettings, queueSettings], {
  error: "must be 'http', 'schedule' or 'queue'",
});

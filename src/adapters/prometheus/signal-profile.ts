import { z } from 'zod';

/** What a profile file says, and how it is checked. Profiles are data: what can be said here is all that they can do. */

const LABEL = z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'is not a Prometheus label name');
const METRIC = z.string().regex(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/, 'is not a Prometheus metric name');
const NAME = z
  .string()
  .regex(/^[a-z][a-zA-Z0-9-]*$/, 'must be letters, digits and hyphens, beginning with a small letter');

const querySchema = z.strictObject({
  /** One series per version, or a few that a term adds up. */
  promql: z.string().min(1),
  /** The metrics it reads: where none of them exists the query is not sent. */
  metrics: z.array(METRIC).min(1),
  /** The label in which these metrics say which environment they are of. */
  environmentLabel: LABEL.optional(),
});

/**
 * A number per version. A bare query name: its value, and more than one series for a version is a fault. `sum`: the
 * values of all its series; with `times`, each multiplied by the number that stands in that label.
 */
const termSchema = z.union([NAME, z.strictObject({ sum: NAME, times: LABEL.optional() })]);

const signalSchema = z.union([
  termSchema,
  z.strictObject({
    /** 100 × of ÷ over. */
    percent: z.strictObject({
      of: termSchema,
      over: z.union([termSchema, z.strictObject({ product: z.array(termSchema).min(2) })]),
    }),
  }),
]);

export const signalProfileSchema = z.strictObject({
  name: NAME,
  description: z.string().min(1),
  /** The labels that say which function version a series is of. */
  identity: z.strictObject({ versionId: LABEL, functionId: LABEL, account: LABEL }),
  scrapeIntervalSeconds: z.number().int().min(1).max(300),
  /** The span of rates, in scrapes: a whole number, because VictoriaMetrics is off by up to 14 % otherwise. */
  rateScrapes: z.number().int().min(2).max(100),
  /** A series whose last sample is older than this is gone. */
  freshSeconds: z.number().int().min(2).max(3600),
  queries: z.record(NAME, querySchema),
  signals: z.strictObject({
    utilisation: signalSchema.optional(),
    demand: signalSchema.optional(),
    instances: signalSchema.optional(),
    /** A raw counter of calls: only its change means something. */
    invocation: termSchema.optional(),
  }),
  /** Queries by {{identity}}: which versions have instances, and the call counters of each. */
  discovery: z.strictObject({ instances: NAME.optional(), calls: NAME.optional() }),
  /** A query with {{idle}}: versions that were called within that span. */
  recentCalls: NAME.optional(),
});

export type Term = z.infer<typeof termSchema>;
export type SignalDefinition = z.infer<typeof signalSchema>;
export type ProfileDocument = z.infer<typeof signalProfileSchema>;

export interface ProfileQuery extends Readonly<z.infer<typeof querySchema>> {
  readonly name: string;
  /** For people who must mend it: `config/profiles/x.yaml:12`. */
  readonly source: string;
}

export const LOAD_SIGNALS = ['utilisation', 'demand', 'instances'] as const;

export const SIGNALS = [...LOAD_SIGNALS, 'invocation'] as const;

/** A profile that was read and found good. */
export interface SignalProfile extends Readonly<Omit<ProfileDocument, 'queries'>> {
  readonly queries: ReadonlyMap<string, ProfileQuery>;
}

/** A query together with the profile that it stands in. */
export interface Owned {
  readonly profile: SignalProfile;
  readonly query: ProfileQuery;
}

export function ownedQuery(profile: SignalProfile, name: string | undefined): Owned | undefined {
  const query = name === undefined ? undefined : profile.queries.get(name);
  return query && { profile, query };
}

/** The queries that a signal is made from. */
export function queriesOf(definition: SignalDefinition | undefined): string[] {
  if (definition === undefined) return [];
  return [...new Set(termsOf(definition).map((term) => (typeof term === 'string' ? term : term.sum)))];
}

export function termsOf(definition: SignalDefinition): Term[] {
  if (typeof definition === 'string' || !('percent' in definition)) return [definition];
  const { of, over } = definition.percent;
  return [of, ...(typeof over !== 'string' && 'product' in over ? over.product : [over])];
}

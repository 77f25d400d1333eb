import type { Part } from '../../domain/part.ts';
import { partMatchers } from './plan-parts.ts';
import { labelName, matcher } from './promql-text.ts';
import type { ProfileQuery, SignalProfile } from './signal-profile.ts';

export interface QueryContext {
  readonly part: Part;
  /** Labels that say which environment, or whatever else must hold: label → value. */
  readonly labels: ReadonlyMap<string, string>;
  /** Labels that belong to single queries; the others hold for all. */
  readonly environmentLabels: ReadonlySet<string>;
  readonly bucketLabel: string | undefined;
  readonly scrapeIntervalSeconds: number | undefined;
  /** Span of rates; a multiple of the scrape interval. Undefined: what the profile says. */
  readonly rateSeconds: number | undefined;
  readonly idleSeconds: number;
}

/** Fills the placeholders of a profile's query. Everything from outside goes through `promql-text`. */
export function queryText(profile: SignalProfile, query: ProfileQuery, context: QueryContext): string {
  const { identity } = profile;
  const environment = environmentMatchers(query, context);
  const part = partMatchers(context.part, { versionId: identity.versionId, bucket: context.bucketLabel });
  const by = labelName(identity.versionId);
  const identityLabels = [identity.versionId, identity.functionId, identity.account];
  if (context.bucketLabel !== undefined) identityLabels.push(context.bucketLabel);
  const scrapeSeconds = context.scrapeIntervalSeconds ?? profile.scrapeIntervalSeconds;
  const values: Record<string, string> = {
    match: [...part, ...environment].join(','),
    environment: environment.join(','),
    by,
    identity: identityLabels.map(labelName).join(','),
    rate: `${context.rateSeconds ?? profile.rateScrapes * scrapeSeconds}s`,
    fresh: `${freshSeconds(profile, context)}s`,
    idle: `${Math.max(1, Math.ceil(context.idleSeconds))}s`,
  };
  return query.promql.replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? '');
}

/** At least three scrapes: two may be missed before a series counts as gone. */
export function freshSeconds(
  profile: SignalProfile,
  { scrapeIntervalSeconds }: { scrapeIntervalSeconds: number | undefined },
): number {
  return Math.max(profile.freshSeconds, 3 * (scrapeIntervalSeconds ?? 0));
}

export function environmentMatchers(
  query: ProfileQuery,
  { labels, environmentLabels }: Pick<QueryContext, 'labels' | 'environmentLabels'>,
): string[] {
  return [...labels]
    .filter(([label]) => label === query.environmentLabel || !environmentLabels.has(label))
    .map(([label, value]) => matcher(label, '=', value));
}

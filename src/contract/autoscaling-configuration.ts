import { z } from 'zod';
import { type ParsedPolicy, parsePolicy } from '../domain/parse-policy.ts';
import { defaultPolicy, type Policy, type StepsPolicy } from '../domain/policy.ts';

/** Whose policy holds: the platform's, or the one that stands beside it. */
export const CONFIGURATION_POLICIES = ['PLATFORM_CONFIGURATION', 'CUSTOM_CONFIGURATION'] as const;
export type ConfigurationPolicy = (typeof CONFIGURATION_POLICIES)[number];

const duration = z
  .string()
  .refine((text) => parseIsoDuration(text) !== undefined, 'must be an ISO-8601 duration such as PT10M');

const details = z.object({
  factor: z.number('must be a number'),
  threshold: z.number('must be a number'),
  /** `threshold` of the last `size` must breach. */
  stickiness: z.object({ size: duration, threshold: duration }).nullish(),
});

export const autoscalingConfigurationSchema = z.object({
  scaleUpDetails: details.nullish(),
  scaleDownDetails: details.nullish(),
});

export type ReceivedConfiguration = z.infer<typeof autoscalingConfigurationSchema>;

/**
 * The policy that a custom configuration means. A side that is left out is taken from `base`, as is expected where only
 * `scaleUpDetails` is written; a band that comes out upside down is refused, with the field and the mend.
 */
export function policyOfConfiguration(
  configuration: ReceivedConfiguration,
  { lookBackSeconds, base }: { lookBackSeconds: number; base: Policy | undefined },
): ParsedPolicy {
  const steps: StepsPolicy = base?.kind === 'steps' ? base : defaultPolicy('steps');
  const { scaleUpDetails: up, scaleDownDetails: down } = configuration;
  const document = { kind: 'steps', up: up ? sideOf(up) : steps.up, down: down ? sideOf(down) : steps.down };
  return parsePolicy(document, { lookBackSeconds, base: steps });
}

function sideOf({ factor, threshold, stickiness }: z.infer<typeof details>) {
  // Minutes are what stickiness counts; a spell under one minute means none, here as at the platform that invented it.
  const windowSeconds = wholeMinutes(stickiness?.size);
  const requiredSeconds = wholeMinutes(stickiness?.threshold);
  const isSticky = windowSeconds > 0 && requiredSeconds > 0;
  // Null takes away what the base policy has: a side is taken as it stands.
  return { factor, threshold, stickiness: isSticky ? { windowSeconds, requiredSeconds } : null };
}

function wholeMinutes(text: string | undefined): number {
  return Math.floor((parseIsoDuration(text ?? '') ?? 0) / 60) * 60;
}

/** What a control plane says about a policy: only steps policies have a form on this part of the wire. */
export function configurationOfPolicy(policy: StepsPolicy): ReceivedConfiguration {
  return { scaleUpDetails: detailsOf(policy.up), scaleDownDetails: detailsOf(policy.down) };
}

function detailsOf({ factor, threshold, stickiness }: StepsPolicy['up']): z.infer<typeof details> {
  if (!stickiness) return { factor, threshold };
  const { windowSeconds, requiredSeconds } = stickiness;
  return {
    factor,
    threshold,
    stickiness: { size: formatIsoDuration(windowSeconds), threshold: formatIsoDuration(requiredSeconds) },
  };
}

const DURATION = /^P(?:(\d{1,6})D)?(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,9})(?:\.\d{1,9})?S)?)?$/;

/** Whole seconds of an ISO-8601 duration of days, hours, minutes and seconds; parts of a second are cut off. */
export function parseIsoDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (!match || text === 'P') return undefined;
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  return (days ?? 0) * 86_400 + (hours ?? 0) * 3_600 + (minutes ?? 0) * 60 + (seconds ?? 0);
}

export function formatIsoDuration(seconds: number): string {
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor((seconds % 3_600) / 60);
  const rest = seconds % 60;
  const text = `${hours ? `${hours}H` : ''}${minutes ? `${minutes}M` : ''}${rest ? `${rest}S` : ''}`;
  return text === '' ? 'PT0S' : `PT${text}`;
}

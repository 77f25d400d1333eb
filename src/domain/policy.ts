import { z } from 'zod';

/** What the operator asked for. One schema for the API, the autoscaler and the command line. */

/** "k of the last n": a side of the band fires only when `required` samples of the last `windowSeconds` breach it. */
const stickiness = z.strictObject({
  windowSeconds: z.number().int().min(60).max(3600),
  requiredSeconds: z.number().int().min(60).max(3600),
});

/** How fast the wish may move: at most `percent` of what was wanted at the start of the period, or `instances`, whichever allows more. */
const stepLimit = z.strictObject({
  percent: z.number().min(0).max(100_000),
  instances: z.number().int().min(0).max(1_000_000),
  periodSeconds: z.number().int().min(1).max(3600),
});

const guards = {
  /** No call for this long, and low load, before zero. */
  idleTimeoutSeconds: z
    .number()
    .int()
    .min(0)
    .max(7 * 86_400),
  scaleToZero: z.boolean(),
  stabilisationUpSeconds: z.number().int().min(0).max(3600),
  stabilisationDownSeconds: z.number().int().min(0).max(3600),
  cooldownUpSeconds: z.number().int().min(0).max(3600),
  cooldownDownSeconds: z.number().int().min(0).max(3600),
  stepUp: stepLimit.optional(),
  stepDown: stepLimit.optional(),
};

export const stepsPolicySchema = z.strictObject({
  kind: z.literal('steps'),
  up: z.strictObject({ threshold: z.number(), factor: z.number(), stickiness: stickiness.optional() }),
  down: z.strictObject({ threshold: z.number(), factor: z.number(), stickiness: stickiness.optional() }),
  /** Weight of older samples in the mean of the idle test: exp(-decay × age in samples). */
  decay: z.number().min(0).max(10),
  ...guards,
});

export const targetPolicySchema = z.strictObject({
  kind: z.literal('target'),
  /** Share of an instance's concurrency to fill: 0.7 leaves three tenths free. */
  target: z.number().gt(0).max(1),
  /** Span over which demand is averaged before it is divided. */
  windowSeconds: z.number().int().min(0).max(3600),
  ...guards,
});

export const policySchema = z.discriminatedUnion('kind', [stepsPolicySchema, targetPolicySchema]);

export type StepsPolicy = z.infer<typeof stepsPolicySchema>;
export type TargetPolicy = z.infer<typeof targetPolicySchema>;
export type Policy = z.infer<typeof policySchema>;
export type StepLimit = z.infer<typeof stepLimit>;

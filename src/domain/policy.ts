import { z } from 'zod';

/** What the operator asked for. One schema for the API, the autoscaler and the command line. */

/** "k of the last n": a side of the band fires only when `required` samples of the last `windowSeconds` breach it. */
const stickiness = z
  .strictObject({
    windowSeconds: wholeMinutes(),
    requiredSeconds: wholeMinutes(),
  })
  .superRefine((value, context) => {
    if (value.requiredSeconds <= value.windowSeconds) return;
    refuse(context, ['requiredSeconds'], {
      message: `${value.requiredSeconds} s can never be met inside a window of ${value.windowSeconds} s`,
      mend: `give at most ${value.windowSeconds}, or widen windowSeconds`,
    });
  });

/** How fast the wish may move: at most `percent` of what was wanted at the start of the period, or `instances`, whichever allows more. */
const stepLimit = z
  .strictObject({
    percent: z.number().min(0).max(100_000),
    instances: z.number().int().min(0).max(1_000_000),
    periodSeconds: z.number().int().min(1).max(3600),
  })
  .superRefine((value, context) => {
    if (value.percent > 0 || value.instances > 0) return;
    refuse(context, [], {
      message: 'a limit of 0 % and 0 instances never lets the count move',
      mend: 'give percent or instances above 0, or leave the limit out',
    });
  });

const WEEK_SECONDS = 7 * 86_400;
const upToAnHour = z.number().int().min(0).max(3600);

const guards = {
  /** No call for this long, and low load, before zero. */
  idleTimeoutSeconds: z.number().int().min(1).max(WEEK_SECONDS),
  /** Off: at least one instance, whatever the lower bound says. */
  scaleToZero: z.boolean(),
  /** A raise goes only as high as the lowest aim of this span; a lowering only as low as the highest. */
  stabilisationUpSeconds: upToAnHour,
  stabilisationDownSeconds: upToAnHour,
  /** No raise this long after the last raise; no lowering this long after any change. */
  cooldownUpSeconds: upToAnHour,
  cooldownDownSeconds: upToAnHour,
  stepUp: stepLimit.optional(),
  stepDown: stepLimit.optional(),
};

/** Per cent of capacity in use. Above 100 is legal: latency-derived signals count queued work too. */
const threshold = z.number().min(0).max(1000);

const stepsPolicySchema = z
  .strictObject({
    kind: z.literal('steps'),
    up: z.strictObject({ threshold, factor: z.number().gt(1).max(100), stickiness: stickiness.optional() }),
    down: z.strictObject({ threshold, factor: z.number().gt(0).lt(1), stickiness: stickiness.optional() }),
    /** Weight of older samples in the mean of the idle test: exp(-decay × age in minutes). */
    decay: z.number().min(0).max(10),
    ...guards,
  })
  .superRefine((value, context) => {
    // Compared in 32 bit, as they are used: two numbers that differ only beyond that are the same threshold.
    if (Math.fround(value.up.threshold) <= Math.fround(value.down.threshold)) {
      refuse(context, ['up', 'threshold'], {
        message: `the up threshold ${value.up.threshold} is not above the down threshold ${value.down.threshold}`,
        mend: 'leave room between them: raise up.threshold or lower down.threshold',
      });
    }
    for (const [side, better] of [
      ['up', 'above 1, such as 1.2'],
      ['down', 'below 1, such as 0.8'],
    ] as const) {
      const { factor } = value[side];
      // The schema keeps each on its own side of 1.
      if (Math.fround(factor) !== 1) continue;
      refuse(context, [side, 'factor'], {
        message: `${factor} is 1 in the 32-bit arithmetic of this policy`,
        mend: `give a factor clearly ${better}`,
      });
    }
  });

const targetPolicySchema = z.strictObject({
  kind: z.literal('target'),
  /** Share of an instance's concurrency to fill: 0.7 leaves three tenths free. */
  target: z.number().min(0.01).max(1),
  /** Span over which demand is averaged before it is divided; a newest sample above the average counts by itself. */
  windowSeconds: upToAnHour,
  ...guards,
});

export const policySchema = z.discriminatedUnion('kind', [stepsPolicySchema, targetPolicySchema]);

export const POLICY_KINDS: readonly Policy['kind'][] = policySchema.options.map(({ shape }) => shape.kind.value);

export type StepsPolicy = z.infer<typeof stepsPolicySchema>;
export type TargetPolicy = z.infer<typeof targetPolicySchema>;
/** `default`: the operator's default policy is for all, whatever the control plane names. */
export type PolicySource = 'control-plane' | 'default';

export type Policy = z.infer<typeof policySchema>;
export type StepLimit = z.infer<typeof stepLimit>;

/** The NVCF platform's own numbers and nothing besides, so that a deployment can move over and see no difference. */
const STEPS: StepsPolicy = {
  kind: 'steps',
  up: { threshold: 70, factor: 1.2 },
  down: { threshold: 30, factor: 0.8 },
  decay: 0,
  idleTimeoutSeconds: 1800,
  scaleToZero: true,
  stabilisationUpSeconds: 0,
  stabilisationDownSeconds: 0,
  cooldownUpSeconds: 0,
  cooldownDownSeconds: 0,
};

/** Why each number: docs/policies.md. */
const TARGET: TargetPolicy = {
  kind: 'target',
  target: 0.7,
  windowSeconds: 60,
  idleTimeoutSeconds: 600,
  scaleToZero: true,
  stabilisationUpSeconds: 0,
  stabilisationDownSeconds: 300,
  cooldownUpSeconds: 0,
  cooldownDownSeconds: 0,
  stepUp: { percent: 1000, instances: 50, periodSeconds: 60 },
  stepDown: { percent: 50, instances: 10, periodSeconds: 60 },
};

const DEFAULTS = { steps: STEPS, target: TARGET } as const;

export function defaultPolicy<Kind extends Policy['kind']>(kind: Kind): (typeof DEFAULTS)[Kind] {
  return DEFAULTS[kind];
}

/** The spans of samples that a policy looks back over, by their path in its document. */
export function windowsOf(policy: Policy): readonly { path: string; seconds: number }[] {
  switch (policy.kind) {
    case 'steps':
      return (['up', 'down'] as const).flatMap((side) => {
        const { stickiness: sticky } = policy[side];
        return sticky ? [{ path: `${side}.stickiness.windowSeconds`, seconds: sticky.windowSeconds }] : [];
      });
    case 'target':
      return [{ path: 'windowSeconds', seconds: policy.windowSeconds }];
    default:
      return policy satisfies never;
  }
}

const descriptions = new WeakMap<Policy, string>();

/** One short line for a decision. Kept per policy object, because most versions of a fleet share one. */
export function describePolicy(policy: Policy): string {
  const known = descriptions.get(policy);
  if (known !== undefined) return known;
  const text = describe(policy);
  descriptions.set(policy, text);
  return text;
}

function describe(policy: Policy): string {
  switch (policy.kind) {
    case 'steps':
      return describeSteps(policy);
    case 'target':
      return describeTarget(policy);
    default:
      return policy satisfies never;
  }
}

function describeSteps({ up, down, idleTimeoutSeconds, scaleToZero }: StepsPolicy): string {
  const side = (sign: string, { threshold, factor, stickiness: sticky }: StepsPolicy['up']) => {
    const spell = sticky ? ` for ${sticky.requiredSeconds / 60} of ${sticky.windowSeconds / 60} min` : '';
    return `${sign}${threshold} % × ${factor}${spell}`;
  };
  return `steps ${side('>', up)}, ${side('<', down)}, ${describeZero(scaleToZero, idleTimeoutSeconds)}`;
}

function describeTarget({ target, stabilisationDownSeconds, idleTimeoutSeconds, scaleToZero }: TargetPolicy): string {
  const slowly = stabilisationDownSeconds > 0 ? `, down after ${stabilisationDownSeconds} s` : '';
  return `target ${target}${slowly}, ${describeZero(scaleToZero, idleTimeoutSeconds)}`;
}

function describeZero(scaleToZero: boolean, idleTimeoutSeconds: number): string {
  return scaleToZero ? `zero after ${idleTimeoutSeconds} s idle` : 'never zero';
}

/** Durations of stickiness are counted in samples a minute apart, so anything finer would be cut off silently. */
function wholeMinutes() {
  return z
    .number()
    .int()
    .min(60)
    .max(3600)
    .superRefine((seconds, context) => {
      if (seconds % 60 === 0) return;
      refuse(context, [], {
        message: `${seconds} s is not whole minutes`,
        mend: `give ${Math.max(60, Math.floor(seconds / 60) * 60)} or ${Math.ceil(seconds / 60) * 60}`,
      });
    });
}

function refuse(context: z.RefinementCtx, path: string[], problem: { message: string; mend: string }): void {
  context.addIssue({ code: 'custom', path, message: problem.message, params: { mend: problem.mend } });
}

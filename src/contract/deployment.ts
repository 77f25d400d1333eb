import { z } from 'zod';
import type { FunctionStatus, Target } from '../domain/target.ts';
import {
  autoscalingConfigurationSchema,
  type ConfigurationPolicy,
  type ReceivedConfiguration,
} from './autoscaling-configuration.ts';
import { id, instanceCount } from './counts.ts';
import { describeFault, functionStatus, humanName, reportedConcurrency } from './fields.ts';

interface DeploymentSpecification {
  readonly gpuSpecificationId: string;
  readonly minInstances: number;
  readonly maxInstances: number;
  readonly maxRequestConcurrency: number;
  readonly autoscalingConfigurationPolicy: ConfigurationPolicy;
  readonly autoscalingConfiguration?: ReceivedConfiguration | undefined;
}

/** The answer to GET on a deployment. */
export interface DeploymentAnswer {
  readonly deployment: {
    readonly functionId: string;
    readonly functionVersionId: string;
    /** What people call it; shown, and used for nothing else. */
    readonly name?: string | undefined;
    readonly functionStatus: FunctionStatus;
    readonly deploymentId: string;
    readonly deploymentSpecifications: readonly DeploymentSpecification[];
  };
}

const specificationSchema = z.object({
  minInstances: instanceCount,
  maxInstances: instanceCount,
  maxRequestConcurrency: reportedConcurrency,
  autoscalingConfigurationPolicy: z.string().nullish(),
  autoscalingConfiguration: z.unknown().optional(),
});

const answerSchema = z.object({
  deployment: z.object({
    functionId: id,
    functionVersionId: id,
    name: humanName,
    functionStatus,
    // None at all would read as bounds of nothing, and nothing is what would then run.
    deploymentSpecifications: z.array(specificationSchema).min(1, 'must name at least one specification').max(1_000),
  }),
});

/** A deployment as one thing to scale. */
interface ReceivedDeployment extends Omit<Target, 'account' | 'policy' | 'instancesActive' | 'instancesPending'> {
  /** Undefined: the platform's policy holds. */
  readonly configuration: ReceivedConfiguration | undefined;
}

export type ParsedDeployment =
  | { readonly ok: true; readonly deployment: ReceivedDeployment }
  | { readonly ok: false; readonly detail: string };

/**
 * The asking side. One count is wished for per version, so the bounds of its specifications are added up and the smallest
 * concurrency counts. The policy is the first custom one in the order of the list; a second that differs is a contradiction.
 */
export function parseDeploymentAnswer(body: unknown): ParsedDeployment {
  const parsed = answerSchema.safeParse(body);
  if (!parsed.success) return { ok: false, detail: describeFault(parsed.error, 'the answer') };
  const { functionId, functionVersionId, name, functionStatus, deploymentSpecifications } = parsed.data.deployment;
  const custom = deploymentSpecifications.flatMap((specification) => customOf(specification));
  const configurations = custom.map((each) => autoscalingConfigurationSchema.safeParse(each));
  const bad = configurations.find(({ success }) => !success)?.error?.issues[0];
  if (bad) return { ok: false, detail: `autoscalingConfiguration.${bad.path.join('.')}: ${bad.message}` };
  const [first, ...others] = configurations.flatMap(({ data }) => data ?? []);
  if (others.some((other) => JSON.stringify(other) !== JSON.stringify(first))) {
    return { ok: false, detail: 'its specifications carry different custom policies; give all of them the same' };
  }
  const sum = (pick: (specification: z.infer<typeof specificationSchema>) => number) =>
    deploymentSpecifications.reduce((total, specification) => total + pick(specification), 0);
  return {
    ok: true,
    deployment: {
      functionId,
      versionId: functionVersionId,
      name,
      status: functionStatus,
      instancesMin: sum(({ minInstances }) => minInstances),
      instancesMax: sum(({ maxInstances }) => maxInstances),
      concurrency: Math.min(...deploymentSpecifications.map(({ maxRequestConcurrency }) => maxRequestConcurrency)),
      configuration: first,
    },
  };
}

/** Where the word is missing, a configuration that is there is meant. */
function customOf({
  autoscalingConfigurationPolicy: policy,
  autoscalingConfiguration,
}: z.infer<typeof specificationSchema>): unknown[] {
  if (policy === 'PLATFORM_CONFIGURATION') return [];
  return autoscalingConfiguration === undefined || autoscalingConfiguration === null ? [] : [autoscalingConfiguration];
}

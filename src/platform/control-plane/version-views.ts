import {
  configurationOfPolicy,
  policyOfConfiguration,
  type ReceivedConfiguration,
} from '../../contract/autoscaling-configuration.ts';
import type { DeploymentAnswer } from '../../contract/deployment.ts';
import type { ScalingTarget } from '../../contract/scaling-targets.ts';
import { parsePolicy } from '../../domain/parse-policy.ts';
import type { Pools } from '../model/pool-snapshot.ts';
import type { RegisteredVersion } from '../registry/registered-version.ts';
import type { Registry } from '../registry/registry.ts';
import type { StartWatch } from './start-watch.ts';
import { countInstances, currentStatus } from './version-status.ts';

/** The longest stickiness window of the wire's own rules. */
export const LOOK_BACK_SECONDS = 3_600;

interface Sources {
  readonly registry: Registry;
  readonly pools: Pools;
  readonly starts: StartWatch;
}

/** A version as a row of the scaling targets. */
export function targetView(version: RegisteredVersion, sources: Sources): ScalingTarget {
  const { active, pending } = countInstances(sources.pools.of(version.versionId));
  const policy = policyDocumentOf(version);
  return {
    functionId: version.functionId,
    functionVersionId: version.versionId,
    account: version.account,
    name: sources.registry.find(version.functionId)?.name,
    functionStatus: currentStatus(version, sources).status,
    minInstances: version.pool.instancesMin,
    maxInstances: version.pool.instancesMax,
    maxRequestConcurrency: version.launch.concurrency,
    ...(policy === undefined ? {} : { policy }),
    activeInstances: active,
    pendingInstances: pending,
  };
}

/** A version as a deployment with its one specification. */
export function deploymentView(version: RegisteredVersion, sources: Sources): DeploymentAnswer {
  const configuration = configurationOf(version);
  return {
    deployment: {
      functionId: version.functionId,
      functionVersionId: version.versionId,
      name: sources.registry.find(version.functionId)?.name,
      functionStatus: currentStatus(version, sources).status,
      deploymentId: version.deploymentId,
      deploymentSpecifications: [
        {
          gpuSpecificationId: version.specificationId,
          minInstances: version.pool.instancesMin,
          maxInstances: version.pool.instancesMax,
          maxRequestConcurrency: version.launch.concurrency,
          autoscalingConfigurationPolicy: configuration ? 'CUSTOM_CONFIGURATION' : 'PLATFORM_CONFIGURATION',
          ...(configuration ? { autoscalingConfiguration: configuration } : {}),
        },
      ],
    },
  };
}

/** The policy as a document of the autoscaler's own schema; undefined: its default holds. */
function policyDocumentOf({ configuration, policy }: RegisteredVersion): unknown {
  if (!configuration) return policy;
  const read = policyOfConfiguration(configuration, { lookBackSeconds: LOOK_BACK_SECONDS, base: undefined });
  return read.ok ? read.policy : undefined;
}

/** A policy that was given here shows on this part of the wire where it has a form there. */
function configurationOf({
  configuration,
  policy,
}: RegisteredVersion): DeploymentAnswer['deployment']['deploymentSpecifications'][number]['autoscalingConfiguration'] {
  if (configuration) return withoutNulls(configuration) as ReturnType<typeof configurationOfPolicy>;
  if (policy === undefined) return undefined;
  const read = parsePolicy(policy, { lookBackSeconds: LOOK_BACK_SECONDS });
  return read.ok && read.policy.kind === 'steps' ? configurationOfPolicy(read.policy) : undefined;
}

export function withoutNulls(configuration: ReceivedConfiguration): ReceivedConfiguration {
  return JSON.parse(JSON.stringify(configuration, (_, value: unknown) => value ?? undefined)) as ReceivedConfiguration;
}

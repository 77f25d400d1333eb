import {
  configurationOfPolicy,
  policyOfConfiguration,
  type ReceivedConfiguration,
} from '../../../contract/autoscaling-configuration.ts';
import type { DeploymentAnswer } from '../../../contract/deployment.ts';
import { parsePolicy } from '../../../domain/parse-policy.ts';
import type { RegisteredVersion } from '../../registry/registered-version.ts';

/** The longest stickiness window of the wire's own rules. */
export const LOOK_BACK_SECONDS = 3_600;

/** The policy as a document of the autoscaler's own schema; undefined: its default holds. */
export function policyDocumentOf({ configuration, policy }: RegisteredVersion): unknown {
  if (!configuration) return policy;
  const read = policyOfConfiguration(configuration, { lookBackSeconds: LOOK_BACK_SECONDS, base: undefined });
  return read.ok ? read.policy : undefined;
}

/** A policy that was given here shows on this part of the wire where it has a form there. */
export function configurationOf({
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

import { Access } from '../adapters/kubernetes/access.ts';
import { ApiClient } from '../adapters/kubernetes/api-client.ts';
import { ClusterView } from '../adapters/kubernetes/cluster-view.ts';
import { KubernetesTargetSource } from '../adapters/kubernetes/kubernetes-target-source.ts';
import { KubernetesWishSender } from '../adapters/kubernetes/kubernetes-wish-sender.ts';
import type { Config } from '../config/config.ts';
import type { ConnectionTools } from './connection-tools.ts';
import { type ControlPlane, policyReading, WISHES_TEXT } from './control-plane.ts';
import { openActuator } from './open-actuator.ts';

export interface KubernetesControlPlane extends ControlPlane {
  readonly access: Access;
  readonly client: ApiClient;
  readonly view: ClusterView;
  readonly targets: KubernetesTargetSource;
}

/** Deployments and StatefulSets, by the Kubernetes API. */
export function openKubernetes(config: Config, { clock, random, meters }: ConnectionTools): KubernetesControlPlane {
  const { controlPlane } = config;
  const { kubeconfigFile, context, namespaces } = controlPlane.kubernetes;
  const access = new Access({ clock, random, kubeconfigFile, context });
  const client = new ApiClient({
    access,
    clock,
    meters,
    userAgent: controlPlane.userAgent,
    connectionsMax: controlPlane.connections,
  });
  const view = new ClusterView({
    client,
    clock,
    random,
    namespacesOf: async () => {
      if (namespaces.includes('*')) return undefined;
      return namespaces.length > 0 ? [...new Set(namespaces)] : [(await access.current()).namespace];
    },
    timeoutMs: controlPlane.targetsTimeoutMs,
    ...policyReading(config),
  });
  const sender = new KubernetesWishSender({ client, view, clock, random });
  const actuator = openActuator(sender, config, { clock, random, meters });
  const targets = new KubernetesTargetSource({ view, clock, meters, timeoutMs: controlPlane.targetsTimeoutMs });
  return {
    access,
    client,
    view,
    actuator,
    targets,
    shareRate: (members) => actuator.setLiveMembers(members),
    check: async () => {
      const wishes = actuator.status();
      if ((wishes.lastErrorWallMs ?? 0) > (wishes.lastSuccessWallMs ?? 0)) throw new Error(wishes.lastError);
      // It has not been asked so far, so nothing is wrong.
      if (!view.isStarted) return 'not asked yet';
      const trouble = view.trouble();
      if (trouble !== '') throw new Error(trouble);
      if (wishes.isDryRun) return 'dry run: nothing is sent';
      return `${WISHES_TEXT[wishes.breaker]}, ${view.index.size} workloads`;
    },
    close: () => {
      view.close();
      client.close();
    },
  };
}

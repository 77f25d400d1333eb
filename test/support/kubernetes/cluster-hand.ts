/** What a test does to a cluster with its own hands, over the same API that is there for everybody. */
export class ClusterHand {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async ask<Body = KubeObject>(
    method: string,
    path: string,
    body?: unknown,
    contentType = 'application/json',
  ): Promise<{ status: number; body: Body }> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: { 'content-type': contentType },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Body };
  }

  async must<Body = KubeObject>(method: string, path: string, body?: unknown, contentType?: string): Promise<Body> {
    const answer = await this.ask<Body>(method, path, body, contentType);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  merge(path: string, patch: unknown): Promise<KubeObject> {
    return this.must('PATCH', path, patch, 'application/merge-patch+json');
  }
}

export interface KubeObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly replicas: number; readonly template: unknown };
  readonly status?: { readonly readyReplicas?: number };
}

export interface WorkloadSeed {
  readonly name: string;
  readonly kind?: 'Deployment' | 'StatefulSet';
  readonly namespace?: string;
  readonly versionId?: string;
  readonly replicas?: number;
  readonly annotations?: Readonly<Record<string, string | undefined>>;
}

export function pathOf({ kind = 'Deployment', namespace = 'default', name }: WorkloadSeed): string {
  return `${collectionOf({ kind, namespace })}/${name}`;
}

export function collectionOf({ kind = 'Deployment', namespace = 'default' }: Partial<WorkloadSeed>): string {
  return `/apis/apps/v1/namespaces/${namespace}/${kind === 'Deployment' ? 'deployments' : 'statefulsets'}`;
}

export function manifestOf(seed: WorkloadSeed): object {
  const { name, kind = 'Deployment', namespace = 'default', versionId = name, replicas = 1, annotations = {} } = seed;
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: {
      name,
      namespace,
      labels: { ...labels, ...(versionId === '' ? {} : { 'starling.dev/function-version': versionId }) },
      annotations: { 'starling.dev/max-instances': '20', 'starling.dev/min-instances': '0', ...annotations },
    },
    spec: {
      replicas,
      ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'function', image: 'registry.example/function:1' }] },
      },
    },
  };
}

export function scalerOf(name: string, target: WorkloadSeed): object {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, namespace: target.namespace ?? 'default' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: target.kind ?? 'Deployment', name: target.name },
      minReplicas: 1,
      maxReplicas: 3,
    },
  };
}

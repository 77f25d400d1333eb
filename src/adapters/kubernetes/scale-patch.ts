import { formatToken } from '../../contract/fencing.ts';
import type { Wish } from '../../domain/actuation.ts';
import { MARKS, WORKLOADS, type Workload } from './workload.ts';

export interface ScalePatch {
  readonly replicas: number;
  /** The wish was outside the bounds of the workload. */
  readonly isBounded: boolean;
  readonly request: { readonly contentType: string; readonly body: unknown };
}

/** Who the API server's books say it was. */
const MANAGER = 'starling';

/**
 * Replicas and token in one write of the workload itself: its `/scale` has no annotations to put a token in. The
 * `resourceVersion` makes it conditional: a merge patch that names one is refused with 409 and never retried by the server.
 */
export function scalePatch(workload: Workload, wish: Pick<Wish, 'wanted' | 'token'>): ScalePatch {
  const { instancesMin, instancesMax, resourceVersion } = workload;
  const replicas = Math.min(instancesMax, Math.max(instancesMin, wish.wanted));
  return {
    replicas,
    isBounded: replicas !== wish.wanted,
    request: {
      contentType: 'application/merge-patch+json',
      body: {
        metadata: {
          resourceVersion,
          annotations: { [MARKS.token]: formatToken(wish.token), [MARKS.wanted]: String(wish.wanted) },
        },
        spec: { replicas },
      },
    },
  };
}

export function workloadPath({ kind, namespace, name }: Pick<Workload, 'kind' | 'namespace' | 'name'>): string {
  const [inside, own] = [namespace, name].map(encodeURIComponent);
  return `/apis/apps/v1/namespaces/${inside}/${WORKLOADS[kind]}/${own}?fieldManager=${MANAGER}`;
}

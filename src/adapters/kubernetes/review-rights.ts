import { z } from 'zod';
import type { ApiClient } from './api-client.ts';
import { describeResult } from './api-failure.ts';

const reviewSchema = z.object({ status: z.object({ allowed: z.boolean() }) });

const NEEDED = [
  { group: 'apps', resource: 'deployments', verbs: ['list', 'watch', 'get', 'patch'] },
  { group: 'apps', resource: 'statefulsets', verbs: ['list', 'watch', 'get', 'patch'] },
  { group: 'autoscaling', resource: 'horizontalpodautoscalers', verbs: ['list', 'watch'] },
] as const;

/** Which of the rights that we need the API server would not grant: "patch deployments", …; everybody may ask this. */
export async function rightsLacking(
  client: ApiClient,
  { namespace, signal }: { namespace: string | undefined; signal: AbortSignal },
): Promise<string[]> {
  const asked = NEEDED.flatMap(({ group, resource, verbs }) => verbs.map((verb) => ({ group, resource, verb })));
  const lacking = await Promise.all(
    asked.map(async ({ group, resource, verb }) => {
      const resourceAttributes = { group, resource, verb, ...(namespace === undefined ? {} : { namespace }) };
      const result = await client.request({
        call: 'review',
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } },
        signal,
      });
      const review = reviewSchema.safeParse(result.arrival === 'answered' ? result.body : undefined);
      if (!review.success) throw describeResult(result, 'create', 'selfsubjectaccessreviews');
      return review.data.status.allowed ? [] : [`${verb} ${resource}`];
    }),
  );
  return lacking.flat();
}

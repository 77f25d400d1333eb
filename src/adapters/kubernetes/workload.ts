import { z } from 'zod';
import { parseToken } from '../../contract/fencing.ts';
import type { FencingToken } from '../../domain/fencing-token.ts';
import { isUsableId } from '../../domain/function-version.ts';
import type { Policy } from '../../domain/policy.ts';
import type { Target } from '../../domain/target.ts';

/** What people say on an object, and what we write there. Explained in docs/kubernetes-control-plane.md. */
export const MARKS = {
  version: 'starling.dev/function-version',
  functionId: 'starling.dev/function',
  account: 'starling.dev/account',
  min: 'starling.dev/min-instances',
  max: 'starling.dev/max-instances',
  concurrency: 'starling.dev/concurrency',
  policy: 'starling.dev/policy',
  scaling: 'starling.dev/scaling',
  token: 'starling.dev/fencing-token',
  wanted: 'starling.dev/wanted',
} as const;

export const WORKLOADS = { Deployment: 'deployments', StatefulSet: 'statefulsets' } as const;
export type WorkloadKind = keyof typeof WORKLOADS;

/** One Deployment or StatefulSet that says which function version it runs. */
export interface Workload {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string;
  readonly versionId: string;
  /** Undefined: it does not say. */
  readonly functionId: string | undefined;
  readonly account: string | undefined;
  readonly isOn: boolean;
  /** Deleted, and only waiting for its end. */
  readonly isLeaving: boolean;
  readonly instancesMin: number;
  readonly instancesMax: number;
  readonly concurrency: number;
  readonly policy: Policy | undefined;
  /** How many it should have, by its spec. */
  readonly replicas: number;
  /** Undefined while no controller has looked at it. */
  readonly ready: number | undefined;
  /** The last wish that was written. */
  readonly stored: { readonly token: FencingToken; readonly wanted: number } | undefined;
  /** Why it cannot be scaled, with what to do; empty when it can. */
  readonly fault: string;
}

export type ReadPolicyText = (
  text: string,
) => { readonly ok: true; readonly policy: Policy | undefined } | { readonly ok: false; readonly detail: string };

const objectSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    resourceVersion: z.string(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
    deletionTimestamp: z.string().optional(),
  }),
  spec: z.object({ replicas: z.number().optional() }),
  status: z.object({ observedGeneration: z.number().optional(), readyReplicas: z.number().optional() }).optional(),
});

const COUNT_MAX = 1_000_000;

/** Undefined when it is none of ours, or no such object at all. */
export function parseWorkload(kind: WorkloadKind, object: unknown, readPolicy: ReadPolicyText): Workload | undefined {
  const parsed = objectSchema.safeParse(object);
  if (!parsed.success) return undefined;
  const { metadata, spec, status } = parsed.data;
  const { labels = {}, annotations = {} } = metadata;
  // An annotation carries what a label cannot: more than 63 characters, or other ones.
  const said = (mark: string) => annotations[mark] ?? labels[mark];
  const versionId = said(MARKS.version);
  if (labels[MARKS.version] === undefined || versionId === undefined) return undefined;
  const faults: string[] = [];
  const count = (mark: string, fallback: number | undefined, least: number): number => {
    const text = said(mark);
    if (text === undefined && fallback !== undefined) return fallback;
    if (text === undefined) faults.push(`it has no annotation ${mark}: add it, a whole number`);
    else if (/^[0-9]{1,7}$/.test(text) && Number(text) >= least && Number(text) <= COUNT_MAX) return Number(text);
    else faults.push(`its ${mark} is ${show(text)}: give a whole number from ${least} to ${COUNT_MAX}`);
    return least;
  };
  const instancesMin = count(MARKS.min, 1, 0);
  const instancesMax = count(MARKS.max, undefined, 1);
  const concurrency = count(MARKS.concurrency, 1, 1);
  if (faults.length === 0 && instancesMin > instancesMax) {
    faults.push(`its ${MARKS.min} (${instancesMin}) is more than its ${MARKS.max} (${instancesMax}): lower the one`);
  }
  const scaling = said(MARKS.scaling) ?? 'on';
  if (scaling !== 'on' && scaling !== 'off') faults.push(`its ${MARKS.scaling} is ${show(scaling)}: say on or off`);
  if (!isUsableId(versionId)) faults.push(`its ${MARKS.version} is no id: give 1 to 255 characters`);
  const policyText = annotations[MARKS.policy];
  const policy = policyText === undefined ? undefined : readPolicy(policyText);
  if (policy && !policy.ok) faults.push(`its ${MARKS.policy} is refused: ${policy.detail}`);
  const stored = readStored(annotations);
  if (stored === 'broken') {
    faults.push(
      `its ${MARKS.token} is ${show(annotations[MARKS.token] ?? '')}, which is no token: remove that annotation`,
    );
  }
  return {
    kind,
    namespace: metadata.namespace,
    name: metadata.name,
    resourceVersion: metadata.resourceVersion,
    versionId,
    functionId: said(MARKS.functionId),
    account: said(MARKS.account),
    isOn: scaling === 'on',
    isLeaving: metadata.deletionTimestamp !== undefined,
    instancesMin,
    instancesMax,
    concurrency,
    policy: policy?.ok ? policy.policy : undefined,
    // The API server fills it in; an object without it has one.
    replicas: spec.replicas ?? 1,
    ready: status?.observedGeneration === undefined ? undefined : (status.readyReplicas ?? 0),
    stored: stored === 'broken' ? undefined : stored,
    fault: faults.join('; '),
  };
}

export function nameOf({ kind, namespace, name }: Pick<Workload, 'kind' | 'namespace' | 'name'>): string {
  return `${kind} ${namespace}/${name}`;
}

export function countsOf({ ready, replicas }: Workload): Pick<Target, 'instancesActive' | 'instancesPending'> {
  return { instancesActive: ready, instancesPending: ready === undefined ? undefined : Math.max(0, replicas - ready) };
}

function readStored(annotations: Readonly<Record<string, string>>): Workload['stored'] | 'broken' {
  const text = annotations[MARKS.token];
  if (text === undefined) return undefined;
  const token = parseToken(text);
  if (token === undefined) return 'broken';
  // Without a readable wish beside it, no other wish is the same.
  return { token, wanted: Number(annotations[MARKS.wanted] ?? Number.NaN) };
}

function show(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 39)}…` : text);
}

import { z } from 'zod';
import { nameOf, parseWorkload, type ReadPolicyText, type Workload, type WorkloadKind } from './workload.ts';

const scalerSchema = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string(), deletionTimestamp: z.string().optional() }),
  spec: z.object({
    scaleTargetRef: z.object({ kind: z.string(), name: z.string(), apiVersion: z.string().optional() }),
  }),
});

/** What the watches last reported, indexed by name and by version. */
export class WorkloadIndex {
  readonly #readPolicy: ReadPolicyText;
  readonly #byName = new Map<string, Workload>();
  readonly #byVersion = new Map<string, Map<string, Workload>>();
  /** The workload that each HorizontalPodAutoscaler scales, by its own name; and the way back. */
  readonly #scaled = new Map<string, string>();
  readonly #scalers = new Map<string, Set<string>>();

  constructor(readPolicy: ReadPolicyText) {
    this.#readPolicy = readPolicy;
  }

  get size(): number {
    return this.#byName.size;
  }

  all(): IterableIterator<Workload> {
    return this.#byName.values();
  }

  ofVersion(versionId: string): readonly Workload[] {
    return [...(this.#byVersion.get(versionId)?.values() ?? [])];
  }

  /** The HorizontalPodAutoscaler that scales it, for people. */
  scalerOf(workload: Pick<Workload, 'kind' | 'namespace' | 'name'>): string | undefined {
    return this.#scalers.get(nameOf(workload))?.values().next().value;
  }

  /** Undefined: it is none of ours any more. */
  read(kind: WorkloadKind, object: unknown): Workload | undefined {
    return parseWorkload(kind, object, this.#readPolicy);
  }

  /** Everything of one kind in one namespace (undefined: in all). */
  replaceWorkloads(kind: WorkloadKind, namespace: string | undefined, objects: readonly unknown[]): void {
    const left = new Set<string>();
    for (const [name, workload] of this.#byName) {
      if (workload.kind === kind && (namespace === undefined || workload.namespace === namespace)) left.add(name);
    }
    for (const object of objects) {
      const name = this.putWorkload(kind, object);
      if (name !== undefined) left.delete(name);
    }
    for (const name of left) this.#drop(name);
  }

  /** The name that it goes by here. */
  putWorkload(kind: WorkloadKind, object: unknown): string | undefined {
    const workload = this.read(kind, object);
    if (!workload) {
      this.dropWorkload(kind, object);
      return undefined;
    }
    const name = nameOf(workload);
    this.#drop(name);
    this.#byName.set(name, workload);
    const ofVersion = this.#byVersion.get(workload.versionId) ?? new Map<string, Workload>();
    this.#byVersion.set(workload.versionId, ofVersion.set(name, workload));
    return name;
  }

  dropWorkload(kind: WorkloadKind, object: unknown): void {
    const named = namedSchema.safeParse(object);
    if (named.success) this.#drop(nameOf({ kind, ...named.data.metadata }));
  }

  replaceScalers(namespace: string | undefined, objects: readonly unknown[]): void {
    for (const scaler of [...this.#scaled.keys()]) {
      if (namespace === undefined || scaler.startsWith(`${SCALER} ${namespace}/`)) this.#dropScaler(scaler);
    }
    for (const object of objects) this.putScaler(object);
  }

  putScaler(object: unknown): void {
    const parsed = scalerSchema.safeParse(object);
    if (!parsed.success) return;
    const { metadata, spec } = parsed.data;
    const { kind, name, apiVersion } = spec.scaleTargetRef;
    const own = `${SCALER} ${metadata.namespace}/${metadata.name}`;
    const isOurs = (kind === 'Deployment' || kind === 'StatefulSet') && (apiVersion ?? 'apps/').startsWith('apps/');
    this.#dropScaler(own);
    if (!isOurs) return;
    const target = nameOf({ kind, namespace: metadata.namespace, name });
    this.#scaled.set(own, target);
    this.#scalers.set(target, (this.#scalers.get(target) ?? new Set()).add(own));
  }

  dropScaler(object: unknown): void {
    const named = namedSchema.safeParse(object);
    if (named.success) this.#dropScaler(`${SCALER} ${named.data.metadata.namespace}/${named.data.metadata.name}`);
  }

  #dropScaler(own: string): void {
    const target = this.#scaled.get(own);
    if (target === undefined) return;
    this.#scaled.delete(own);
    const ofTarget = this.#scalers.get(target);
    ofTarget?.delete(own);
    if (ofTarget?.size === 0) this.#scalers.delete(target);
  }

  #drop(name: string): void {
    const workload = this.#byName.get(name);
    if (!workload) return;
    this.#byName.delete(name);
    const ofVersion = this.#byVersion.get(workload.versionId);
    ofVersion?.delete(name);
    if (ofVersion?.size === 0) this.#byVersion.delete(workload.versionId);
  }
}

const SCALER = 'HorizontalPodAutoscaler';
const namedSchema = z.object({ metadata: z.object({ name: z.string(), namespace: z.string() }) });

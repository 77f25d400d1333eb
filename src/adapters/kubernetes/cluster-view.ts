import type { FunctionVersion } from '../../domain/function-version.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import type { ApiClient } from './api-client.ts';
import { type PolicyReaderOptions, policyReader } from './policy-text.ts';
import { Reflector, type ReflectorStatus } from './reflector.ts';
import { MARKS, nameOf, WORKLOADS, type Workload, type WorkloadKind } from './workload.ts';
import { WorkloadIndex } from './workload-index.ts';

export interface ClusterViewOptions extends PolicyReaderOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  /** Asked once, at the start. Undefined: all of them. */
  readonly namespacesOf: () => Promise<readonly string[] | undefined>;
  readonly timeoutMs: number;
}

export type Found = { readonly state: 'found'; readonly workload: Workload; readonly ageMs: number } | Absence;

export type Absence =
  /** Everything was looked through, and it is not there. */
  | { readonly state: 'gone'; readonly detail: string }
  /** It is there and must not be scaled by us, or nobody can tell whether it may be; says what to do. */
  | { readonly state: 'barred'; readonly detail: string }
  /** Not everything can be seen now. */
  | { readonly state: 'unseen'; readonly detail: string };

const UNASKED = 'the Kubernetes API has not been asked yet';
/** A watch that has been silent for longer does not prove that something is not there. */
const PROOF_MAX_MS = 180_000;
const SCALERS = 'HorizontalPodAutoscaler';
const KINDS = Object.keys(WORKLOADS) as WorkloadKind[];

/** What the cluster says, kept up to date by watches: workloads that carry a version, and what else scales them. */
export class ClusterView {
  readonly #options: ClusterViewOptions;
  readonly #index: WorkloadIndex;
  readonly #running = new AbortController();
  /** By what they watch and where: a kind, or SCALERS, and a namespace, or nothing for all. There may be hundreds. */
  #watches: ReadonlyMap<string, Reflector> = new Map();
  #starting: Promise<void> | undefined;
  #noStart: string = UNASKED;

  constructor(options: ClusterViewOptions) {
    this.#options = options;
    this.#index = new WorkloadIndex(policyReader(options));
  }

  get index(): WorkloadIndex {
    return this.#index;
  }

  get isStarted(): boolean {
    return this.#starting !== undefined || this.#noStart !== UNASKED;
  }

  /** Resolves when each list has been tried once. The watches run until `close`. */
  async start(): Promise<void> {
    this.#starting ??= this.#open();
    try {
      await this.#starting;
    } catch (error) {
      // Without credentials there is nothing to watch yet; the next one to ask tries again.
      this.#starting = undefined;
      this.#noStart = (error as Error).message;
      return;
    }
    await Promise.all(Array.from(this.#watches.values(), ({ tried }) => tried));
  }

  /** Those that are watched; undefined: all. */
  namespaces(): Promise<readonly string[] | undefined> {
    return this.#options.namespacesOf();
  }

  close(): void {
    this.#running.abort();
  }

  /** Why the view is not whole, or no longer sure; empty while it is. */
  trouble(): string {
    return this.troubles()[0] ?? '';
  }

  troubles(): string[] {
    if (this.#watches.size === 0) return [this.#noStart];
    return Array.from(this.#watches.values(), (reflector) => troubleOf(reflector.status())).filter(
      (trouble) => trouble !== '',
    );
  }

  find(version: Pick<FunctionVersion, 'versionId'> & Partial<FunctionVersion>): Found {
    const { versionId } = version;
    const [workload, other] = this.#index.ofVersion(versionId);
    if (!workload) {
      const trouble = this.trouble();
      if (trouble !== '') return { state: 'unseen', detail: trouble };
      return {
        state: 'gone',
        detail: `no Deployment or StatefulSet has the label ${MARKS.version} ${versionId}; put it on the one that runs this version`,
      };
    }
    if (other) {
      return {
        state: 'barred',
        detail: `${nameOf(workload)} and ${nameOf(other)} both say that they run it: keep ${MARKS.version} on one of them`,
      };
    }
    const barrier = this.barrierOf(workload, version);
    if (barrier) return barrier;
    return { state: 'found', workload, ageMs: this.#ageMs(workload) };
  }

  /** Why a workload must not be scaled by us; undefined when it may. */
  barrierOf(workload: Workload, version: Partial<FunctionVersion>): Absence | undefined {
    const name = nameOf(workload);
    if (workload.isLeaving) return { state: 'gone', detail: `${name} is being deleted` };
    if (workload.fault !== '') return { state: 'barred', detail: `${name}: ${workload.fault}` };
    const mismatch = mismatchOf(workload, version);
    if (mismatch !== undefined) return { state: 'barred', detail: `${name}: ${mismatch}` };
    const scaler = this.#index.scalerOf(workload);
    if (scaler !== undefined) {
      return {
        state: 'barred',
        detail: `${name} is scaled by ${scaler}, and two would undo each other's work: delete that, or take the label ${MARKS.version} off`,
      };
    }
    const scalers = this.#watchOf(SCALERS, workload)?.status();
    // Where there is no news of the workload itself either, the whole server is away: then what is known ages, and nothing is written.
    const isDeaf = (scalers?.silentMs ?? 0) > PROOF_MAX_MS && this.#ageMs(workload) <= PROOF_MAX_MS;
    if (!scalers?.isSynced || isDeaf) {
      const why = scalers?.trouble || 'HorizontalPodAutoscalers have not been listed yet';
      return { state: 'barred', detail: `${name}: nobody can tell whether something else scales it: ${why}` };
    }
    return undefined;
  }

  async #open(): Promise<void> {
    const namespaces: readonly (string | undefined)[] = (await this.#options.namespacesOf()) ?? [undefined];
    this.#watches = new Map(namespaces.flatMap((namespace) => this.#watchesIn(namespace)));
    for (const reflector of this.#watches.values()) void reflector.run(this.#running.signal);
  }

  #watchesIn(namespace: string | undefined): [key: string, Reflector][] {
    const index = this.#index;
    const inside = namespace === undefined ? '' : `namespaces/${encodeURIComponent(namespace)}/`;
    const place = namespace === undefined ? 'in all namespaces' : `in namespace ${namespace}`;
    const workloads = KINDS.map((kind): [string, Reflector] => {
      const reflector = new Reflector({
        ...this.#options,
        path: `/apis/apps/v1/${inside}${WORKLOADS[kind]}`,
        what: `${WORKLOADS[kind]} ${place}`,
        labelSelector: MARKS.version,
        onReplaced: (items) => index.replaceWorkloads(kind, namespace, items),
        onPut: (item) => index.putWorkload(kind, item),
        onDeleted: (item) => index.dropWorkload(kind, item),
      });
      return [keyOf(kind, namespace), reflector];
    });
    const scalers = new Reflector({
      ...this.#options,
      path: `/apis/autoscaling/v2/${inside}horizontalpodautoscalers`,
      what: `horizontalpodautoscalers ${place}`,
      onReplaced: (items) => index.replaceScalers(namespace, items),
      onPut: (item) => index.putScaler(item),
      onDeleted: (item) => index.dropScaler(item),
    });
    return [...workloads, [keyOf(SCALERS, namespace), scalers]];
  }

  #ageMs(workload: Workload): number {
    return Math.max(0, this.#watchOf(workload.kind, workload)?.status().silentMs ?? Number.POSITIVE_INFINITY);
  }

  #watchOf(kind: WorkloadKind | typeof SCALERS, { namespace }: Workload): Reflector | undefined {
    return this.#watches.get(keyOf(kind, namespace)) ?? this.#watches.get(keyOf(kind, undefined));
  }
}

function keyOf(kind: WorkloadKind | typeof SCALERS, namespace: string | undefined): string {
  return `${kind} ${namespace ?? ''}`;
}

function troubleOf({ isSynced, silentMs, trouble }: ReflectorStatus): string {
  if (trouble !== '') return trouble;
  if (!isSynced) return UNASKED;
  return silentMs > PROOF_MAX_MS ? `the Kubernetes API has said nothing for ${Math.round(silentMs / 1000)} s` : '';
}

function mismatchOf(workload: Workload, { functionId, account }: Partial<FunctionVersion>): string | undefined {
  const check = (mark: string, said: string | undefined, wanted: string | undefined) =>
    said === undefined || wanted === undefined || said === wanted
      ? undefined
      : `its ${mark} is ${JSON.stringify(said)}, and the metrics of this version say ${JSON.stringify(wanted)}: make them the same`;
  return check(MARKS.functionId, workload.functionId, functionId) ?? check(MARKS.account, workload.account, account);
}

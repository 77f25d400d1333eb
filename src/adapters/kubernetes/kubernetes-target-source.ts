import type { FunctionVersion } from '../../domain/function-version.ts';
import type { Target } from '../../domain/target.ts';
import type { Clock } from '../../lib/clock.ts';
import { withDeadline } from '../../lib/deadline.ts';
import type { TargetAnswer, TargetSource } from '../../ports/target-source.ts';
import { type Meters, silentMeters } from '../../telemetry/meters.ts';
import type { ClusterView } from './cluster-view.ts';
import { countsOf, type Workload } from './workload.ts';

export interface KubernetesTargetSourceOptions {
  readonly view: ClusterView;
  readonly clock: Clock;
  readonly meters?: Meters | undefined;
  /** How long the first refresh waits for the lists. */
  readonly timeoutMs: number;
}

/** A version that nobody asked for this long is dropped from memory. */
const FORGET_AFTER_MS = 900_000;

interface Asked {
  version: FunctionVersion;
  askedMs: number;
  /** What the target was made from: the same news is the same object. */
  made: { readonly workload: Workload; readonly target: Target } | undefined;
}

/** Bounds, policies and counts, as the workloads in the cluster state them. */
export class KubernetesTargetSource implements TargetSource {
  readonly #options: KubernetesTargetSourceOptions;
  readonly #meters: Meters;
  readonly #asked = new Map<string, Asked>();
  #sweptMs: number;

  constructor(options: KubernetesTargetSourceOptions) {
    this.#options = options;
    this.#meters = options.meters ?? silentMeters;
    this.#sweptMs = options.clock.monotonicMs();
  }

  /** Watches keep it up to date by themselves: this waits for the first lists, and returns the state. */
  async refresh(versions: readonly FunctionVersion[], signal?: AbortSignal): Promise<{ ok: boolean; detail: string }> {
    const { view, clock, timeoutMs } = this.#options;
    this.#ask(versions);
    try {
      await withDeadline({ clock, what: 'the first look at the cluster', afterMs: timeoutMs, signal }, () =>
        view.start(),
      );
    } catch (error) {
      return { ok: false, detail: (error as Error).message };
    }
    this.#measure();
    const detail = view.trouble();
    return { ok: detail === '', detail };
  }

  get(versionId: string): TargetAnswer {
    const asked = this.#asked.get(versionId);
    const found = this.#options.view.find(asked?.version ?? { versionId });
    switch (found.state) {
      case 'gone':
      case 'barred':
        return found;
      case 'unseen':
        return { state: 'unknown', detail: found.detail };
      case 'found': {
        const { workload, ageMs } = found;
        if (asked?.made?.workload === workload) return { state: 'known', target: asked.made.target, ageMs };
        const target = targetOf(workload, asked?.version);
        if (asked) asked.made = { workload, target };
        return { state: 'known', target, ageMs };
      }
      default:
        return found satisfies never;
    }
  }

  #ask(versions: readonly FunctionVersion[]): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const version of versions) {
      const { versionId, functionId, account } = version;
      const asked = this.#asked.get(versionId);
      if (asked) asked.askedMs = nowMs;
      else this.#asked.set(versionId, { version: { versionId, functionId, account }, askedMs: nowMs, made: undefined });
    }
    if (nowMs - this.#sweptMs < FORGET_AFTER_MS / 4) return;
    this.#sweptMs = nowMs;
    for (const [versionId, { askedMs }] of this.#asked) {
      if (nowMs - askedMs >= FORGET_AFTER_MS) this.#asked.delete(versionId);
    }
  }

  #measure(): void {
    const count = { known: 0, gone: 0, barred: 0, unknown: 0 };
    let oldestMs = 0;
    for (const versionId of this.#asked.keys()) {
      const answer = this.get(versionId);
      count[answer.state] += 1;
      if (answer.state === 'known') oldestMs = Math.max(oldestMs, answer.ageMs);
    }
    for (const state of ['known', 'gone', 'barred', 'unknown'] as const) {
      this.#meters.set('starling_targets', count[state], { state });
    }
    this.#meters.set('starling_target_age_seconds_max', oldestMs / 1_000);
  }
}

function targetOf(workload: Workload, asked: FunctionVersion | undefined): Target {
  return {
    versionId: workload.versionId,
    functionId: workload.functionId ?? asked?.functionId ?? '',
    account: workload.account ?? asked?.account ?? '',
    name: `${workload.namespace}/${workload.name}`,
    status: workload.isOn ? 'ACTIVE' : 'INACTIVE',
    instancesMin: workload.instancesMin,
    instancesMax: workload.instancesMax,
    concurrency: workload.concurrency,
    policy: workload.policy,
    ...countsOf(workload),
  };
}

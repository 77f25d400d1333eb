import type { ReceivedConfiguration } from '../../../src/contract/autoscaling-configuration.ts';
import type { DeploymentAnswer } from '../../../src/contract/deployment.ts';
import { formatToken, judgeWrite, type WriteJudgement } from '../../../src/contract/fencing.ts';
import type { PredictionAnswer, PredictionBody } from '../../../src/contract/prediction.ts';
import { compareIds, type ScalingTarget } from '../../../src/contract/scaling-targets.ts';
import type { FunctionStatus } from '../../../src/domain/target.ts';

/** What a test says of a version; the rest has defaults. */
export interface VersionSeed {
  readonly versionId: string;
  readonly functionId?: string;
  readonly account?: string;
  /** What people call it. */
  readonly name?: string | undefined;
  readonly status?: FunctionStatus;
  readonly minInstances?: number | undefined;
  readonly maxInstances?: number | undefined;
  readonly maxRequestConcurrency?: number | undefined;
  readonly activeInstances?: number;
  /** A policy document for scaling targets. */
  readonly policy?: unknown;
}

interface Version {
  readonly versionId: string;
  readonly functionId: string;
  readonly account: string;
  readonly name: string | undefined;
  readonly deploymentId: string;
  status: FunctionStatus;
  minInstances: number;
  maxInstances: number;
  maxRequestConcurrency: number;
  policy: unknown;
  configuration: ReceivedConfiguration | null;
  active: number;
  stored: { readonly token: bigint; readonly body: PredictionBody } | undefined;
  answer: PredictionAnswer | undefined;
}

/** One write, in the order it arrived. */
export interface HistoryEntry {
  readonly seq: number;
  readonly atMs: number;
  readonly versionId: string;
  /** Decimal; empty for a write without one. */
  readonly token: string;
  readonly wanted: number;
  readonly outcome: 'applied' | 'repeated' | 'stale';
}

export type WriteResult =
  | { readonly kind: 'answer'; readonly answer: PredictionAnswer }
  | { readonly kind: 'stale'; readonly storedToken: bigint }
  | { readonly kind: 'token-needed' }
  | { readonly kind: 'unknown' };

/** The versions of a control plane that honours fencing tokens: one token and one count each, kept for as long as it lives. */
export class DoubleFleet {
  readonly history: HistoryEntry[] = [];
  readonly #versions = new Map<string, Version>();
  readonly #gone = new Set<string>();
  #order: string[] | undefined;

  put(seed: VersionSeed): void {
    const before = this.#versions.get(seed.versionId);
    const { versionId } = seed;
    this.#gone.delete(versionId);
    this.#order = undefined;
    this.#versions.set(versionId, {
      versionId,
      functionId: seed.functionId ?? before?.functionId ?? `function-of-${versionId}`.slice(0, 255),
      account: seed.account ?? before?.account ?? 'account-1',
      name: seed.name ?? before?.name,
      deploymentId: before?.deploymentId ?? `deployment-of-${versionId}`.slice(0, 255),
      status: seed.status ?? before?.status ?? 'ACTIVE',
      minInstances: seed.minInstances ?? before?.minInstances ?? 0,
      maxInstances: seed.maxInstances ?? before?.maxInstances ?? 100,
      maxRequestConcurrency: seed.maxRequestConcurrency ?? before?.maxRequestConcurrency ?? 1,
      policy: seed.policy ?? before?.policy,
      configuration: before?.configuration ?? null,
      active: seed.activeInstances ?? before?.active ?? 0,
      stored: before?.stored,
      answer: before?.answer,
    });
  }

  remove(versionId: string, { isRemembered = false } = {}): void {
    this.#versions.delete(versionId);
    this.#order = undefined;
    if (isRemembered) this.#gone.add(versionId);
  }

  get size(): number {
    return this.#versions.size;
  }

  isGone(versionId: string): boolean {
    return this.#gone.has(versionId);
  }

  find(versionId: string): Readonly<Version> | undefined {
    return this.#versions.get(versionId);
  }

  /** The accept rule, and what comes of it. Check and write are one step: nothing awaits in between. */
  write(
    id: { account: string; functionId: string; versionId: string },
    { body, token }: { body: PredictionBody; token: bigint | undefined },
  ): WriteResult {
    const version = this.#versions.get(id.versionId);
    if (version?.functionId !== id.functionId || version.account !== id.account) return { kind: 'unknown' };
    // Who has been fenced once is not written to from outside the fence.
    if (token === undefined && version.stored) return { kind: 'token-needed' };
    const verdict: WriteJudgement = token === undefined ? 'accept' : judgeWrite(version.stored, { token, body });
    this.#record(version, { token, wanted: body.requiredNumberOfInstances, verdict });
    if (verdict === 'stale') return { kind: 'stale', storedToken: version.stored?.token ?? 0n };
    if (verdict === 'repeat' && version.answer) return { kind: 'answer', answer: version.answer };
    if (token !== undefined) version.stored = { token, body };
    version.answer = this.#apply(version, body.requiredNumberOfInstances);
    return { kind: 'answer', answer: version.answer };
  }

  page({ after, limit }: { after: string; limit: number }): { items: ScalingTarget[]; next: string | null } {
    const order = this.#sorted();
    let low = 0;
    let high = order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareIds(order[middle] ?? '', after) <= 0) low = middle + 1;
      else high = middle;
    }
    const ids = order.slice(low, low + limit);
    const next = low + limit < order.length ? (ids.at(-1) ?? null) : null;
    return { items: ids.flatMap((versionId) => this.#targetOf(versionId)), next };
  }

  deployment(versionId: string): DeploymentAnswer | undefined {
    const version = this.#versions.get(versionId);
    if (!version) return undefined;
    const { functionId, name, status, deploymentId, minInstances, maxInstances, maxRequestConcurrency, configuration } =
      version;
    return {
      deployment: {
        functionId,
        functionVersionId: versionId,
        name,
        functionStatus: status,
        deploymentId,
        deploymentSpecifications: [
          {
            gpuSpecificationId: 'specification-1',
            minInstances,
            maxInstances,
            maxRequestConcurrency,
            autoscalingConfigurationPolicy: configuration ? 'CUSTOM_CONFIGURATION' : 'PLATFORM_CONFIGURATION',
            ...(configuration ? { autoscalingConfiguration: withoutNulls(configuration) } : {}),
          },
        ],
      },
    };
  }

  findByDeployment(deploymentId: string): Readonly<Version> | undefined {
    return [...this.#versions.values()].find((version) => version.deploymentId === deploymentId);
  }

  change(
    versionId: string,
    to: { minInstances: number; maxInstances: number; configuration: ReceivedConfiguration | null | undefined },
  ): void {
    const version = this.#versions.get(versionId);
    if (!version) return;
    version.minInstances = to.minInstances;
    version.maxInstances = to.maxInstances;
    if (to.configuration !== undefined) version.configuration = to.configuration;
  }

  #apply(version: Version, wanted: number): PredictionAnswer {
    const before = version.active;
    const isScalable = version.status === 'ACTIVE';
    const target = Math.min(version.maxInstances, Math.max(version.minInstances, wanted));
    if (isScalable) version.active = target;
    const change = isScalable ? target - before : 0;
    return {
      activeInstances: version.active,
      pendingInstances: 0,
      allocatingInstances: Math.max(0, change),
      terminatingInstances: Math.max(0, -change),
      functionStatus: version.status,
      scalingStatus: isScalable ? scalingStatusOf(change) : 'NOT_AUTO_SCALABLE',
    };
  }

  #record(
    { versionId }: Version,
    { token, wanted, verdict }: { token: bigint | undefined; wanted: number; verdict: WriteJudgement },
  ): void {
    const outcome = ({ accept: 'applied', repeat: 'repeated', stale: 'stale' } as const)[verdict];
    const seq = this.history.length + 1;
    const text = token === undefined ? '' : formatToken(token);
    this.history.push({ seq, atMs: Date.now(), versionId, token: text, wanted, outcome });
  }

  #targetOf(versionId: string): ScalingTarget[] {
    const version = this.#versions.get(versionId);
    if (!version) return [];
    const { functionId, account, name, status, minInstances, maxInstances, maxRequestConcurrency, policy, active } =
      version;
    return [
      {
        functionId,
        functionVersionId: versionId,
        account,
        name,
        functionStatus: status,
        minInstances,
        maxInstances,
        maxRequestConcurrency,
        ...(policy === undefined ? {} : { policy }),
        activeInstances: active,
        pendingInstances: 0,
      },
    ];
  }

  #sorted(): readonly string[] {
    // By bytes, and not by the code under test.
    this.#order ??= [...this.#versions.keys()]
      .map((versionId) => ({ versionId, bytes: Buffer.from(versionId) }))
      .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
      .map(({ versionId }) => versionId);
    return this.#order;
  }
}

function scalingStatusOf(change: number): PredictionAnswer['scalingStatus'] {
  if (change === 0) return 'NO_SCALING_NEEDED';
  return change > 0 ? 'SCALING_UP' : 'SCALING_DOWN';
}

function withoutNulls(configuration: ReceivedConfiguration): object {
  return JSON.parse(JSON.stringify(configuration, (_, value: unknown) => value ?? undefined));
}

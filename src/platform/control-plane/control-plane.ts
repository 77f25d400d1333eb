import { createHash } from 'node:crypto';
import { parseDeploymentRequest, parseSpecificationChange } from '../../contract/deployment-change.ts';
import { formatToken } from '../../contract/fencing.ts';
import { type PredictionAnswer, parsePrediction } from '../../contract/prediction.ts';
import { buildProblem, type ProblemType, type WireProblem } from '../../contract/problem.ts';
import { compareIds, parsePageQuery, type ScalingTarget } from '../../contract/scaling-targets.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Pools } from '../model/pool-snapshot.ts';
import type { Reply } from '../model/reply.ts';
import type { RegisteredVersion } from '../registry/registered-version.ts';
import type { Registry } from '../registry/registry.ts';
import type { StartWatch } from './start-watch.ts';
import { countInstances, currentStatus } from './version-status.ts';
import { deploymentView, LOOK_BACK_SECONDS, targetView, withoutNulls } from './version-views.ts';

export interface ControlPlaneOptions {
  readonly registry: Registry;
  readonly pools: Pools;
  readonly starts: StartWatch;
  readonly clock: Clock;
  /** How long a wish holds after the autoscaler's last request. */
  readonly wishTtlMs: number;
}

interface VersionPath {
  readonly functionId: string;
  readonly versionId: string;
}

/** The side of the platform that an autoscaler talks to. A wish is on disk before the pools hear of it and before it is answered. */
export class ControlPlane {
  readonly #options: ControlPlaneOptions;

  constructor(options: ControlPlaneOptions) {
    this.#options = options;
  }

  /** After a restart: an autoscaler that checks tokens does not repeat a wish that was accepted. */
  restoreWishes(): void {
    for (const { versionId } of this.#options.registry.versions()) this.#renew(versionId);
  }

  /** `body` is undefined here and below where it is no JSON. */
  predict(
    path: VersionPath & { readonly account: string },
    { fencingToken, body }: { fencingToken: string | undefined; body: unknown },
  ): Reply {
    const parsed = parsePrediction({ body, fencingToken }, { demandsToken: true });
    if (!parsed.ok) return reply(parsed.problem);
    const { registry } = this.#options;
    const version = registry.version(path.versionId);
    if (version?.functionId !== path.functionId || version.account !== path.account) {
      return this.#unknown(path.versionId);
    }
    if (parsed.body.deploymentId !== undefined && parsed.body.deploymentId !== version.deploymentId) {
      return problem('not-found', 'the version has no such deployment');
    }
    const { requiredNumberOfInstances: wanted } = parsed.body;
    const outcome = registry.wishes.write(version.versionId, {
      token: parsed.token ?? 0n,
      body: parsed.body,
      answer: () => this.#expectedChange(version, wanted),
    });
    switch (outcome.kind) {
      case 'stale': {
        const storedToken = formatToken(outcome.storedToken);
        return problem('stale-fencing-token', `token ${storedToken} or a later one was here before`, { storedToken });
      }
      case 'accepted':
      case 'repeated':
        this.#renew(version.versionId);
        return { status: 200, body: outcome.answer };
      default:
        return outcome satisfies never;
    }
  }

  /** What a wish will change. Measured against the wish before it while that holds: what it asked for may still be starting. */
  #expectedChange(version: RegisteredVersion, wanted: number): PredictionAnswer {
    const { pools, registry, clock } = this.#options;
    const { status } = currentStatus(version, this.#options);
    const pool = pools.of(version.versionId);
    const { active, pending, terminating } = countInstances(pool);
    if (status !== 'ACTIVE') {
      return {
        activeInstances: active,
        pendingInstances: pending,
        allocatingInstances: 0,
        terminatingInstances: terminating,
        functionStatus: status,
        scalingStatus: 'NOT_AUTO_SCALABLE',
      };
    }
    const target = bounded(version, wanted);
    const before = registry.wishes.of(version.versionId);
    const isBeforeFresh = before !== undefined && (pool?.wishUntilMs ?? 0) > clock.wallMs();
    const base = isBeforeFresh ? bounded(version, before.body.requiredNumberOfInstances) : active + pending;
    return {
      activeInstances: active,
      pendingInstances: pending,
      allocatingInstances: Math.max(0, target - active - pending),
      terminatingInstances: terminating + Math.max(0, active + pending - target),
      functionStatus: status,
      scalingStatus: target === base ? 'NO_SCALING_NEEDED' : target > base ? 'SCALING_UP' : 'SCALING_DOWN',
    };
  }

  deployment({ functionId, versionId }: VersionPath): Reply {
    const version = this.#options.registry.version(versionId);
    if (version?.functionId !== functionId) return this.#unknown(versionId);
    this.#renew(versionId);
    return { status: 200, body: deploymentView(version, this.#options) };
  }

  deploy({ functionId, versionId }: VersionPath, body: unknown): Reply {
    const { registry, starts } = this.#options;
    const version = registry.version(versionId);
    if (version?.functionId !== functionId) return this.#unknown(versionId);
    const parsed = parseDeploymentRequest(body);
    if (!parsed.ok) return reply(parsed.problem);
    const [specification, ...others] = parsed.value.deploymentSpecifications;
    if (!specification || others.length > 0) {
      const message = 'must be one: all instances of this platform run on one machine';
      return problem('invalid-request', `deploymentSpecifications ${message}`, {
        errors: [{ pointer: '/deploymentSpecifications/1', message }],
      });
    }
    const { minInstances: instancesMin, maxInstances: instancesMax, maxRequestConcurrency } = specification;
    const isSame = maxRequestConcurrency === version.launch.concurrency;
    starts.forget(versionId);
    const deployed = registry.updateVersion(versionId, {
      status: version.status === 'DEPLOYING' ? 'DEPLOYING' : 'ACTIVE',
      statusDetail: '',
      pool: { ...version.pool, instancesMin, instancesMax },
      ...(isSame ? {} : { launch: { ...version.launch, concurrency: maxRequestConcurrency } }),
    });
    return { status: 200, body: deploymentView(deployed, this.#options) };
  }

  changeSpecification(
    path: { readonly deploymentId: string; readonly gpuSpecificationId: string },
    body: unknown,
  ): Reply {
    const { registry } = this.#options;
    const version = registry.findByDeployment(path.deploymentId);
    if (version?.specificationId !== path.gpuSpecificationId) {
      return problem('not-found', 'there is no such specification of a deployment');
    }
    const { instancesMin, instancesMax } = version.pool;
    const parsed = parseSpecificationChange(body, {
      current: { minInstances: instancesMin, maxInstances: instancesMax },
      lookBackSeconds: LOOK_BACK_SECONDS,
      base: undefined,
    });
    if (!parsed.ok) return reply(parsed.problem);
    const { minInstances, maxInstances, configuration } = parsed.value;
    const changed = registry.updateVersion(version.versionId, {
      pool: { ...version.pool, instancesMin: minInstances, instancesMax: maxInstances },
      ...(configuration === undefined
        ? {}
        : { configuration: configuration === null ? undefined : withoutNulls(configuration), policy: undefined }),
    });
    return { status: 200, body: deploymentView(changed, this.#options) };
  }

  /** `etag`: what the caller knows already, as in `If-None-Match`. */
  targetsPage(query: URLSearchParams, { etag: knownEtag }: { etag: string | undefined }): Reply {
    const parsed = parsePageQuery(query);
    if (!parsed.ok) return reply(parsed.problem);
    const { registry } = this.#options;
    const order = registry.sortedVersionIds();
    const first = firstAfter(order, parsed.after);
    const ids = order.slice(first, first + parsed.limit);
    const items: ScalingTarget[] = [];
    for (const versionId of ids) {
      const version = registry.version(versionId);
      if (version) items.push(targetView(version, this.#options));
      this.#renew(versionId);
    }
    const body = { items, next: first + parsed.limit < order.length ? (ids.at(-1) ?? null) : null };
    const etag = `"${createHash('sha256').update(JSON.stringify(body)).digest('base64url').slice(0, 22)}"`;
    const known = knownEtag?.split(',').map((each) => each.trim().replace(/^W\//, ''));
    return known?.includes(etag) ? { status: 304, headers: { etag } } : { status: 200, body, headers: { etag } };
  }

  /** The wish holds on: a client that reads bounds, or writes, is an autoscaler that is alive. */
  #renew(versionId: string): void {
    const { registry, pools, clock, wishTtlMs } = this.#options;
    const stored = registry.wishes.of(versionId);
    const version = registry.version(versionId);
    if (!stored || version?.status !== 'ACTIVE') return;
    const wanted = bounded(version, stored.body.requiredNumberOfInstances);
    pools.wish(versionId, { wanted, untilMs: clock.wallMs() + wishTtlMs });
  }

  #unknown(versionId: string): Reply {
    return this.#options.registry.isGone(versionId)
      ? problem('gone', 'the function version was deleted')
      : problem('not-found', 'there is no such function version');
  }
}

function bounded({ pool: { instancesMin, instancesMax } }: RegisteredVersion, wanted: number): number {
  return Math.min(instancesMax, Math.max(instancesMin, wanted));
}

function firstAfter(order: readonly string[], after: string): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareIds(order[middle] ?? '', after) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function problem(type: ProblemType, detail: string, more: Parameters<typeof buildProblem>[2] = {}): Reply {
  return reply(buildProblem(type, detail, more));
}

function reply(body: WireProblem): Reply {
  return { status: body.status, body };
}

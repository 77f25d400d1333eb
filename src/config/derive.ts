import { parsePolicy } from '../domain/parse-policy.ts';
import { defaultPolicy, type Policy } from '../domain/policy.ts';
import type { PlainConfig } from './config.ts';
import type { ConfigProblem } from './problem.ts';
import { parseStoreUrl, portOf, type StoreTarget } from './store-target.ts';

/** A fault that only shows when several options are seen together. */
export type Conflict = Omit<ConfigProblem, 'value' | 'source'>;

/** `isSet`: whether any layer gives the key a value. Two different answers to one question are refused. */
export function deriveStoreTarget(
  config: PlainConfig,
  isSet: (key: string) => boolean,
): { storeTarget: StoreTarget; conflicts: readonly Conflict[] } {
  const url = parseStoreUrl(config.store.url);
  if (url.kind !== 'cassandra') return { storeTarget: url, conflicts: [] };

  const { cassandra } = config.store;
  const conflicts: Conflict[] = [];
  const choose = <Value>(key: string, fromUrl: Value | undefined, option: Value): Value => {
    if (fromUrl === undefined || fromUrl === option) return option;
    if (isSet(key)) {
      conflicts.push({
        key,
        says: `says ${String(option)}, but store.url says ${String(fromUrl)}`,
        mend: `give it in one place: leave it out of store.url, or unset ${key}`,
      });
    }
    return fromUrl;
  };

  const keyspace = choose('store.cassandra.keyspace', url.keyspace, cassandra.keyspace);
  const localDataCenter = choose('store.cassandra.localDataCenter', url.localDataCenter, cassandra.localDataCenter);
  const hosts = cassandra.contactPoints.length > 0 ? cassandra.contactPoints : url.hosts;
  if (hosts.length === 0) {
    conflicts.push({
      key: 'store.cassandra.contactPoints',
      says: 'names no host to start from',
      mend: 'name one here, or in store.url: cassandra://host/keyspace',
    });
  }
  // Every node of a cluster listens on the same port; the first that is written counts for all.
  const port = hosts.map(portOf).find((found) => found !== undefined) ?? cassandra.portDefault;
  const contactPoints = hosts.map((host) => (portOf(host) === undefined ? `${host}:${port}` : host));
  return { storeTarget: { kind: 'cassandra', contactPoints, port, keyspace, localDataCenter }, conflicts };
}

/** Without a policy where there are conflicts. */
export function deriveDefaultPolicy(config: PlainConfig): { policy?: Policy; conflicts: readonly Conflict[] } {
  const parsed = parsePolicy(policyDocument(config), { lookBackSeconds: config.scaling.lookBackMs / 1000 });
  if (parsed.ok) return { policy: parsed.policy, conflicts: [] };
  const conflicts = parsed.problems.map(({ path, message, mend }) => ({ key: optionKey(path), says: message, mend }));
  return { conflicts };
}

function policyDocument({ policy }: PlainConfig): unknown {
  const base = defaultPolicy(policy.kind);
  return {
    kind: policy.kind,
    ...fieldsOfKind(base, policy),
    scaleToZero: policy.scaleToZero,
    idleTimeoutSeconds: seconds(policy.idleTimeoutMs),
    stabilisationUpSeconds: seconds(policy.stabilisationUpMs),
    stabilisationDownSeconds: seconds(policy.stabilisationDownMs),
    cooldownUpSeconds: seconds(policy.cooldownUpMs),
    cooldownDownSeconds: seconds(policy.cooldownDownMs),
    stepUp: stepLimit(base.stepUp, policy.stepUp),
    stepDown: stepLimit(base.stepDown, policy.stepDown),
  };
}

/** What a kind of policy has beside the guards that all kinds share. */
function fieldsOfKind(base: Policy, { steps, target }: PlainConfig['policy']): object {
  switch (base.kind) {
    case 'steps':
      return { up: edge(base.up, steps.up), down: edge(base.down, steps.down), decay: steps.decay };
    case 'target':
      return { target: target.share, windowSeconds: seconds(target.windowMs) };
    default:
      return base satisfies never;
  }
}

function edge(base: { threshold: number; factor: number }, set: PlainConfig['policy']['steps']['up']): unknown {
  const { windowMs, requiredMs } = set.stickiness;
  return {
    threshold: set.threshold ?? base.threshold,
    factor: set.factor ?? base.factor,
    // Half a pair goes in as it is, so that the missing half is reported.
    ...(windowMs === undefined && requiredMs === undefined
      ? {}
      : { stickiness: { windowSeconds: seconds(windowMs), requiredSeconds: seconds(requiredMs) } }),
  };
}

function stepLimit(
  base: { percent: number; instances: number; periodSeconds: number } | undefined,
  set: PlainConfig['policy']['stepUp'],
): unknown {
  if (set.enabled === false) return null;
  const isTouched = [set.enabled, set.percent, set.instances, set.periodMs].some((value) => value !== undefined);
  if (!isTouched) return undefined;
  return {
    percent: set.percent ?? (set.instances === undefined ? base?.percent : undefined) ?? 0,
    instances: set.instances ?? (set.percent === undefined ? base?.instances : undefined) ?? 0,
    periodSeconds: seconds(set.periodMs) ?? base?.periodSeconds ?? 60,
  };
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}

/** `up.stickiness.windowSeconds` of a policy is `policy.steps.up.stickiness.window` here. */
function optionKey(path: string): string {
  const words = path.replaceAll('Seconds', '').split('.');
  const [first = ''] = words;
  if (first === 'up' || first === 'down' || first === 'decay') return ['policy', 'steps', ...words].join('.');
  if (first === 'target') return 'policy.target.share';
  if (first === 'window') return 'policy.target.window';
  return first === '' ? 'policy.kind' : ['policy', ...words].join('.');
}

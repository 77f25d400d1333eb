import { isUsableId } from '../../domain/function-version.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import { deployIdOf } from '../model/deploy-id.ts';
import type { Code, LaunchSettings, Namespace, PoolSettings, TriggerRecord } from '../model/function-record.ts';
import { PlatformError } from '../model/platform-error.ts';
import { checkCode } from './check-code.ts';
import { hashCode } from './code-store.ts';
import type { FunctionIndex } from './function-index.ts';
import type { RegisteredVersion, VersionStatus } from './registered-version.ts';

export interface NewVersion {
  readonly launch: LaunchSettings;
  readonly pool: PoolSettings;
  readonly code: Code;
  /** Unset: a new UUID. Set for functions that come from elsewhere with an id. */
  readonly versionId?: string | undefined;
  /** DEPLOYING: no instance of it has started yet. Unset: ACTIVE. */
  readonly status?: VersionStatus | undefined;
  readonly policy?: unknown;
}

export interface NewFunction extends NewVersion {
  readonly namespace: Namespace;
  readonly name: string;
  readonly account?: string | undefined;
  readonly functionId?: string | undefined;
  readonly aliases?: readonly string[] | undefined;
  readonly triggers?: readonly TriggerRecord[] | undefined;
}

export const DEFAULT_ACCOUNT = 'local';

/** Throws `input-invalid` or `name-taken`. */
export function checkNewFunction(
  functionId: string,
  { namespace, name, account = DEFAULT_ACCOUNT, aliases = [] }: NewFunction,
  index: FunctionIndex,
): void {
  const ids = [
    ['functionId', functionId],
    ['account', account],
    ...aliases.map((alias) => ['aliases', alias] as const),
  ] as const;
  for (const [field, id] of ids) {
    if (!isUsableId(id)) throw new PlatformError('input-invalid', `${field} is not an id`, { field });
  }
  for (const id of [functionId, ...aliases]) {
    if (index.find(id)) throw new PlatformError('name-taken', `the id ${id} is taken`, { field: 'functionId' });
  }
  checkName({ namespace, name }, index);
}

/** Only the orchestrator's namespace may have several functions of one name. */
export function checkName({ namespace, name }: { namespace: Namespace; name: string }, index: FunctionIndex): void {
  if (namespace === 'orchestrator' || !index.findByName(namespace, name)) return;
  throw new PlatformError('name-taken', `there is a function with the name ${name}`, { field: 'name' });
}

export type VersionPlace = Pick<RegisteredVersion, 'functionId' | 'account' | 'number'>;

/** Throws when its code or its id cannot be taken. */
export function makeVersion(
  request: NewVersion,
  place: VersionPlace,
  { index, clock, random }: { index: FunctionIndex; clock: Clock; random: Random },
): RegisteredVersion {
  checkCode(request.code);
  const versionId = request.versionId ?? random.uuid();
  if (!isUsableId(versionId)) throw new PlatformError('input-invalid', 'is not an id', { field: 'versionId' });
  if (index.version(versionId)) {
    throw new PlatformError('name-taken', 'there is a version with this id', { field: 'versionId' });
  }
  const codeHash = hashCode(request.code);
  return {
    ...place,
    versionId,
    codeHash,
    deployId: deployIdOf({ codeHash, launch: request.launch }),
    launch: request.launch,
    pool: request.pool,
    status: request.status ?? 'ACTIVE',
    statusDetail: '',
    deploymentId: random.uuid(),
    specificationId: random.uuid(),
    configuration: undefined,
    policy: request.policy,
    createdMs: clock.wallMs(),
  };
}

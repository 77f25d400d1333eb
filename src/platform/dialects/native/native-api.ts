import { compareIds } from '../../../contract/scaling-targets.ts';
import type { FunctionRecord, Namespace } from '../../function-record.ts';
import type { CallLog } from '../../metrics/call-log.ts';
import type { CallMeter } from '../../metrics/call-meter.ts';
import { PlatformError } from '../../platform-error.ts';
import type { Pools } from '../../pool-snapshot.ts';
import type { RegisteredVersion } from '../../registry/registered-version.ts';
import type { Registry } from '../../registry/registry.ts';
import { changePool, DEFAULT_POOL } from '../../registry/version-settings.ts';
import type { Triggers } from '../../triggers/triggers.ts';
import type { WireReply } from './control-plane.ts';
import type { Deployer } from './deployer.ts';
import { notAllowed, readAs } from './problem.ts';
import {
  codeOf,
  countOf,
  functionChangeSchema,
  newFunctionSchema,
  newVersionSchema,
  versionChangeSchema,
  warmSchema,
} from './requests.ts';
import { showCall, showCounts, showFunction, showInstance, showVersion } from './show.ts';
import type { StartWatch } from './start-watch.ts';
import { TriggerApi } from './trigger-api.ts';
import { standingOf } from './version-standing.ts';

const PAGE_MAX = 1_000;
const NAMESPACES: readonly Namespace[] = ['native', 'orchestrator', 'builtin'];

export interface NativeApiOptions {
  readonly registry: Registry;
  readonly pools: Pools;
  readonly starts: StartWatch;
  readonly deployer: Deployer;
  readonly meter: CallMeter;
  readonly log: CallLog;
  readonly triggers: Triggers;
}

export interface ApiRequest {
  readonly method: string;
  /** Of the path behind `/v1`, decoded. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly body: () => unknown;
  readonly bytes: Uint8Array;
}

/** Everything of this port that people and scripts call now and then. */
export class NativeApi {
  readonly #options: NativeApiOptions;
  readonly #triggers: TriggerApi;

  constructor(options: NativeApiOptions) {
    this.#options = options;
    this.#triggers = new TriggerApi({ triggers: options.triggers, find: (id) => this.find(id) });
  }

  /** Undefined: there is no such path. */
  async answer(request: ApiRequest): Promise<WireReply | undefined> {
    const [area, id, part, versionId, last, ...rest] = request.segments;
    if (rest.length > 0) return undefined;
    if (area === 'triggers') return this.#triggers.answer(request);
    if (area === 'queues' && id !== undefined && part === 'messages' && versionId === undefined) {
      return this.#triggers.publish(id, { method: request.method, payload: request.bytes });
    }
    if (id === undefined) return this.#answerArea(area, request);
    if (area !== 'functions') return undefined;
    const record = this.find(id);
    if (part === undefined) return this.#answerFunction(record, request);
    if (part === 'versions' && versionId !== undefined) {
      const version = this.versionOf(record, versionId);
      if (last === undefined) return this.#answerVersion(version, request);
      return last === 'warm' ? this.#warm(version, request) : undefined;
    }
    return versionId === undefined ? this.#answerPart(record, part, request) : undefined;
  }

  /** By id, alias, or name. Throws `function-unknown`. */
  find(id: string): FunctionRecord {
    const { registry } = this.#options;
    const record = registry.find(id) ?? registry.findByName('native', id);
    if (!record) throw new PlatformError('function-unknown', 'there is no function with this id or name');
    return record;
  }

  versionOf({ functionId }: FunctionRecord, versionId: string): RegisteredVersion {
    const version = this.#options.registry.version(versionId);
    if (version?.functionId === functionId) return version;
    throw new PlatformError('version-unknown', 'the function has no such version');
  }

  #answerArea(area: string | undefined, request: ApiRequest): WireReply | Promise<WireReply> | undefined {
    switch (area) {
      case 'functions':
        if (request.method === 'POST') return this.#register(request);
        return request.method === 'GET' ? this.#list(request) : notAllowed('GET, POST');
      case 'instances':
        return request.method === 'GET' ? ok({ instances: this.#instances(undefined) }) : notAllowed('GET');
      case 'invocations':
        return request.method === 'GET' ? this.#calls(request, undefined) : notAllowed('GET');
      case 'stats':
        return request.method === 'GET' ? ok(this.#stats()) : notAllowed('GET');
      default:
        return undefined;
    }
  }

  #answerFunction(record: FunctionRecord, request: ApiRequest): WireReply {
    const { registry } = this.#options;
    switch (request.method) {
      case 'GET':
        return ok({ function: this.#showFunction(record), versions: this.#showVersions(record) });
      case 'PATCH': {
        mustBeNative(record);
        const { name, activeVersionId } = readAs(functionChangeSchema, request.body());
        const changed = registry.updateFunction(record.functionId, {
          ...(name === undefined ? {} : { name }),
          ...(activeVersionId === undefined ? {} : { activeVersionId }),
        });
        return ok({ function: this.#showFunction(changed) });
      }
      case 'DELETE':
        mustBeNative(record);
        registry.removeFunction(record.functionId);
        return { status: 204 };
      default:
        return notAllowed('GET, PATCH, DELETE');
    }
  }

  async #answerPart(record: FunctionRecord, part: string, request: ApiRequest): Promise<WireReply | undefined> {
    const { method } = request;
    switch (part) {
      case 'versions':
        if (method === 'POST') return this.#addVersion(record, request);
        return method === 'GET' ? ok({ versions: this.#showVersions(record) }) : notAllowed('GET, POST');
      case 'instances':
        return method === 'GET' ? ok({ instances: this.#instances(record) }) : notAllowed('GET');
      case 'invocations':
        return method === 'GET' ? this.#calls(request, record) : notAllowed('GET');
      case 'triggers':
        return this.#triggers.answerFunction(record, request);
      case 'warm':
        return this.#warm(this.versionOf(record, record.activeVersionId ?? ''), request);
      default:
        return undefined;
    }
  }

  #answerVersion(version: RegisteredVersion, request: ApiRequest): WireReply {
    const { registry } = this.#options;
    switch (request.method) {
      case 'GET':
        return ok({ version: this.#show(version) });
      case 'PATCH': {
        const change = readAs(versionChangeSchema, request.body());
        const changed = registry.updateVersion(version.versionId, {
          ...(change.pool === undefined ? {} : { pool: changePool(version.pool, change.pool) }),
          ...(change.status === undefined ? {} : { status: change.status, statusDetail: '' }),
          ...(change.policy === undefined ? {} : { policy: change.policy ?? undefined, configuration: undefined }),
        });
        return ok({ version: this.#show(changed) });
      }
      case 'DELETE':
        registry.removeVersion(version.versionId);
        return { status: 204 };
      default:
        return notAllowed('GET, PATCH, DELETE');
    }
  }

  async #register({ body }: ApiRequest): Promise<WireReply> {
    const { registry, deployer } = this.#options;
    const { name, account, code, pool, policy, prewarm, ...launch } = readAs(newFunctionSchema, body());
    const made = registry.create({
      namespace: 'native',
      name,
      account,
      launch,
      pool: changePool(DEFAULT_POOL, pool),
      code: await codeOf(code),
      policy: policy ?? undefined,
      status: prewarm > 0 ? 'DEPLOYING' : 'ACTIVE',
    });
    if (prewarm > 0) deployer.deploy(made.version, prewarm);
    const location = `/v1/functions/${encodeURIComponent(made.record.functionId)}`;
    const shown = { function: this.#showFunction(made.record), version: this.#show(made.version) };
    return { status: 201, body: shown, headers: { location } };
  }

  async #addVersion(record: FunctionRecord, { body }: ApiRequest): Promise<WireReply> {
    mustBeNative(record);
    const { registry, deployer } = this.#options;
    const told = readAs(newVersionSchema, body());
    const code = told.code === undefined ? undefined : await codeOf(told.code);
    const before = this.versionOf(record, record.activeVersionId ?? '');
    const { runtime, handler, timeoutMs, memoryMb, environment, concurrency } = before.launch;
    const version = registry.addVersion(
      record.functionId,
      {
        launch: {
          runtime: told.runtime ?? runtime,
          handler: told.handler ?? handler,
          timeoutMs: told.timeoutMs ?? timeoutMs,
          memoryMb: told.memoryMb ?? memoryMb,
          environment: told.environment ?? environment,
          concurrency: told.concurrency ?? concurrency,
        },
        pool: changePool(before.pool, told.pool),
        code: code ?? registry.codeOf(before),
        policy: told.policy === undefined ? before.policy : (told.policy ?? undefined),
        status: told.prewarm > 0 ? 'DEPLOYING' : 'ACTIVE',
      },
      { isActive: told.isActive },
    );
    if (told.prewarm > 0) deployer.deploy(version, told.prewarm);
    return { status: 201, body: { version: this.#show(version) } };
  }

  #list({ query }: ApiRequest): WireReply {
    const limit = countOf(query, 'limit', { fallback: 100, max: PAGE_MAX });
    const after = query.get('after') ?? '';
    const namespace = query.get('namespace') ?? undefined;
    if (namespace !== undefined && !NAMESPACES.includes(namespace as Namespace)) {
      throw new PlatformError('input-invalid', `namespace must be one of ${NAMESPACES.join(', ')}`, {
        field: 'namespace',
      });
    }
    const found = this.#options.registry
      .functions(namespace as Namespace | undefined)
      .filter(({ functionId }) => compareIds(functionId, after) > 0)
      .sort((a, b) => compareIds(a.functionId, b.functionId));
    const page = found.slice(0, limit);
    return ok({
      functions: page.map((record) => this.#showFunction(record)),
      next: found.length > limit ? (page.at(-1)?.functionId ?? null) : null,
    });
  }

  async #warm(version: RegisteredVersion, { method, body }: ApiRequest): Promise<WireReply> {
    if (method !== 'POST') return notAllowed('POST');
    const { count } = readAs(warmSchema, body());
    const warm = await this.#options.pools.warm(version.versionId, { count, source: 'manual' });
    return ok({ versionId: version.versionId, warm });
  }

  #calls({ query }: ApiRequest, record: FunctionRecord | undefined): WireReply {
    const { registry, log } = this.#options;
    const limit = countOf(query, 'limit', { fallback: 50, max: PAGE_MAX });
    const versionIds = record && new Set(registry.versionsOf(record.functionId).map(({ versionId }) => versionId));
    return ok({ invocations: log.newest({ limit, versionIds }).map(showCall) });
  }

  #instances(record: FunctionRecord | undefined) {
    const { pools, registry } = this.#options;
    const versions = record ? registry.versionsOf(record.functionId) : [...registry.versions()];
    return versions.flatMap(({ versionId }) =>
      (pools.of(versionId)?.instances ?? []).map((instance) => showInstance(instance, { versionId })),
    );
  }

  #stats() {
    const { registry, pools, meter } = this.#options;
    const versions = [...registry.versions()].map(({ versionId, functionId }) => ({
      functionId,
      versionId,
      ...showCounts(meter.of(versionId), pools.of(versionId)),
    }));
    return { functions: registry.functions().length, memory: pools.memory(), versions };
  }

  #showFunction(record: FunctionRecord) {
    return showFunction(record, { triggers: this.#triggers.of(record) });
  }

  #showVersions({ functionId }: FunctionRecord) {
    return this.#options.registry.versionsOf(functionId).map((version) => this.#show(version));
  }

  #show(version: RegisteredVersion) {
    const wish = this.#options.registry.wishes.of(version.versionId);
    return showVersion(version, { standing: standingOf(version, this.#options), wish });
  }
}

/** What another dialect made, or ships with the platform, is changed there. */
function mustBeNative({ namespace }: FunctionRecord): void {
  if (namespace === 'builtin') throw new PlatformError('input-invalid', 'built-in functions cannot be changed');
}

function ok(body: unknown): WireReply {
  return { status: 200, body };
}

import type { Logger } from 'pino';
import type { CallMeter } from '../../metrics/call-meter.ts';
import type { FunctionRecord } from '../../model/function-record.ts';
import { PlatformError } from '../../model/platform-error.ts';
import type { Pools } from '../../model/pool-snapshot.ts';
import { checkCode } from '../../registry/check-code.ts';
import type { RegisteredVersion } from '../../registry/registered-version.ts';
import type { Registry } from '../../registry/registry.ts';
import { changePool } from '../../registry/version-settings.ts';
import type { DefinedTriggers } from './defined-triggers.ts';
import {
  changeLaunch,
  changeSchema,
  definitionSchema,
  launchOf,
  ORCHESTRATOR_POOL,
  showDefinition,
} from './definition.ts';
import { countIn, pageOfFunctions } from './function-pages.ts';
import { makeId } from './ids.ts';
import type { InvokeTools } from './invoke.ts';
import { notAllowed, ok, type Reply, readAs } from './replies.ts';
import { type ShownFunction, shownId } from './shown-functions.ts';
import { type CountedFunction, poolOf, poolRow, statisticsOf } from './statistics.ts';
import type { TagLog } from './tag-log.ts';

/** As many as one warm-up adds. */
const WARM_STEP = 2;
const LOG_LINES = { usual: 100, max: 1_000 };
/** Of one function, the active one included. Each holds its code. */
const VERSIONS_MAX = 10;

export interface OrchestratorApiOptions extends Pick<InvokeTools, 'clock' | 'random'> {
  readonly registry: Registry;
  readonly pools: Pools;
  readonly meter: CallMeter;
  readonly triggers: DefinedTriggers;
  readonly tags: TagLog;
  readonly logger: Logger;
}

export interface ApiRequest {
  readonly method: string;
  /** Below `/`, decoded. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  /** Throws where it is no JSON. */
  readonly body: () => unknown;
}

/** Everything on this port but calls. */
export class OrchestratorApi {
  readonly #options: OrchestratorApiOptions;

  constructor(options: OrchestratorApiOptions) {
    this.#options = options;
  }

  /** Undefined: there is no such path. */
  async answer(request: ApiRequest): Promise<Reply | undefined> {
    const [area = '', id, part, ...rest] = request.segments;
    if (rest.length > 0) return undefined;
    if (area !== 'functions') return id === undefined ? this.#answerPage(area, request) : undefined;
    if (id === undefined) return this.#answerFunctions(request);
    const record = this.find(id);
    return part === undefined ? this.#answerFunction(record, request) : this.#answerPart(record, part, request);
  }

  /** Throws `function-unknown`. */
  find(id: string): FunctionRecord {
    const record = this.#options.registry.find(id);
    if (record?.namespace === 'orchestrator') return record;
    throw new PlatformError('function-unknown', 'Function not found');
  }

  /** The version that answers calls now. */
  activeVersion({ activeVersionId }: FunctionRecord): RegisteredVersion {
    const version = activeVersionId === undefined ? undefined : this.#options.registry.version(activeVersionId);
    if (version) return version;
    throw new PlatformError('not-active', 'the function has no active version');
  }

  #answerPage(page: string, request: ApiRequest): Reply | undefined {
    const { method } = request;
    switch (page) {
      case '':
        return method === 'GET' ? this.#index() : notAllowed('GET');
      case 'metrics':
        return method === 'GET'
          ? ok({ metrics: this.#counted().map((each) => poolRow(each, this.#options)) })
          : notAllowed('GET');
      case 'stats':
        return method === 'GET'
          ? ok({ stats: this.#counted().map((each) => statisticsOf(each, this.#options)) })
          : notAllowed('GET');
      case 'logs':
        return method === 'GET' ? this.#logs(request, undefined) : notAllowed('GET');
      default:
        return undefined;
    }
  }

  #answerFunctions(request: ApiRequest): Reply | Promise<Reply> {
    switch (request.method) {
      case 'GET':
        return ok(pageOfFunctions(this.#records(), { query: request.query, show: (record) => this.#show(record) }));
      case 'POST':
        return this.#create(request);
      default:
        return notAllowed('GET, POST');
    }
  }

  #answerFunction(record: FunctionRecord, request: ApiRequest): Reply {
    switch (request.method) {
      case 'GET':
        return ok(this.#show(record));
      case 'PATCH':
        return this.#change(record, request);
      case 'DELETE':
        // The line is written by who hears of it, whatever port it was deleted on.
        this.#options.registry.removeFunction(record.functionId);
        return { status: 200, body: { status: 'deleted' } };
      default:
        return notAllowed('GET, PATCH, DELETE');
    }
  }

  async #answerPart(record: FunctionRecord, part: string, request: ApiRequest): Promise<Reply | undefined> {
    const { method } = request;
    switch (part) {
      case 'warm':
        return method === 'POST' ? this.#warm(record) : notAllowed('POST');
      case 'invoke':
        return notAllowed('POST');
      case 'stats':
        return method === 'GET' ? ok(statisticsOf(this.#count(record), this.#options)) : notAllowed('GET');
      case 'pool':
        return method === 'GET' ? ok(poolOf(this.#count(record), this.#options)) : notAllowed('GET');
      case 'logs':
        return method === 'GET' ? this.#logs(request, record) : notAllowed('GET');
      case 'triggers':
        return method === 'GET' ? ok({ triggers: this.#options.triggers.show(record) }) : notAllowed('GET');
      case 'versions':
        return method === 'GET' ? ok({ versions: this.#versions(record) }) : notAllowed('GET');
      default:
        return undefined;
    }
  }

  #index(): Reply {
    return ok({
      name: 'Serverless Orchestrator',
      version: '1.0.0',
      functions: this.#records().length,
      endpoints: {
        functions: '/functions',
        invoke: '/functions/{id}/invoke',
        warm: '/functions/{id}/warm',
        metrics: '/metrics',
        health: '/health',
      },
    });
  }

  #create({ body }: ApiRequest): Reply {
    const { registry, triggers, tags } = this.#options;
    const told = readAs(definitionSchema, body());
    const settings = triggers.read(told.triggers);
    const { record, version } = registry.create({
      namespace: 'orchestrator',
      name: told.name,
      aliases: [makeId('fn', this.#options)],
      launch: launchOf(told),
      pool: changePool(ORCHESTRATOR_POOL, told.pool),
      code: { kind: 'source', text: told.code },
      triggers: told.triggers,
    });
    try {
      triggers.set(record, { wanted: settings });
    } catch (error) {
      registry.removeFunction(record.functionId);
      throw error;
    }
    const id = shownId(record);
    tags.write('REGISTRY', id, `Registered function: ${record.name} (${id})`);
    if (told.prewarm > 0) this.#prewarm(version, { count: told.prewarm, id });
    const location = `/functions/${encodeURIComponent(id)}`;
    return { status: 201, body: this.#show(record), headers: { location }, isPretty: true };
  }

  /** Code and launch settings make a new version; the one before keeps its code, and gives its instances up. */
  #change(record: FunctionRecord, { body }: ApiRequest): Reply {
    const { registry, pools, triggers, tags } = this.#options;
    const { functionId } = record;
    const told = readAs(changeSchema, body());
    const settings = told.triggers && triggers.read(told.triggers);
    const before = this.activeVersion(record);
    const pool = changePool(before.pool, told.pool ?? {});
    const codeBefore = registry.codeOf(before);
    const code = told.code === undefined ? codeBefore : ({ kind: 'source', text: told.code } as const);
    const isNewCode = told.code !== undefined && !(codeBefore.kind === 'source' && codeBefore.text === told.code);
    const launch = changeLaunch(before.launch, told);
    checkCode(code);
    // The last that may be refused, and so before anything is changed.
    if (settings) triggers.set(record, { wanted: settings, before: triggers.read(record.triggers) });
    if (launch || isNewCode) {
      registry.addVersion(functionId, { launch: launch ?? before.launch, pool, code, policy: before.policy });
      registry.updateVersion(before.versionId, {
        pool: { ...before.pool, instancesMin: 0, keepWarm: 0, freeBesideBusy: 0 },
      });
      pools.cool(before.versionId);
      this.#dropOldest(functionId);
    } else if (told.pool) registry.updateVersion(before.versionId, { pool });
    const changed = registry.updateFunction(functionId, {
      ...(told.name === undefined ? {} : { name: told.name }),
      ...(told.triggers === undefined ? {} : { triggers: told.triggers }),
    });
    tags.write('REGISTRY', shownId(changed), `Updated function: ${shownId(changed)}`);
    return ok(this.#show(changed));
  }

  /** But for those that a trigger calls by their own id. */
  #dropOldest(functionId: string): void {
    const { registry, triggers } = this.#options;
    const versions = registry.versionsOf(functionId);
    const called = triggers.versionsOf({ functionId });
    for (const { versionId } of versions.slice(0, Math.max(0, versions.length - VERSIONS_MAX))) {
      if (!called.has(versionId)) registry.removeVersion(versionId);
    }
  }

  async #warm(record: FunctionRecord): Promise<Reply> {
    const { versionId } = this.activeVersion(record);
    await this.#options.pools.warm(versionId, { count: WARM_STEP, source: 'manual' });
    return { status: 200, body: { status: 'warmed' } };
  }

  /** In the background: what does not start is told to who calls. */
  #prewarm({ versionId }: RegisteredVersion, { count, id }: { count: number; id: string }): void {
    const { pools, logger } = this.#options;
    pools.warm(versionId, { count, source: 'prewarm' }).catch((error: unknown) => {
      logger.warn({ event: 'orchestrator.prewarm-failed', function: id, err: error }, 'a function does not start');
    });
  }

  #logs({ query }: ApiRequest, record: FunctionRecord | undefined): Reply {
    const limit = countIn(query, 'limit', LOG_LINES);
    const lines = this.#options.tags.newest({ limit, functionId: record && shownId(record) });
    return ok({
      logs: lines.map(({ timeMs, line }) => ({ timestamp: new Date(timeMs).toISOString(), message: line })),
    });
  }

  #versions(record: FunctionRecord) {
    return this.#options.registry.versionsOf(record.functionId).map(({ number, versionId, status, createdMs }) => ({
      version: number,
      versionId,
      status,
      isActive: versionId === record.activeVersionId,
      createdAt: new Date(createdMs).toISOString(),
    }));
  }

  #records(): readonly FunctionRecord[] {
    return this.#options.registry.functions('orchestrator');
  }

  #counted(): readonly CountedFunction[] {
    return this.#records().map((record) => this.#count(record));
  }

  #count(record: FunctionRecord): CountedFunction {
    const shown: ShownFunction = { id: shownId(record), name: record.name };
    return { shown, versions: this.#options.registry.versionsOf(record.functionId) };
  }

  #show(record: FunctionRecord) {
    const version = this.activeVersion(record);
    return showDefinition(record, version, this.#options.registry.codeOf(version));
  }
}

import type { FunctionRecord } from '../../model/function-record.ts';
import type { Reply } from '../../model/reply.ts';
import { checkCode } from '../../registry/check-code.ts';
import { changePool } from '../../registry/version-settings.ts';
import { type Route, route } from '../route.ts';
import {
  changeLaunch,
  changeSchema,
  definitionSchema,
  definitionView,
  launchOf,
  ORCHESTRATOR_POOL,
} from './definition.ts';
import { shownId } from './function-labels.ts';
import { pageOfFunctions } from './function-pages.ts';
import { makeId } from './ids.ts';
import type { OrchestratorTools } from './orchestrator-tools.ts';
import { created, jsonOf, ok, readAs } from './replies.ts';

/** Source of 4 MiB as JSON, where a line break is two characters, and the rest of the definition. */
const DEFINITION_MAX_BYTES = 10 * 2 ** 20;
/** As many as one warm-up adds. */
const WARM_STEP = 2;
/** Of one function, the active one included. Each holds its code. */
const VERSIONS_MAX = 10;

/** Definitions of functions: made, read, changed and deleted; their versions and triggers; instances warmed by hand. */
export function functionRoutes(tools: OrchestratorTools): readonly Route[] {
  const { registry, functions, pools, definedTriggers } = tools;
  const options = { bodyMaxBytes: DEFINITION_MAX_BYTES };
  return [
    route('GET', '/functions', ({ query }) =>
      ok(pageOfFunctions(functions.all(), { query, view: (record) => viewOf(record, tools) })),
    ),
    route('POST', '/functions', ({ body }) => create(body, tools), options),
    route('GET', '/functions/{id}', ({ params }) => ok(viewOf(functions.find(params.id), tools))),
    route('PATCH', '/functions/{id}', ({ params, body }) => change(functions.find(params.id), body, tools), options),
    route('DELETE', '/functions/{id}', ({ params }) => {
      // The line in the log is written by the listener of the registry, whatever port this was deleted on.
      registry.removeFunction(functions.find(params.id).functionId);
      return { status: 200, body: { status: 'deleted' } };
    }),
    route('POST', '/functions/{id}/warm', async ({ params }) => {
      const { versionId } = functions.activeVersion(functions.find(params.id));
      await pools.warm(versionId, { count: WARM_STEP, source: 'manual' });
      return { status: 200, body: { status: 'warmed' } };
    }),
    route('GET', '/functions/{id}/triggers', ({ params }) =>
      ok({ triggers: definedTriggers.view(functions.find(params.id)) }),
    ),
    route('GET', '/functions/{id}/versions', ({ params }) =>
      ok({ versions: versionsView(functions.find(params.id), tools) }),
    ),
  ];
}

function create(body: Buffer, tools: OrchestratorTools): Reply {
  const { registry, pools, definedTriggers, tags, logger } = tools;
  const definition = readAs(definitionSchema, jsonOf(body));
  const settings = definedTriggers.read(definition.triggers);
  const { record, version } = registry.create({
    namespace: 'orchestrator',
    name: definition.name,
    aliases: [makeId('fn', tools)],
    launch: launchOf(definition),
    pool: changePool(ORCHESTRATOR_POOL, definition.pool),
    code: { kind: 'source', text: definition.code },
    triggers: definition.triggers,
  });
  try {
    definedTriggers.set(record, { wanted: settings });
  } catch (error) {
    registry.removeFunction(record.functionId);
    throw error;
  }
  const id = shownId(record);
  tags.write('REGISTRY', id, `Registered function: ${record.name} (${id})`);
  if (definition.prewarm > 0) {
    // In the background: the next call of the function is answered with the reason why it does not start.
    pools.warm(version.versionId, { count: definition.prewarm, source: 'prewarm' }).catch((error: unknown) => {
      logger.warn({ event: 'orchestrator.prewarm-failed', function: id, err: error }, 'a function does not start');
    });
  }
  return created(viewOf(record, tools), { location: `/functions/${encodeURIComponent(id)}` });
}

/** Code and launch settings make a new version; the one before keeps its code, and gives its instances up. */
function change(record: FunctionRecord, body: Buffer, tools: OrchestratorTools): Reply {
  const { registry, functions, pools, definedTriggers, tags } = tools;
  const { functionId } = record;
  const changes = readAs(changeSchema, jsonOf(body));
  const settings = changes.triggers && definedTriggers.read(changes.triggers);
  const before = functions.activeVersion(record);
  const pool = changePool(before.pool, changes.pool ?? {});
  const codeBefore = registry.codeOf(before);
  const code = changes.code === undefined ? codeBefore : ({ kind: 'source', text: changes.code } as const);
  const isNewCode = changes.code !== undefined && !(codeBefore.kind === 'source' && codeBefore.text === changes.code);
  const launch = changeLaunch(before.launch, changes);
  checkCode(code);
  // The last that may be refused, and so before anything is changed.
  if (settings) definedTriggers.set(record, { wanted: settings, before: definedTriggers.read(record.triggers) });
  if (launch || isNewCode) {
    registry.addVersion(functionId, { launch: launch ?? before.launch, pool, code, policy: before.policy });
    registry.updateVersion(before.versionId, {
      pool: { ...before.pool, instancesMin: 0, keepWarm: 0, freeBesideBusy: 0 },
    });
    pools.cool(before.versionId);
    dropOldest(functionId, tools);
  } else if (changes.pool) registry.updateVersion(before.versionId, { pool });
  const { name = record.name, triggers = record.triggers } = changes;
  const changed = registry.updateFunction(functionId, { name, triggers });
  tags.write('REGISTRY', shownId(changed), `Updated function: ${shownId(changed)}`);
  return ok(viewOf(changed, tools));
}

/** But for those that a trigger calls by their own id. */
function dropOldest(functionId: string, { registry, definedTriggers }: OrchestratorTools): void {
  const versions = registry.versionsOf(functionId);
  const called = definedTriggers.versionsOf({ functionId });
  for (const { versionId } of versions.slice(0, Math.max(0, versions.length - VERSIONS_MAX))) {
    if (!called.has(versionId)) registry.removeVersion(versionId);
  }
}

function versionsView({ functionId, activeVersionId }: FunctionRecord, { registry }: OrchestratorTools) {
  return registry.versionsOf(functionId).map(({ number, versionId, status, createdMs }) => ({
    version: number,
    versionId,
    status,
    isActive: versionId === activeVersionId,
    createdAt: new Date(createdMs).toISOString(),
  }));
}

function viewOf(record: FunctionRecord, { registry, functions }: OrchestratorTools) {
  const version = functions.activeVersion(record);
  return definitionView(record, version, registry.codeOf(version));
}

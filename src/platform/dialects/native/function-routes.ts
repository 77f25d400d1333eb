import { compareIds } from '../../../contract/scaling-targets.ts';
import { type FunctionRecord, NAMESPACES } from '../../model/function-record.ts';
import { PlatformError } from '../../model/platform-error.ts';
import type { Reply } from '../../model/reply.ts';
import { changePool, DEFAULT_POOL } from '../../registry/version-settings.ts';
import { choiceIn, countIn } from '../query-value.ts';
import { parseJson } from '../read-body.ts';
import { type Route, type RouteRequest, route } from '../route.ts';
import type { NativeTools } from './native-tools.ts';
import { ok, readAs } from './replies.ts';
import {
  codeOf,
  functionChangeSchema,
  newFunctionSchema,
  newVersionSchema,
  PAGE_MAX,
  versionChangeSchema,
  warmSchema,
} from './requests.ts';
import { functionView, versionsView, versionView } from './views.ts';

/** Functions and their versions: made, read, changed and deleted. */
export function functionRoutes(tools: NativeTools): readonly Route[] {
  const { registry, functions } = tools;
  return [
    route('GET', '/v1/functions', ({ query }) => listFunctions(query, tools)),
    route('POST', '/v1/functions', (request) => register(request, tools)),
    route('GET', '/v1/functions/{id}', ({ params }) => {
      const record = functions.find(params.id);
      return ok({ function: functionView(record, tools), versions: versionsView(record, tools) });
    }),
    route('PATCH', '/v1/functions/{id}', (request) => {
      const { functionId } = changeable(functions.find(request.params.id));
      const changed = registry.updateFunction(functionId, readAs(functionChangeSchema, parseJson(request.body)));
      return ok({ function: functionView(changed, tools) });
    }),
    route('DELETE', '/v1/functions/{id}', ({ params }) => {
      registry.removeFunction(changeable(functions.find(params.id)).functionId);
      return { status: 204 };
    }),
    route('GET', '/v1/functions/{id}/versions', ({ params }) =>
      ok({ versions: versionsView(functions.find(params.id), tools) }),
    ),
    route('POST', '/v1/functions/{id}/versions', (request) => addVersion(request, tools)),
    route('GET', '/v1/functions/{id}/versions/{version}', ({ params }) => {
      const version = functions.versionOf(functions.find(params.id), params.version);
      return ok({ version: versionView(version, tools) });
    }),
    route('PATCH', '/v1/functions/{id}/versions/{version}', (request) => changeVersion(request, tools)),
    route('DELETE', '/v1/functions/{id}/versions/{version}', ({ params }) => {
      const { versionId } = functions.versionOf(functions.find(params.id), params.version);
      registry.removeVersion(versionId);
      return { status: 204 };
    }),
    route('POST', '/v1/functions/{id}/warm', ({ params, body }) => {
      const record = functions.find(params.id);
      const { versionId } = functions.versionOf(record, record.activeVersionId ?? '');
      return warm(versionId, body, tools);
    }),
    route('POST', '/v1/functions/{id}/versions/{version}/warm', ({ params, body }) => {
      const { versionId } = functions.versionOf(functions.find(params.id), params.version);
      return warm(versionId, body, tools);
    }),
  ];
}

function listFunctions(query: URLSearchParams, tools: NativeTools): Reply {
  const limit = countIn(query, 'limit', { usual: 100, max: PAGE_MAX });
  const after = query.get('after') ?? '';
  const namespace = choiceIn(query, 'namespace', NAMESPACES);
  const found = tools.registry
    .functions(namespace)
    .filter(({ functionId }) => compareIds(functionId, after) > 0)
    .sort((a, b) => compareIds(a.functionId, b.functionId));
  const page = found.slice(0, limit);
  return ok({
    functions: page.map((record) => functionView(record, tools)),
    next: found.length > limit ? (page.at(-1)?.functionId ?? null) : null,
  });
}

async function register({ body }: RouteRequest<unknown>, tools: NativeTools): Promise<Reply> {
  const { registry, deployer } = tools;
  const { name, account, code, pool, policy, prewarm, ...launch } = readAs(newFunctionSchema, parseJson(body));
  const { record, version } = registry.create({
    namespace: 'native',
    name,
    account,
    launch,
    pool: changePool(DEFAULT_POOL, pool),
    code: await codeOf(code),
    policy: policy ?? undefined,
    status: prewarm > 0 ? 'DEPLOYING' : 'ACTIVE',
  });
  if (prewarm > 0) deployer.deploy(version, prewarm);
  const location = `/v1/functions/${encodeURIComponent(record.functionId)}`;
  const views = { function: functionView(record, tools), version: versionView(version, tools) };
  return { status: 201, body: views, headers: { location } };
}

async function addVersion({ params, body }: RouteRequest<{ id: string }>, tools: NativeTools): Promise<Reply> {
  const { registry, functions, deployer } = tools;
  const record = changeable(functions.find(params.id));
  const { code: given, pool, policy, prewarm, isActive, ...launch } = readAs(newVersionSchema, parseJson(body));
  // Before anything is read that may change while a zip is unpacked.
  const code = given === undefined ? undefined : await codeOf(given);
  const before = functions.versionOf(record, record.activeVersionId ?? '');
  const version = registry.addVersion(
    record.functionId,
    {
      launch: { ...before.launch, ...launch },
      pool: changePool(before.pool, pool),
      code: code ?? registry.codeOf(before),
      policy: policy === undefined ? before.policy : (policy ?? undefined),
      status: prewarm > 0 ? 'DEPLOYING' : 'ACTIVE',
    },
    { isActive },
  );
  if (prewarm > 0) deployer.deploy(version, prewarm);
  return { status: 201, body: { version: versionView(version, tools) } };
}

function changeVersion({ params, body }: RouteRequest<{ id: string; version: string }>, tools: NativeTools): Reply {
  const { registry, functions } = tools;
  const { versionId, pool } = functions.versionOf(functions.find(params.id), params.version);
  const change = readAs(versionChangeSchema, parseJson(body));
  const changed = registry.updateVersion(versionId, {
    ...(change.pool === undefined ? {} : { pool: changePool(pool, change.pool) }),
    ...(change.status === undefined ? {} : { status: change.status, statusDetail: '' }),
    ...(change.policy === undefined ? {} : { policy: change.policy ?? undefined, configuration: undefined }),
  });
  return ok({ version: versionView(changed, tools) });
}

async function warm(versionId: string, body: Buffer, { pools }: NativeTools): Promise<Reply> {
  const { count } = readAs(warmSchema, parseJson(body));
  return ok({ versionId, warm: await pools.warm(versionId, { count, source: 'manual' }) });
}

/** The functions that ship with the platform are as they are. Throws `input-invalid`. */
function changeable(record: FunctionRecord): FunctionRecord {
  if (record.namespace !== 'builtin') return record;
  throw new PlatformError('input-invalid', 'built-in functions cannot be changed');
}

import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { PlatformError } from '../../../../src/platform/model/platform-error.ts';
import { aPlatform, type RunningPlatform } from './a-platform.ts';
import { instanceOf, invocationOf, poolOf } from './scripted-engine.ts';

interface Operation {
  readonly $ref?: string;
  readonly responses?: Record<string, { content?: Record<string, { schema: object }> }>;
}

const document: { paths: Record<string, Record<string, Operation>>; components: { 'x-operations': object } } = parse(
  readFileSync(new URL('../../../../docs/openapi/platform.yaml', import.meta.url), 'utf8'),
);
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods)
    .filter(([method]) => METHODS.includes(method))
    .map(([method, operation]) => ({ path, method, operation: resolved(operation) })),
);

function resolved(operation: Operation): Operation {
  if (!operation.$ref) return operation;
  const name = operation.$ref.split('/').at(-1) ?? '';
  return (document.components['x-operations'] as Record<string, Operation>)[name] ?? {};
}

const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
ajv.addSchema(document, 'openapi');

/** What the page says of an answer, with the references of the page. */
function complaintsAbout(schema: object, body: unknown): unknown[] {
  const text = JSON.stringify(schema).replaceAll('"#/', '"openapi#/');
  const validate = ajv.compile(JSON.parse(text));
  validate(body);
  return validate.errors ?? [];
}

let running: RunningPlatform;
let ids: { id: string; version: string; trigger: string };
beforeAll(async () => {
  running = await aPlatform();
  const definition = { name: 'hello', runtime: 'node24', code: 'exports.handler = 1' };
  const { body } = await running.ask('POST', '/v1/functions', definition);
  const queue = await running.ask('POST', '/v1/functions/hello/triggers', {
    kind: 'queue',
    queue: 'work',
    attemptsMax: 1,
  });
  await running.ask('POST', '/v1/functions/hello/triggers', { kind: 'schedule', cron: '@hourly' });
  await running.ask('POST', '/v1/functions/hello/triggers', { kind: 'http', path: '/here', method: 'GET' });
  ids = {
    id: body.function.functionId,
    version: body.version.versionId,
    trigger: queue.body.trigger.triggerId,
  };
  running.engine.snapshotOf.set(ids.version, poolOf(ids.version, { instances: [instanceOf()] }));
  await running.ask('POST', '/v1/functions/hello/invoke', {});
  running.engine.onInvoke = async (request) => {
    const { body: _, ...facts } = invocationOf(request);
    const thrown = { errorType: 'Error', message: 'no', stack: 'Error: no' };
    throw new PlatformError('handler-failed', 'no', { facts, thrown });
  };
});
afterAll(() => running.platform.stop({ graceMs: 0 }));

const BODIES: Readonly<Record<string, unknown>> = {
  'post /v1/functions': { name: 'other', runtime: 'python3.13', code: { files: { 'app.py': '' } }, handler: 'app.f' },
  'patch /v1/functions/{id}': { name: 'renamed' },
  'post /v1/functions/{id}/versions': { memoryMb: 64, policy: { kind: 'target', target: 0.5 }, isActive: false },
  'patch /v1/functions/{id}/versions/{version}': { pool: { usesMax: null }, status: 'ACTIVE' },
  'post /v1/functions/{id}/warm': { count: 2 },
  'post /v1/functions/{id}/triggers': { kind: 'http', path: '/orders/{id}', method: 'post' },
  'patch /v1/triggers/{trigger}': { isEnabled: false },
  'post /v1/queues/{queue}/messages': { job: 1 },
};

describe('docs/openapi/platform.yaml', () => {
  // Deleting comes last, so that the rest has something to look at.
  const order = [...operations].sort((a, b) => Number(a.method === 'delete') - Number(b.method === 'delete'));

  it.each(order)('$method $path is answered as it says', async ({ path, method, operation }) => {
    const at = path
      .replace('{id}', ids.id)
      .replace('{version}', ids.version)
      .replace('{trigger}', ids.trigger)
      .replace('{queue}', 'work')
      .replace('{path}', 'here');
    const reply = await running.ask(method.toUpperCase(), at, BODIES[`${method} ${path}`]);
    const told = operation.responses?.[reply.status] ?? operation.responses?.['default'];
    expect(told, `status ${reply.status}: ${JSON.stringify(reply.body)}`).toBeDefined();
    const type = reply.headers.get('content-type')?.split(';')[0] ?? '';
    if (reply.body === undefined) return;
    const problem = { $ref: '#/components/schemas/Problem' };
    const schema = reply.status >= 400 ? problem : told?.content?.[type]?.schema;
    if (reply.status < 400 && !told?.content) return;
    expect(schema, type).toBeDefined();
    expect(complaintsAbout(schema ?? {}, reply.body)).toEqual([]);
    if (method === 'delete' || path.endsWith('invoke') || path.startsWith('/routes')) return;
    expect(reply.status).toBeLessThan(400);
  });

  it('would complain about what is not as it says', () => {
    const paths = Object.keys(document.paths).filter((path) => path.startsWith('/v1/'));
    expect(paths.length).toBeGreaterThan(12);
    expect(complaintsAbout({ $ref: '#/components/schemas/Function' }, {})).not.toEqual([]);
  });
});

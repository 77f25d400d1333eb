import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DIALECTS } from '../../../../src/wiring/platform-dialects.ts';
import { MemberProcess, until } from '../../../support/member-process.ts';
import { isAlive, RunningPlatform } from '../../../support/platform/running-platform.ts';
import { shell } from './shell.ts';

const folders: string[] = [];

function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'starling-orchestrator-'));
  folders.push(folder);
  return folder;
}

const start = (dataDir = aFolder()) => RunningPlatform.start({ dataDir, flags: ['--orchestrator', '127.0.0.1:0'] });

const urlOf = ({ urls }: RunningPlatform) => urls['orchestrator'] ?? '';

/** What the orchestrator has written so far. */
const linesOf = (platform: RunningPlatform) => platform.process.lines.map((line) => String(line['msg'] ?? ''));

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describe('the documented commands, unchanged', () => {
  let platform: RunningPlatform;
  beforeAll(async () => {
    platform = await start();
  });
  afterAll(() => platform.process.stop());

  const paste = (script: string) => shell(script, urlOf(platform));
  // biome-ignore lint/suspicious/noExplicitAny: answers are what is being tested, and looked into freely
  const json = async (script: string): Promise<any> => JSON.parse(await paste(script));

  it('prints where it listens', async () => {
    const url = urlOf(platform);
    expect(linesOf(platform)).toEqual(
      expect.arrayContaining([
        `Serverless Orchestrator listening on port ${new URL(url).port}`,
        `Health check: ${url}/health`,
        `Functions: ${url}/functions`,
      ]),
    );
  });

  it('registers a function and runs its code', async () => {
    const made = await json(`curl -X POST http://localhost:3001/functions \\
  -H "Content-Type: application/json" \\
  -d '{
    "name": "hello-world",
    "runtime": "node",
    "handler": "index.handler",
    "code": "exports.handler = async (event) => ({ statusCode: 200, body: JSON.stringify({ message: \\"Hello from serverless!\\" }) })",
    "timeout": 30000,
    "memory": 256,
    "triggers": [{"type": "http", "config": {}}]
  }'`);
    expect(made).toMatchObject({ name: 'hello-world', memory: 256, triggers: [{ type: 'http', config: {} }] });
    const reply = await json(`curl -X POST http://localhost:3001/functions/${made.id}/invoke \\
  -H "Content-Type: application/json" \\
  -d '{
    "name": "World",
    "message": "Hello from client"
  }'`);
    expect(reply).toMatchObject({
      statusCode: 200,
      body: { message: 'Hello from serverless!' },
      coldStart: true,
      logs: [
        `[START] Request ${reply.requestId}`,
        `[INFO] Function: hello-world (${made.id})`,
        expect.stringMatching(/^\[INFO\] Instance: inst-\d+$/),
        `[END] Request ${reply.requestId}`,
      ],
    });
    expect(reply.memoryUsed).toBeGreaterThan(10);
    expect(reply.memoryUsed).toBeLessThan(256);
    const { metrics } = await json('curl http://localhost:3001/metrics');
    expect(metrics).toContainEqual({
      functionId: made.id,
      functionName: 'hello-world',
      total: 1,
      warm: 1,
      busy: 0,
    });
  });

  it('runs the basic flow, with the default handler for code that is a single word', async () => {
    const before = platform.process.lines.length;
    const [cold, warm, metrics, warmed, deleted, id] = (
      await paste(`
FUNC_ID=$(curl -s -X POST http://localhost:3001/functions \\
  -H "Content-Type: application/json" \\
  -d '{"name":"test","runtime":"node","handler":"index.handler","code":"code","timeout":3000,"memory":128,"triggers":[]}' \\
  | node -p 'JSON.parse(require("fs").readFileSync(0)).id')
curl -s -X POST http://localhost:3001/functions/$FUNC_ID/invoke \\
  -H "Content-Type: application/json" \\
  -d '{"test": true}'
printf '\\n---\\n'
curl -s -X POST http://localhost:3001/functions/$FUNC_ID/invoke \\
  -H "Content-Type: application/json" \\
  -d '{"test": true}'
printf '\\n---\\n'
curl -s http://localhost:3001/metrics
printf '\\n---\\n'
curl -s -X POST http://localhost:3001/functions/$FUNC_ID/warm
printf '\\n---\\n'
curl -s -X DELETE http://localhost:3001/functions/$FUNC_ID
printf '\\n---\\n'
printf '"%s"' "$FUNC_ID"`)
    )
      .split('\n---\n')
      .map((text) => JSON.parse(text));
    expect(cold).toMatchObject({
      statusCode: 200,
      body: {
        message: 'Function executed successfully',
        functionName: 'test',
        instanceId: expect.stringMatching(/^inst-\d+$/),
        payload: { test: true },
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      },
      coldStart: true,
    });
    expect(cold.logs[2]).toBe(`[INFO] Instance: ${cold.body.instanceId}`);
    expect(warm).toMatchObject({ coldStart: false, body: { instanceId: cold.body.instanceId } });
    expect(warm.duration).toBeLessThan(cold.duration / 2);
    expect(metrics.metrics).toContainEqual({ functionId: id, functionName: 'test', total: 1, warm: 1, busy: 0 });
    expect(warmed).toEqual({ status: 'warmed' });
    expect(deleted).toEqual({ status: 'deleted' });
    await until('its instances have gone', 10_000, async () =>
      (await platform.instances()).every(({ state }) => state === 'warm'),
    );
    const written = linesOf(platform).slice(before);
    for (const line of [
      `[REGISTRY] Registered function: test (${id})`,
      `[POOL] Created instance ${cold.body.instanceId} for function ${id}`,
      `[OPTIMIZER] Warming instance ${cold.body.instanceId}`,
      `[OPTIMIZER] Instance ${cold.body.instanceId} is now warm`,
      `[OPTIMIZER] Pre-warming 2 instances for function ${id}`,
      `[REGISTRY] Deleted function: ${id}`,
    ]) {
      expect(written).toContain(line);
    }
    expect(written.filter((line) => line.startsWith('[ROUTER]'))).toHaveLength(2);
    expect(written.filter((line) => line.startsWith('[POOL] Removing instance'))).toHaveLength(3);
  });

  it('answers on the path of a trigger, as in the documented definition', async () => {
    await json(`curl -s -X POST http://localhost:3001/functions -d '{
  "name": "hello-world",
  "runtime": "node",
  "handler": "index.handler",
  "code": "exports.handler = async (event) => ({ statusCode: 200, body: event.query.name ?? \\u0027Hello!\\u0027 })",
  "timeout": 30000,
  "memory": 256,
  "environment": {
    "ENV": "production"
  },
  "triggers": [
    {
      "type": "http",
      "config": { "path": "/hello", "method": "POST" }
    }
  ]
}'`);
    expect(await paste('curl -s -X POST http://localhost:3001/hello')).toBe('Hello!');
    expect(await paste("curl -s -X POST 'http://localhost:3001/hello?name=you'")).toBe('you');
    expect(await paste('curl -s -o /dev/null -w "%{http_code}" http://localhost:3001/hello')).toBe('405');
  });

  it('listens on 3001, or on PORT', async () => {
    expect(DIALECTS.find(({ name }) => name === 'orchestrator')).toMatchObject({ port: 3001, portVariable: 'PORT' });
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as AddressInfo;
    await new Promise((resolve) => holder.close(resolve));
    const other = new MemberProcess(
      ['platform', '--data-dir', aFolder(), '--native', 'off', '--no-faas-server', '--log-format', 'json'],
      { PORT: String(port) },
    );
    try {
      const { urls } = await other.event('platform.started');
      expect(urls).toEqual({ orchestrator: `http://127.0.0.1:${port}` });
      expect(await (await fetch(`http://localhost:${port}/health`)).json()).toEqual({ status: 'healthy' });
    } finally {
      expect(await other.stop()).toMatchObject({ code: 0 });
    }
  });
});

describe('functions of the orchestrator in real processes', () => {
  let platform: RunningPlatform;
  beforeAll(async () => {
    platform = await start();
  });
  afterAll(() => platform.process.stop());

  // biome-ignore lint/suspicious/noExplicitAny: answers are what is being tested, and looked into freely
  const ask = async (method: string, path: string, body?: unknown): Promise<{ status: number; body: any }> => {
    const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await fetch(`${urlOf(platform)}${path}`, init);
    return { status: response.status, body: await response.json() };
  };
  const register = async (code: string, more: object = {}) => {
    const { status, body } = await ask('POST', '/functions', { name: 'f', code, ...more });
    expect(status).toBe(201);
    return body.id as string;
  };
  const invoke = (id: string, event: object = {}) => ask('POST', `/functions/${id}/invoke`, event);

  it('runs Python', async () => {
    const id = await register('def handler(event, context):\n    return {"statusCode": 201, "body": event["a"] + 1}', {
      runtime: 'python',
      handler: 'main.handler',
    });
    expect(await invoke(id, { a: 1 })).toMatchObject({ status: 201, body: { statusCode: 201, body: 2 } });
  });

  it('says that Go source has to be built', async () => {
    const id = await register('package main', { runtime: 'go' });
    const { status, body } = await invoke(id);
    expect(status).toBeGreaterThanOrEqual(500);
    expect(body.error).toMatch(/is not compiled here: deploy the built executable/);
  });

  it('runs executables of any language that speak the Lambda Runtime API', async () => {
    const code = `#!/usr/bin/env bash
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while :; do
  event=$(curl -s -D "$TMPDIR/head" "$api/next") || exit 0
  id=$(grep -i lambda-runtime-aws-request-id "$TMPDIR/head" | tr -d '\\r' | cut -d' ' -f2)
  curl -s -X POST "$api/$id/response" -d "{\\"statusCode\\": 200, \\"body\\": {\\"from\\": \\"bash\\", \\"event\\": $event}}" > /dev/null
done
`;
    const id = await register(code, { runtime: 'provided', handler: 'bootstrap' });
    expect((await invoke(id, { a: 1 })).body).toMatchObject({ body: { from: 'bash', event: { a: 1 } } });
  });

  it('each instance is a process that loads its code once and keeps its memory, with its own environment', async () => {
    const code = `let calls = 0; const born = process.hrtime.bigint().toString();
exports.handler = async ({ ms = 0 }) => { calls += 1; await new Promise((r) => setTimeout(r, ms));
  return { calls, born, pid: process.pid, env: process.env.WHO, secret: process.env.HOME_SECRET ?? null }; };`;
    const first = await register(code, { environment: { WHO: 'first' } });
    const second = await register(code, { environment: { WHO: 'second' } });
    const one = (await invoke(first)).body.body;
    const again = (await invoke(first)).body.body;
    expect(again).toEqual({ ...one, calls: 2 });
    const other = (await invoke(second)).body.body;
    expect(other).toMatchObject({ calls: 1, env: 'second' });
    expect(other.pid).not.toBe(one.pid);
    const [a, b] = await Promise.all([invoke(first, { ms: 300 }), invoke(first, { ms: 300 })]);
    expect(a.body.body.pid).not.toBe(b.body.body.pid);
    expect([a, b].map(({ body }) => body.body.calls).sort()).toEqual([1, 3]);
    expect(isAlive(one.pid)).toBe(true);
  });

  it('ends an instance that runs too long, uses too much memory or crashes, and serves the next call', async () => {
    const code = `exports.handler = async ({ what }) => {
  if (what === 'loop') for (;;);
  if (what === 'exit') process.exit(3);
  if (what === 'eat') { const kept = []; for (;;) kept.push(Buffer.alloc(8 * 2 ** 20, 1)); }
  if (what === 'throw') throw new RangeError('out of range');
  console.log('a line'); return what; };`;
    const id = await register(code, { timeout: 1_000, memory: 64 });
    const errors: Record<string, RegExp> = {
      loop: /did not answer within 1000 ms/,
      exit: /ended before it answered/,
      eat: /64 MB|ended before it answered|did not answer within/,
      throw: /^RangeError: out of range$/,
    };
    for (const [what, error] of Object.entries(errors)) {
      const { status, body } = await invoke(id, { what });
      expect(status).toBe(500);
      expect(body).toMatchObject({ error: expect.stringMatching(error), requestId: expect.any(String) });
      const next = (await invoke(id, { what: 'well' })).body;
      expect(next).toMatchObject({ statusCode: 200, body: 'well' });
      expect(next.logs).toContain('a line');
    }
  });

  it('follows the wishes of any client of the control plane', async () => {
    const id = await register('exports.handler = (event) => event');
    const { function: record } = await platform.json<{ function: { functionId: string; activeVersionId: string } }>(
      'GET',
      `/v1/functions/${id}`,
    );
    const wish = async (requiredNumberOfInstances: number, token: number) => {
      const path = `/v2/nvcf/accounts/local/predictions/functions/${record.functionId}/versions/${record.activeVersionId}`;
      const answer = await fetch(`${platform.url}${path}`, {
        method: 'PUT',
        headers: {
          'fencing-token': String(token),
          'idempotency-key': String(token),
          'content-type': 'application/json',
        },
        body: JSON.stringify({ requiredNumberOfInstances, predictedAt: new Date().toISOString() }),
      });
      expect(answer.status).toBe(200);
    };
    const warm = async () => {
      const { metrics } = (await ask('GET', '/metrics')).body;
      return metrics.find(({ functionId }: { functionId: string }) => functionId === id).warm;
    };
    await wish(3, 1);
    await until('three are warm', 10_000, async () => (await warm()) === 3);
    await ask('DELETE', `/functions/${id}`);
  });

  it('reports what is wrong with code that does not load', async () => {
    const id = await register('exports.handler = async ( => 1');
    expect(await invoke(id)).toMatchObject({ status: 500, body: { error: expect.stringMatching(/SyntaxError/) } });
  });

  it('calls functions on schedule', { timeout: 20_000 }, async () => {
    const id = await register('exports.handler = (event) => { globalThis.last = event; return event; }', {
      triggers: [{ type: 'schedule', config: { cron: '* * * * * *', timezone: 'Europe/Berlin' } }],
    });
    const { triggers } = (await ask('GET', `/functions/${id}/triggers`)).body;
    expect(triggers).toMatchObject([{ type: 'schedule', cron: '* * * * * *', timezone: 'Europe/Berlin' }]);
    expect(Date.parse(triggers[0].nextRunAt) - Date.now()).toBeLessThan(2_000);
    await until('it ran twice', 15_000, async () => (await ask('GET', `/functions/${id}/stats`)).body.invocations >= 2);
    const { logs } = (await ask('GET', `/functions/${id}/logs`)).body;
    expect(logs.some(({ message }: { message: string }) => /^\[ROUTER\] .*\(schedule\).*: ok/.test(message))).toBe(
      true,
    );
    await ask('DELETE', `/functions/${id}`);
  });

  it('delivers messages of a queue', { timeout: 20_000 }, async () => {
    const id = await register('exports.handler = (event) => event', {
      triggers: [{ type: 'event', config: { source: 'queue', queueName: 'processing-queue' } }],
    });
    expect(await ask('POST', '/queues/processing-queue', { job: 1 })).toMatchObject({
      status: 202,
      body: { status: 'queued', messageId: expect.any(String) },
    });
    await until(
      'it was called',
      15_000,
      async () => (await ask('GET', `/functions/${id}/stats`)).body.invocations === 1,
    );
    await until('the queue is empty', 5_000, async () => {
      const [trigger] = (await ask('GET', `/functions/${id}/triggers`)).body.triggers;
      return trigger.waiting + trigger.leased + trigger.dead === 0;
    });
  });

  it('answers many calls at once without an error', { timeout: 60_000 }, async () => {
    const id = await register('exports.handler = async (event) => event');
    const replies: { status: number }[] = [];
    const next = async (): Promise<void> => {
      while (replies.length < 300) replies.push(await invoke(id, { a: 1 }));
    };
    await Promise.all(Array.from({ length: 10 }, next));
    expect(replies.filter(({ status }) => status !== 200)).toEqual([]);
  });
});

describe('stopping and starting again', () => {
  const running: RunningPlatform[] = [];
  afterEach(async () => {
    for (const { process } of running) process.kill('SIGKILL');
    await Promise.all(running.splice(0).map(({ process }) => process.ended));
  });

  it('answers running calls before it ends, and keeps registered functions', { timeout: 60_000 }, async () => {
    const dataDir = aFolder();
    const platform = await start(dataDir);
    running.push(platform);
    const definition = {
      name: 'slow',
      code: 'exports.handler = async () => { await new Promise((r) => setTimeout(r, 1_500)); return process.pid; }',
      triggers: [{ type: 'http', config: { path: '/slow' } }],
    };
    const made = (await (
      await fetch(`${urlOf(platform)}/functions`, { method: 'POST', body: JSON.stringify(definition) })
    ).json()) as { id: string };
    const answer = fetch(`${urlOf(platform)}/functions/${made.id}/invoke`, { method: 'POST' });
    await until('it runs', 10_000, async () => (await platform.instances()).some(({ state }) => state === 'busy'));
    const ended = platform.process.stop();
    const reply = await answer;
    expect(reply.status).toBe(200);
    const { body: pid } = (await reply.json()) as { body: number };
    expect(await ended).toMatchObject({ code: 0 });
    expect(isAlive(pid)).toBe(false);
    const again = await start(dataDir);
    running.push(again);
    expect(await (await fetch(`${urlOf(again)}/functions/${made.id}`)).json()).toEqual(made);
    expect((await fetch(`${urlOf(again)}/slow`)).status).toBe(200);
  });
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { until } from '../../../support/member-process.ts';
import { RunningPlatform } from '../../../support/platform/running-platform.ts';

const folder = mkdtempSync(join(tmpdir(), 'starling-triggers-'));
const seenFile = join(folder, 'seen');
let platform: RunningPlatform | undefined;
afterEach(async () => {
  await platform?.process.stop();
  platform = undefined;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Notes each event in a file, after `ms`; fails as often as the event says it has not failed enough. */
const NODE = `
  const { appendFileSync } = require('node:fs');
  exports.handler = async (event) => {
    if (event.ms) await new Promise((resolve) => setTimeout(resolve, event.ms));
    appendFileSync(${JSON.stringify(seenFile)}, JSON.stringify(event) + '\\n');
    if (event.fails) throw new Error('no luck');
    return { statusCode: 202, headers: { 'x-seen': 'yes' }, body: JSON.stringify({ params: event.params }) };
  };
`;

const PYTHON = `
import json

def handler(event, context):
    with open(${JSON.stringify(seenFile)}, "a") as seen:
        seen.write(json.dumps(event) + "\\n")
    return {"statusCode": 202, "body": event.get("params")}
`;

// biome-ignore lint/suspicious/noExplicitAny: events are what is being tested, and looked into freely
const seen = (): any[] =>
  readFileSync(seenFile, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

async function start(dataDir: string): Promise<RunningPlatform> {
  writeFileSync(seenFile, '');
  platform = await RunningPlatform.start({ dataDir });
  return platform;
}

async function addTrigger(name: string, told: object): Promise<string> {
  const { trigger } = await platform!.json<{ trigger: { triggerId: string } }>(
    'POST',
    `/v1/functions/${name}/triggers`,
    told,
  );
  return trigger.triggerId;
}

const publish = (queue: string, message: unknown) => platform!.json('POST', `/v1/queues/${queue}/messages`, message);

describe.each([
  ['node', 'index.handler', NODE],
  ['python', 'index.handler', PYTHON],
])('triggers of a real %s function', (runtime, handler, code) => {
  it('call it by route, by schedule and by queue', async () => {
    const { register, url } = await start(join(folder, `${runtime}-all`));
    await register.call(platform, { name: 'f', runtime, handler, code });
    await addTrigger('f', { kind: 'http', path: '/orders/{id}', method: 'PUT' });
    await addTrigger('f', { kind: 'schedule', cron: '* * * * * *', payload: { by: 'schedule' } });
    await addTrigger('f', { kind: 'queue', queue: 'work' });
    const answer = await fetch(`${url}/routes/orders/7?deep=1`, { method: 'PUT' });
    expect([answer.status, await answer.json()]).toEqual([
      202,
      runtime === 'node' ? { params: { id: '7' } } : { id: '7' },
    ]);
    await publish('work', { by: 'queue' });
    await until('all of them have called', 15_000, async () => {
      const events = seen();
      return (
        events.some(({ by }) => by === 'queue') && events.filter(({ by }) => by === 'schedule').length >= 2 && events
      );
    });
    expect(seen().find(({ path }) => path)).toMatchObject({ method: 'PUT', path: '/orders/7', query: { deep: '1' } });
    expect(await platform?.metric('starling_platform_trigger_fires_total', { kind: 'queue' })).toBe(1);
    const { invocations } = await platform!.json<{ invocations: { source: string }[] }>('GET', '/v1/invocations');
    expect(new Set(invocations.map(({ source }) => source))).toEqual(new Set(['http', 'schedule', 'queue']));
  });
});

describe('messages', () => {
  it('survive a platform that is killed while it delivers them', async () => {
    const dataDir = join(folder, 'killed');
    await start(dataDir);
    await platform!.register({ name: 'f', runtime: 'node', code: NODE });
    await addTrigger('f', { kind: 'queue', queue: 'work', concurrency: 2 });
    for (let job = 0; job < 6; job += 1) await publish('work', { job, ms: 300 });
    await until('one was delivered', 15_000, async () => seen().length > 0);
    platform!.process.kill('SIGKILL');
    await platform!.process.stop();
    platform = await RunningPlatform.start({ dataDir });
    await until('each was delivered', 20_000, async () => new Set(seen().map(({ job }) => job)).size === 6);
    await until('nothing is left', 5_000, async () => {
      const { triggers } = await platform!.json<{ triggers: { messages: object }[] }>('GET', '/v1/triggers');
      return JSON.stringify(triggers[0]?.messages) === '{"waiting":0,"leased":0,"dead":0}';
    });
  });

  it('that fail are tried a set number of times, and are then dead, with the error', async () => {
    await start(join(folder, 'failing'));
    await platform!.register({ name: 'f', runtime: 'node', code: NODE });
    const triggerId = await addTrigger('f', { kind: 'queue', queue: 'work', attemptsMax: 3, backoffMs: 20 });
    await publish('work', { fails: true });
    const dead = await until('it is dead', 15_000, async () => {
      const { messages } = await platform!.json<{ messages: object[] }>('GET', `/v1/triggers/${triggerId}/dead`);
      return messages[0];
    });
    expect(dead).toMatchObject({ attempts: 3, lastError: 'no luck', body: { fails: true } });
    expect(seen().length).toBe(3);
  });
});

describe('a schedule', () => {
  it('that missed times while the platform was down fires once for all of them', async () => {
    const dataDir = join(folder, 'missed');
    await start(dataDir);
    await platform!.register({ name: 'f', runtime: 'node', code: NODE });
    await addTrigger('f', { kind: 'schedule', cron: '* * * * * *', payload: { by: 'schedule' } });
    await until('it has fired', 10_000, async () => seen().length > 0);
    await platform!.process.stop();
    const before = seen().length;
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    platform = await RunningPlatform.start({ dataDir });
    await until('it fires again', 10_000, async () => seen().length > before);
    // Three seconds passed unseen; it does not fire for each of them.
    expect(seen().length).toBeLessThanOrEqual(before + 2);
  });
});

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryStore } from '../../../../src/adapters/memory/store.ts';
import { MemoryWorld } from '../../../../src/adapters/memory/world.ts';
import { type ServerEvent, SseParser } from '../../../../src/console/api/sse-parser.ts';
import { defaultPolicy } from '../../../../src/domain/policy.ts';
import { adminApp } from '../../../../src/http/admin/admin-app.ts';
import type { AdminWorld, VersionSummary } from '../../../../src/http/admin/admin-world.ts';
import { HandWoundClock } from '../../../support/hand-wound-clock.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

function aVersion(versionId: string, wanted: number): VersionSummary {
  return {
    version: { versionId, functionId: 'f', account: 'a', bucket: 1, profiles: [], seenMs: 0, discoveryToken: 1n },
    state: undefined,
    latest: { verdict: 'keep', previous: wanted, wanted, actual: 1, reasons: [], policy: 'p', atMs: wanted },
    utilisation: undefined,
    demand: Number.POSITIVE_INFINITY,
    target: { state: 'unknown', detail: '' },
  };
}

async function aMember(changes: Partial<AdminWorld> = {}) {
  const clock = new HandWoundClock();
  const versions = new Map<string, VersionSummary>();
  const owners: (string | undefined)[] = Array.from({ length: 1024 }, () => 'm1');
  const stopping = new AbortController();
  const world: AdminWorld = {
    memberId: 'host/m1',
    version: '0.0.0',
    startedMs: clock.wallMs(),
    nowMs: () => clock.wallMs(),
    after: (delayMs, callback) => clock.after(delayMs, callback),
    stopping: stopping.signal,
    store: new MemoryStore(new MemoryWorld({ clock })),
    members: () => [],
    ownerOf: (bucket) => owners[bucket],
    bucketOf: async () => 1,
    servedAgeMs: () => undefined,
    loops: () => [],
    poke: () => true,
    dependencies: () => [],
    freeze: () => ({ isFrozen: false, isReleased: false, sinceMs: undefined, cause: undefined }),
    summaryOf: (versionId) => versions.get(versionId),
    tracked: () => versions.values(),
    live: () => undefined,
    defaultPolicy: defaultPolicy('target'),
    configuration: () => ({}),
    console: () => ({ state: 'absent', why: 'this is a test' }),
    token: () => undefined,
    allowedHosts: ['127.0.0.1'],
    bodyMaxBytes: 1_024,
    mayChange: () => true,
    audit: () => {},
    ...changes,
  };
  const server = createServer(adminApp(world, () => {}));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const listen = async (headers: Record<string, string> = {}) => {
    const leaving = new AbortController();
    const answer = await fetch(`${url}/v1/events`, { headers, signal: leaving.signal });
    return { answer, next: reading(answer), leave: () => leaving.abort() };
  };
  return { clock, versions, owners, stopping, url, listen };
}

/** The next event of a type, those before it passed over; undefined when the stream ends. */
function reading(answer: Response): (type: string) => Promise<ServerEvent | undefined> {
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new SseParser();
  const waiting: ServerEvent[] = [];
  return async (type) => {
    for (;;) {
      const event = waiting.shift();
      if (event?.type === type) return event;
      if (event) continue;
      const { done = true, value } = (await reader?.read()) ?? {};
      if (done) return undefined;
      waiting.push(...parser.push(value ?? ''));
    }
  };
}

describe('GET /v1/events', () => {
  it('greets, gives a sign of life, and sends rows that look different', async () => {
    const { clock, versions, listen } = await aMember();
    versions.set('rests', aVersion('rests', 1));
    versions.set('moves', aVersion('moves', 1));
    const { answer, next } = await listen();
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect((await next('hello'))?.data).toMatchObject({ memberId: 'host/m1', everyMs: 2_000 });
    expect((await next('status'))?.data).toMatchObject({ memberId: 'host/m1', loops: [] });
    versions.set('moves', aVersion('moves', 3));
    // Decided anew, and all as it was.
    versions.set('rests', { ...aVersion('rests', 1) });
    await clock.wind(2_000);
    const told = (await next('functions'))?.data as { items: { versionId: string; latest: unknown }[] };
    expect(told.items.map(({ versionId }) => versionId)).toEqual(['moves']);
    expect(told.items[0]).toMatchObject({ latest: { wanted: 3 }, demand: '+Inf', isMine: true });
    versions.delete('rests');
    await clock.wind(2_000);
    expect((await next('functions'))?.data).toEqual({ items: [], gone: ['rests'] });
  });

  it('tells which buckets went from whom to whom', async () => {
    const { clock, owners, listen } = await aMember();
    const { next } = await listen();
    await next('status');
    for (const bucket of [3, 4, 5]) owners[bucket] = 'm2';
    owners[9] = undefined;
    await clock.wind(2_000);
    expect((await next('moves'))?.data).toMatchObject({
      items: [
        { from: 'm1', to: 'm2', buckets: [3, 4, 5] },
        { from: 'm1', to: null, buckets: [9] },
      ],
    });
  });

  it('sends a change of controls at once', async () => {
    const { url, listen } = await aMember();
    const { next } = await listen();
    await next('status');
    await fetch(`${url}/v1/functions/v/pause`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ forSeconds: 60, by: 'ann', why: 'deploy' }),
    });
    expect(await next('controls')).toMatchObject({ data: {} });
  });

  it('sends a listener that comes back what it missed', async () => {
    const { clock, versions, listen } = await aMember();
    versions.set('v', aVersion('v', 1));
    const first = await listen();
    const hello = await first.next('hello');
    first.leave();
    await clock.wind(10_000);
    versions.set('v', aVersion('v', 7));
    const { next } = await listen({ 'Last-Event-ID': hello?.id ?? '' });
    expect((await next('functions'))?.data).toMatchObject({ items: [{ latest: { wanted: 7 } }] });
  });

  it('ends when the service stops, and when the token is another', async () => {
    let token = 'one';
    const member = await aMember({ token: () => token });
    expect((await member.listen()).answer.status).toBe(401);
    const { next } = await member.listen({ Authorization: 'Bearer one' });
    await next('status');
    token = 'two';
    await member.clock.wind(2_000);
    expect(await next('never')).toBeUndefined();
    const again = await member.listen({ Authorization: 'Bearer two' });
    await again.next('status');
    member.stopping.abort();
    expect(await again.next('never')).toBeUndefined();
    expect((await member.listen({ Authorization: 'Bearer two' })).answer.status).toBe(503);
  });

  it('listens to no more than it can tell', async () => {
    const { listen } = await aMember();
    const streams = await Promise.all(Array.from({ length: 32 }, () => listen()));
    expect(new Set(streams.map(({ answer }) => answer.status))).toEqual(new Set([200]));
    const { answer } = await listen();
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
  });
});

import type { Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { HealthFacts } from '../../src/http/health.ts';
import { startProbeServer } from '../../src/http/probe-server.ts';
import { ListenError } from '../../src/lib/listen.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const UP = { name: 'store', state: 'up', detail: 'cassandra', hasAnswered: true } as const;
const AWAITED = { name: 'timeseries', state: 'awaited', detail: 'connect ECONNREFUSED', hasAnswered: false } as const;
const WELL: HealthFacts = { isStopping: false, isStarted: true, hungLoops: [], awaited: [UP], dependencies: [UP] };

async function probes(facts: Partial<HealthFacts>) {
  const { server, port } = await startProbeServer({ host: '127.0.0.1', port: 0, facts: () => ({ ...WELL, ...facts }) });
  servers.push(server);
  return async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    return { status: response.status, body: JSON.parse((await response.text()) || 'null') };
  };
}

describe('probes', () => {
  it('are alive and ready when all is well, on every path that people know', async () => {
    const ask = await probes({});
    for (const path of [
      '/admin/health/liveness',
      '/livez',
      '/healthz',
      '/admin/health/readiness',
      '/readyz',
      '/health',
    ]) {
      expect((await ask(path)).status).toBe(200);
    }
  });

  it('say what is awaited while the service starts, and stay alive', async () => {
    const ask = await probes({ isStarted: false, awaited: [UP, AWAITED], dependencies: [UP, AWAITED] });
    expect(await ask('/admin/health/readiness')).toEqual({
      status: 503,
      body: { status: 'waiting', awaiting: [{ name: 'timeseries', detail: 'connect ECONNREFUSED' }] },
    });
    expect((await ask('/livez')).status).toBe(200);
  });

  it('stay ready in an outage of what has answered before, and tell people', async () => {
    const down = { ...UP, state: 'down', detail: 'no quorum' } as const;
    const ask = await probes({ awaited: [down], dependencies: [down] });
    expect((await ask('/readyz')).status).toBe(200);
    expect((await ask('/health')).body).toMatchObject({ status: 'degraded', components: { store: { state: 'down' } } });
  });

  it('fail liveness on a hung loop, and readiness while stopping', async () => {
    const ask = await probes({ hungLoops: ['scale'], isStopping: true });
    expect(await ask('/admin/health/liveness')).toEqual({ status: 503, body: { status: 'hung', loops: ['scale'] } });
    expect(await ask('/readyz')).toEqual({ status: 503, body: { status: 'stopping' } });
  });

  it('know no other path and no other method', async () => {
    const ask = await probes({});
    expect((await ask('/constructor')).status).toBe(404);
    expect((await ask('/livez', 'POST')).status).toBe(405);
  });

  it('say in one line that a port is taken', async () => {
    const { server, port } = await startProbeServer({ host: '127.0.0.1', port: 0, facts: () => WELL });
    servers.push(server);
    const second = startProbeServer({ host: '127.0.0.1', port, facts: () => WELL });
    await expect(second).rejects.toThrow(ListenError);
    await expect(second).rejects.toThrow(`cannot listen on 127.0.0.1:${port} for probes: the port is taken`);
  });
});

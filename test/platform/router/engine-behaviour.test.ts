import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import { ProcessBackend } from '../../../src/platform/runtime/process/process-backend.ts';
import { Engine } from '../../support/platform/an-engine.ts';
import { FakeBackend, type FakeHandler } from '../../support/platform/fake-backend.ts';
import { engineBehaviour, type Order } from './engine-behaviour.ts';

const OBEYS = `
let calls = 0;
exports.handler = (event) => {
  switch (event.do) {
    case 'count': return Promise.resolve((calls += 1));
    case 'sleep': return new Promise((resolve) => setTimeout(resolve, event.ms, event));
    case 'throw': return Promise.reject(new TypeError('as ordered'));
    case 'exit': return process.exit(3);
    case 'hang': for (;;);
    default: return Promise.resolve(event);
  }
};`;

engineBehaviour('processes', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'starling-test-'));
  const codes = new Map<string, string>();
  const backend = new ProcessBackend({
    clock: systemClock,
    workFolder: folder,
    initTimeoutMs: 15_000,
    codeOf: ({ versionId }) => ({ kind: 'source', text: codes.get(versionId) ?? '' }),
    nameOf: ({ versionId }) => versionId,
  });
  const engine = new Engine(systemClock, backend);
  return {
    engine,
    put: (versionId, seed = {}, code = 'obeys') => {
      codes.set(versionId, code === 'obeys' ? OBEYS : 'exports.handler = (');
      engine.put(versionId, { ...seed, launch: { timeoutMs: 15_000, ...seed.launch } });
    },
    kill: (pid) => process.kill(pid, 'SIGKILL'),
    freeze: (pid) => process.kill(pid, 'SIGSTOP'),
    live: () => backend.live,
    close: async () => {
      await backend.close({ graceMs: 0 });
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

engineBehaviour('the doubled back end', async () => {
  const counts = new Map<string, number>();
  const handler: FakeHandler = ({ payload, instanceId, sleep, die }) => {
    const order: Order = JSON.parse(Buffer.from(payload).toString());
    switch (order.do) {
      case 'count': {
        const count = (counts.get(instanceId) ?? 0) + 1;
        counts.set(instanceId, count);
        return count;
      }
      case 'sleep':
        return sleep(order.ms ?? 0).then(() => order);
      case 'throw':
        throw new TypeError('as ordered');
      case 'exit':
        return die();
      case 'hang':
        return new Promise(() => {});
      default:
        return order;
    }
  };
  const backend = new FakeBackend({ clock: systemClock, startMs: 20, handler });
  const engine = new Engine(systemClock, backend);
  const byPid = (pid: number) => [...backend.live].find((instance) => instance.pid === pid);
  return {
    engine,
    put: (versionId, seed = {}, code = 'obeys') => {
      if (code === 'broken') backend.faults.push('fails');
      engine.put(versionId, { ...seed, launch: { timeoutMs: 15_000, ...seed.launch } });
    },
    kill: (pid) => byPid(pid)?.exit(null, 'SIGKILL'),
    freeze: (pid) => {
      const instance = byPid(pid);
      if (instance) instance.isDeaf = true;
    },
    live: () => backend.live.size,
    close: async () => {},
  };
});

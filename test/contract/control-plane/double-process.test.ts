import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type ControlPlaneHarness, controlPlaneContract } from './control-plane-contract.ts';

const program = fileURLToPath(new URL('../../support/control-plane/run.ts', import.meta.url));

async function startDouble(
  ...words: string[]
): Promise<{ child: ChildProcess; told: { url: string; versions: number; pid: number } }> {
  const child = spawn(process.execPath, [program, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  return { child, told: JSON.parse(String(line)) };
}

async function stopDouble(child: ChildProcess): Promise<number | null> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const [code] = await ended;
  return code;
}

async function makeHarness(): Promise<ControlPlaneHarness> {
  const { child, told } = await startDouble('--port', '0');
  return {
    url: told.url,
    seed: async (versions) => {
      await fetch(`${told.url}/double/versions`, { method: 'PUT', body: JSON.stringify(versions) });
    },
    stop: async () => {
      await stopDouble(child);
    },
  };
}

controlPlaneContract('the double in a process of its own', makeHarness, { demandsToken: true });

describe('the double in a process of its own', () => {
  it('says where it is, tells what was written, breaks on demand, and ends when told', async () => {
    const { child, told } = await startDouble('--versions', '3');
    expect(told).toMatchObject({ versions: 3, pid: child.pid });
    const path = '/v2/nvcf/accounts/account-1/predictions/functions/function-0002/versions/version-0002';
    const put = () =>
      fetch(`${told.url}${path}`, {
        method: 'PUT',
        headers: { 'Fencing-Token': '7' },
        body: JSON.stringify({ requiredNumberOfInstances: 4 }),
      });
    expect((await put()).status).toBe(200);
    const faults = [{ call: 'prediction', fault: { kind: 'status', status: 503 }, times: 1 }];
    await fetch(`${told.url}/double/faults`, { method: 'POST', body: JSON.stringify(faults) });
    expect((await put()).status).toBe(503);
    expect(await (await fetch(`${told.url}/double/history`)).json()).toMatchObject({
      history: [{ seq: 1, versionId: 'version-0002', token: '7', wanted: 4, outcome: 'applied' }],
    });
    expect(await stopDouble(child)).toBe(0);
  });
});

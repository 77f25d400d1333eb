import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_POOL } from '../../../src/platform/registry/version-settings.ts';
import { type ControlPlaneHarness, controlPlaneContract } from '../../contract/control-plane/control-plane-contract.ts';
import { aPlatform, type RunningPlatform } from '../dialects/native/a-platform.ts';
import { instanceOf, poolOf } from '../dialects/native/scripted-engine.ts';
import { seedVersions } from '../dialects/native/seed-versions.ts';

async function makeHarness(): Promise<ControlPlaneHarness> {
  const { platform, url } = await aPlatform();
  return {
    url,
    seed: async (versions) => seedVersions(platform.registry, versions),
    stop: () => platform.stop({ graceMs: 0 }),
  };
}

controlPlaneContract('the platform, without instances', makeHarness, { demandsToken: true });

describe('the control plane of the platform', () => {
  let running: RunningPlatform;
  let folder: string;
  const path = '/v2/nvcf/accounts/local/predictions/functions/f/versions/v';
  const put = (wanted: number, token: string) =>
    running.ask('PUT', path, { requiredNumberOfInstances: wanted }, { 'Fencing-Token': token });
  const start = async () => aPlatform({ dataDir: folder });
  const seed = () =>
    running.platform.registry.create({
      namespace: 'native',
      name: 'f',
      functionId: 'f',
      versionId: 'v',
      launch: {
        runtime: 'node24',
        handler: 'index.handler',
        timeoutMs: 1_000,
        memoryMb: 64,
        environment: {},
        concurrency: 1,
      },
      pool: { ...DEFAULT_POOL, instancesMin: 1, instancesMax: 5 },
      code: { kind: 'source', text: 'exports.handler = async () => 1' },
    });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'starling-platform-'));
    running = await start();
  });
  afterEach(async () => {
    await running.platform.stop({ graceMs: 0 });
    rmSync(folder, { recursive: true, force: true });
  });

  it('tells the pools what is wished for, inside the bounds, and nothing of what it refuses', async () => {
    seed();
    await put(3, '10');
    await put(99, '11');
    await put(4, '5');
    await put(0, '12');
    expect(running.engine.told.filter(([what]) => what === 'wish')).toEqual([
      ['wish', 'v', 3],
      ['wish', 'v', 5],
      ['wish', 'v', 1],
    ]);
  });

  it('keeps tokens and wishes over a restart, and asks the pools again for what was wished', async () => {
    seed();
    await put(3, '1000');
    await running.platform.stop({ graceMs: 0 });
    running = await start();
    expect(running.engine.told).toContainEqual(['wish', 'v', 3]);
    expect((await put(2, '999')).body).toMatchObject({ status: 409, storedToken: '1000' });
    expect((await put(3, '1000')).status).toBe(200);
  });

  it('holds a wish for as long as somebody reads bounds', async () => {
    seed();
    await put(3, '1');
    const before = running.engine.snapshotOf.get('v')?.wishUntilMs ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 5));
    await running.ask('GET', '/v1/scaling-targets');
    expect(running.engine.snapshotOf.get('v')?.wishUntilMs).toBeGreaterThan(before);
  });

  it('tells the name of the function with each version of it', async () => {
    const { version } = seed();
    const name = running.platform.registry.find(version.functionId)?.name;
    expect(name).toMatch(/./);
    expect((await running.ask('GET', '/v1/scaling-targets')).body.items).toMatchObject([{ name }]);
    const { body } = await running.ask('GET', '/v2/nvcf/deployments/functions/f/versions/v');
    expect(body.deployment.name).toBe(name);
  });

  it('tells what runs and what starts', async () => {
    seed();
    const instances = ['warm', 'busy', 'warming', 'cold', 'terminating'] as const;
    const pool = poolOf('v', { instances: instances.map((state) => instanceOf({ state })) });
    running.engine.snapshotOf.set('v', pool);
    const { body } = await running.ask('GET', '/v1/scaling-targets');
    expect(body.items).toMatchObject([{ activeInstances: 2, pendingInstances: 2 }]);
    expect((await put(5, '1')).body).toEqual({
      activeInstances: 2,
      pendingInstances: 2,
      allocatingInstances: 1,
      terminatingInstances: 1,
      functionStatus: 'ACTIVE',
      scalingStatus: 'SCALING_UP',
    });
  });

  it('calls a version ERRORED when its instances do not start, until one does', async () => {
    const { version } = seed();
    const status = async () => (await running.ask('GET', '/v1/scaling-targets')).body.items[0].functionStatus;
    const tryStart = () =>
      running.backend?.start(version, { instanceId: 'inst-1', memoryLimitBytes: 1 }).catch(() => {});
    await tryStart();
    await tryStart();
    expect(await status()).toBe('ACTIVE');
    await tryStart();
    expect(await status()).toBe('ERRORED');
    expect((await put(3, '1')).body).toMatchObject({ functionStatus: 'ERRORED', scalingStatus: 'NOT_AUTO_SCALABLE' });
    running.engine.snapshotOf.set('v', poolOf('v', { instances: [instanceOf()] }));
    expect(await status()).toBe('ACTIVE');
  });

  it('answers 410 for what was deleted', async () => {
    seed();
    running.platform.registry.removeFunction('f');
    expect(await put(3, '1')).toMatchObject({ status: 410, body: { type: 'gone' } });
    expect(running.engine.told).toContainEqual(['retire', 'v']);
  });

  it('makes another deploy of another concurrency', async () => {
    const { version } = seed();
    const deployment = '/v2/nvcf/deployments/functions/f/versions/v';
    const deploymentSpecifications = [{ minInstances: 0, maxInstances: 4, maxRequestConcurrency: 8 }];
    await running.ask('POST', deployment, { deploymentSpecifications });
    const deployed = running.platform.registry.version('v');
    expect(deployed?.launch.concurrency).toBe(8);
    expect(deployed?.deployId).not.toBe(version.deployId);
    expect(running.engine.told).toContainEqual(['refresh', 'v']);
    const two = await running.ask('POST', deployment, {
      deploymentSpecifications: [...deploymentSpecifications, ...deploymentSpecifications],
    });
    expect(two.body.errors).toMatchObject([{ pointer: '/deploymentSpecifications/1' }]);
  });

  it('refuses a wish that is too large to be one', async () => {
    seed();
    const body = { requiredNumberOfInstances: 1, note: 'x'.repeat(70_000) };
    const reply = await running.ask('PUT', path, body, { 'Fencing-Token': '1' });
    expect(reply).toMatchObject({ status: 413, body: { type: 'too-large' } });
  });
});

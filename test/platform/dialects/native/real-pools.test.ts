import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/adapters/system/clock.ts';
import { controlPlaneContract } from '../../../contract/control-plane/control-plane-contract.ts';
import { FakeBackend } from '../../../support/platform/fake-backend.ts';
import { aPlatform } from './a-platform.ts';
import { seedVersions } from './seed-versions.ts';

async function start() {
  const backend = new FakeBackend({ clock: systemClock, startMs: 1 });
  const running = await aPlatform({
    openBackend: () => backend,
    openEngine: undefined,
    engine: { host: { cpus: 2, memoryBytes: 8 * 2 ** 30 }, tickMs: 10, scaleDownAfterIdleMs: 0 },
  });
  return { ...running, backend };
}

controlPlaneContract(
  'the platform with its pools',
  async () => {
    const { platform, url } = await start();
    return {
      url,
      seed: async (versions) => seedVersions(platform.registry, versions),
      stop: () => platform.stop({ graceMs: 0 }),
    };
  },
  { demandsToken: true },
);

describe('a wish', () => {
  it('starts instances, lists them, and takes them away again', async () => {
    const { platform, backend, ask } = await start();
    try {
      seedVersions(platform.registry, [{ versionId: 'v', functionId: 'f', account: 'a', maxInstances: 5 }]);
      const path = '/v2/nvcf/accounts/a/predictions/functions/f/versions/v';
      const wish = (wanted: number, token: number) =>
        ask('PUT', path, { requiredNumberOfInstances: wanted }, { 'Fencing-Token': String(token) });
      const active = async () => (await ask('GET', '/v1/scaling-targets')).body.items[0].activeInstances;
      const first = await wish(3, 1);
      expect(first.body).toMatchObject({ activeInstances: 0, allocatingInstances: 3, scalingStatus: 'SCALING_UP' });
      await expect.poll(active).toBe(3);
      expect((await wish(9, 2)).body).toMatchObject({ activeInstances: 3, allocatingInstances: 2 });
      await expect.poll(active).toBe(5);
      expect((await wish(1, 3)).body).toMatchObject({ terminatingInstances: 4, scalingStatus: 'SCALING_DOWN' });
      await expect.poll(active).toBe(1);
      platform.registry.updateVersion('v', { status: 'INACTIVE' });
      await expect.poll(() => backend.live.size).toBe(0);
      expect((await ask('POST', '/v1/functions/f/invoke', {})).body.type).toBe('not-active');
      platform.registry.updateVersion('v', { status: 'ACTIVE' });
      await ask('GET', '/v1/scaling-targets');
      await expect.poll(active).toBe(1);
      platform.registry.removeFunction('f');
      await expect.poll(() => backend.live.size).toBe(0);
    } finally {
      await platform.stop({ graceMs: 0 });
    }
  });

  it('leaves no breach of what must agree', async () => {
    const { platform, ask, url } = await start();
    try {
      seedVersions(platform.registry, [{ versionId: 'v', functionId: 'f', maxInstances: 4 }]);
      await Promise.all(Array.from({ length: 200 }, (_, call) => ask('POST', '/v1/functions/f/invoke', { call })));
      const page = await (await fetch(`${url}/metrics`)).text();
      expect(page.match(/invariant_breaches_total\{.*\} \d+/g)?.map((line) => line.split(' ')[1])).toEqual([
        '0',
        '0',
        '0',
        '0',
      ]);
      expect(page).toMatch(/function_request_total\{.*\} 200/);
      const [cold, warm] = ['cold', 'warm'].map((kind) =>
        Number(new RegExp(`starling_platform_${kind}_calls_total\\{.*\\} (\\d+)`).exec(page)?.[1]),
      );
      expect((cold ?? 0) + (warm ?? 0)).toBe(200);
    } finally {
      await platform.stop({ graceMs: 0 });
    }
  });
});

import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/adapters/system/clock.ts';
import { systemRandom } from '../../../../src/lib/random.ts';
import { faasServerDialect } from '../../../../src/platform/dialects/faas-server/faas-server-dialect.ts';
import { Platform } from '../../../../src/platform/platform.ts';

describe('a fan-out whose children need the instance that it holds itself', () => {
  let platform: Platform;
  let url: string;

  beforeEach(async () => {
    platform = new Platform({
      dataDir: ':memory:',
      native: undefined,
      dialects: [
        {
          name: 'faas-server',
          address: { host: '127.0.0.1', port: 0 },
          open: (tools) => faasServerDialect(tools, { isOptimised: false }),
        },
      ],
      clock: systemClock,
      random: systemRandom,
      logger: pino({ level: 'silent' }),
      version: '1.2.3',
    });
    url = (await platform.start())[0]?.url ?? '';
  });
  afterEach(() => platform.stop({ graceMs: 0 }));

  it('ends with an error within its time-out, and releases everything', { timeout: 60_000 }, async () => {
    const { registry, engine } = platform;
    const versionId = registry.findByName('builtin', 'fanout')?.activeVersionId ?? '';
    const version = registry.version(versionId);
    if (!version) throw new Error('no version');
    const timeoutMs = 3_000;
    registry.updateVersion(versionId, {
      pool: { ...version.pool, instancesMax: 1 },
      launch: { ...version.launch, timeoutMs },
    });
    const beganMs = Date.now();
    const reply = await fetch(`${url}/fn/invoke/fanout`, {
      method: 'POST',
      body: JSON.stringify({ count: 2, function: 'fanout' }),
    });
    expect([reply.status, await reply.json()]).toEqual([500, { error: expect.stringMatching(/no instance was free/) }]);
    // Starting the parent takes a moment before its time begins.
    expect(Date.now() - beganMs).toBeLessThan(timeoutMs + 2_000);
    await expect.poll(() => engine.pools.of(versionId)?.instances, { timeout: 5_000 }).toEqual([]);
    expect(engine.pools.memory().reservedBytes).toBe(0);
    const again = await fetch(`${url}/fn/invoke/fanout`, { method: 'POST', body: '{"count":1}' });
    expect(again.status).toBe(200);
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import { type EmbeddedPlatform, startPlatform } from '../../../src/commands/dev/embedded-platform.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import { until } from '../../support/member-process.ts';

/** Tells who answered, and takes long enough for others to wait beside it. */
const CODE = `exports.handler = async () => {
  await new Promise((resolve) => setTimeout(resolve, 50));
  return process.pid;
};`;

describe('the platform within dev', () => {
  let folder: string;
  let platform: EmbeddedPlatform;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'starling-embedded-platform-'));
    platform = await startPlatform({
      dataDir: folder,
      port: 0,
      areDialectPortsFixed: false,
      allowedHosts: ['Starling.example:8443'],
      env: {},
      clock: systemClock,
      random: systemRandom,
      logger: pino({ level: 'silent' }),
    });
  });

  afterAll(async () => {
    await platform?.stop({ graceMs: 0 });
    rmSync(folder, { recursive: true, force: true });
  });

  async function ask<T>(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<T> {
    const answer = await fetch(`${platform.url}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  it('starts no instance beyond the wanted count, however many calls there are', async () => {
    const made = await ask<{ function: { functionId: string; account: string }; version: { versionId: string } }>(
      'POST',
      '/v1/functions',
      { name: 'held', runtime: 'node', code: CODE, pool: { instancesMin: 0, instancesMax: 8 } },
    );
    const { functionId, account } = made.function;
    const { versionId } = made.version;
    const wish = (wanted: number, token: number) =>
      ask(
        'PUT',
        `/v2/nvcf/accounts/${encodeURIComponent(account)}/predictions/functions/${functionId}/versions/${versionId}`,
        { requiredNumberOfInstances: wanted, predictedAt: new Date().toISOString() },
        { 'fencing-token': String(token), 'content-type': 'application/json' },
      );
    const callers = (count: number) =>
      Promise.all(Array.from({ length: count }, () => ask<number>('POST', '/v1/functions/held/invoke', {})));

    await wish(0, 1);
    // The first one comes from the calls themselves, and all others wait for it.
    expect(new Set(await callers(12)).size).toBe(1);
    await wish(3, 2);
    await until('there are three', 60_000, async () => {
      const { versions } = await ask<{ versions: { versionId: string; instances: number }[] }>('GET', '/v1/stats');
      return versions.find((each) => each.versionId === versionId)?.instances === 3;
    });
    expect(new Set(await callers(30)).size).toBeLessThanOrEqual(3);
  });

  it('answers to the allowed host names, and to no others', async () => {
    const { hostname, port } = new URL(platform.url);
    const statusFor = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const asked = request({ hostname, port, path: '/v1/functions', headers: { host } }, (answer) => {
          answer.resume();
          answer.once('end', () => resolve(answer.statusCode));
        });
        asked.once('error', reject).end();
      });
    expect(await statusFor('starling.example')).toBe(200);
    expect(await statusFor('starling.example:443')).toBe(200);
    expect(await statusFor('elsewhere.example')).toBe(421);
  });
});

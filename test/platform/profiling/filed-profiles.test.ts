import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import { PROFILE_KINDS, PROFILE_TYPES } from '../../../src/platform/profiling/profile-type.ts';
import { Pyroscope } from '../../../src/platform/profiling/pyroscope.ts';

/** How Pyroscope names a pushed profile: by the display names of its sample types, the first that it knows. */
function metricOf(config: Readonly<Record<string, { 'display-name': string }>>): string {
  const types = Object.keys(config);
  if (types.includes('wall')) return 'wall';
  for (const { 'display-name': name } of Object.values(config)) {
    if (name.includes('cpu')) return 'process_cpu';
    if (name.includes('alloc_')) return 'memory';
    if (name.includes('mutex_')) return 'mutex';
  }
  return 'unknown';
}

describe('what Pyroscope is sent', () => {
  let receiver: Server;
  let url: string;
  const forms: FormData[] = [];

  beforeEach(async () => {
    forms.length = 0;
    receiver = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', async () => {
        const type = request.headers['content-type'] ?? '';
        forms.push(await new Response(Buffer.concat(chunks), { headers: { 'content-type': type } }).formData());
        response.end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  });
  afterEach(() => new Promise<void>((resolve) => receiver.close(() => resolve())));

  it('is filed there under the types that the dashboard asks for', async () => {
    const pyroscope = new Pyroscope({ url, application: 'a', clock: systemClock, random: systemRandom });
    const ids: string[] = [];
    for (const type of PROFILE_TYPES) {
      const { kinds, periodKind } = PROFILE_KINDS[type];
      await pyroscope.push({ pprof: new Uint8Array(), startedMs: 0, durationMs: 1_000, sampleTypes: kinds });
      const file = forms.at(-1)?.get('sample_type_config');
      const config = JSON.parse(await (file as File).text());
      ids.push([metricOf(config), kinds[1].type, kinds[1].unit, periodKind.type, periodKind.unit].join(':'));
    }
    expect(ids).toEqual([
      'process_cpu:cpu:nanoseconds:cpu:nanoseconds',
      'wall:wall:nanoseconds:wall:nanoseconds',
      'memory:alloc_space:bytes:space:bytes',
      'mutex:delay:nanoseconds:contentions:count',
    ]);
  });
});

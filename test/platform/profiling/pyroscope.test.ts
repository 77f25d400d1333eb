import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import { PROFILE_KINDS } from '../../../src/platform/profiling/profile-type.ts';
import { type PushedProfile, Pyroscope, type PyroscopeOptions } from '../../../src/platform/profiling/pyroscope.ts';
import { HandWoundClock, settle } from '../../support/hand-wound-clock.ts';

const PROFILE: PushedProfile = {
  pprof: gzipSync(''),
  startedMs: 1_500,
  durationMs: 1_000,
  sampleTypes: PROFILE_KINDS.cpu.kinds,
};

describe('a push to Pyroscope', () => {
  let server: Server;
  let answers: (number | 'never')[];
  let asked: string[];
  let options: PyroscopeOptions;
  beforeEach(async () => {
    answers = [];
    asked = [];
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      request.resume().on('end', () => {
        const status = answers.shift() ?? 200;
        if (status !== 'never') response.writeHead(status).end('because');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    options = {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      application: 'app',
      clock: systemClock,
      // The shortest of pauses.
      random: { next: () => 0, uuid: () => 'u' },
    };
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('tells which seconds it covers, and nothing of labels when there are none', async () => {
    await new Pyroscope(options).push(PROFILE);
    expect(asked).toEqual(['/ingest?name=app&from=1&until=3&format=pprof&spyName=nodespy']);
  });

  it('is tried again when the server cannot, and no more often than it may', async () => {
    const clock = new HandWoundClock();
    const pyroscope = new Pyroscope({ ...options, clock });
    answers = [503, 429, 200];
    const push = pyroscope.push(PROFILE);
    for (const [pauseMs, count] of [
      [250, 2],
      [500, 3],
    ] as const) {
      await expect.poll(() => clock.pendingTimers).toBe(1);
      await clock.wind(pauseMs);
      await expect.poll(() => asked.length).toBe(count);
    }
    await push;

    answers = [500, 500, 500, 200];
    const failed = pyroscope.push(PROFILE).catch((error: unknown) => error);
    for (const pauseMs of [250, 500]) {
      await expect.poll(() => clock.pendingTimers).toBe(1);
      await clock.wind(pauseMs);
    }
    expect(await failed).toMatchObject({
      name: 'PyroscopeError',
      kind: 'unreachable',
      message: /answered 500: because/,
    });
    expect(asked).toHaveLength(6);
  });

  it('is not tried again when it is refused', async () => {
    answers = [401];
    await expect(new Pyroscope(options).push(PROFILE)).rejects.toMatchObject({ kind: 'refused' });
    expect(asked).toHaveLength(1);
  });

  it('does not wait without end, nor when it is called off', async () => {
    answers = ['never', 'never'];
    const pyroscope = new Pyroscope({ ...options, timeoutMs: 50, attempts: 1 });
    await expect(pyroscope.push(PROFILE)).rejects.toThrow('it did not answer in time');
    const gone = new AbortController();
    const push = new Pyroscope(options).push(PROFILE, gone.signal);
    await expect.poll(() => asked.length).toBe(2);
    gone.abort(new Error('called off'));
    await expect(push).rejects.toThrow('called off');
    await settle();
  });

  it('says that nobody is there', async () => {
    const nowhere = new Pyroscope({ ...options, url: 'http://127.0.0.1:1', attempts: 1 });
    await expect(nowhere.push(PROFILE)).rejects.toMatchObject({ kind: 'unreachable' });
  });
});

import { createServer } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { ControlPlaneConnection } from '../../../src/adapters/control-plane/connection.ts';
import { HttpWishSender } from '../../../src/adapters/control-plane/http-wish-sender.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import { GatedActuator } from '../../../src/adapters/wishes/gated-actuator.ts';
import { NotAdmitted } from '../../../src/ports/actuator.ts';
import type { Fault } from '../../support/control-plane/faults.ts';
import { HandWoundClock } from '../../support/hand-wound-clock.ts';
import { aWish, middling, seedOf, setUpClient, until } from './client-harness.ts';

describe('a wish that is accepted', () => {
  it('carries its token, its key and its time', async () => {
    await using client = await setUpClient();
    expect(await client.actuate()).toMatchObject({
      outcome: 'applied',
      status: 200,
      instancesActive: 3,
      instancesPending: 0,
    });
    const [request] = client.double.seen;
    expect(request?.headers).toMatchObject({
      'fencing-token': '10',
      'idempotency-key': 'v1:10',
      'content-type': 'application/json',
      'user-agent': 'starling',
    });
    expect(client.double.fleet.history).toMatchObject([
      { versionId: 'v1', token: '10', wanted: 3, outcome: 'applied' },
    ]);
    expect(client.actuator.status()).toMatchObject({ breaker: 'closed', lastError: '', wishesInFlight: 0 });
    expect(client.actuator.status().lastSuccessWallMs).toBeDefined();
  });

  it('is already so when nothing had to change', async () => {
    await using client = await setUpClient();
    await client.actuate();
    expect(await client.actuate({ token: 11n })).toMatchObject({ outcome: 'already-so', instancesActive: 3 });
  });

  it('keeps ids whole that a URL would cut up', async () => {
    const versionId = `a/b?c#d "e" ' \n% ü 🐦`;
    await using client = await setUpClient({ double: { versions: [{ ...seedOf(versionId) }] } });
    expect(await client.actuate({ versionId })).toMatchObject({ outcome: 'applied' });
    expect(client.double.fleet.history).toMatchObject([{ versionId }]);
  });

  it('uses one connection again', async () => {
    await using client = await setUpClient();
    for (let token = 1n; token <= 5n; token += 1n) await client.actuate({ token });
    expect(new Set(client.double.seen.map(({ port }) => port)).size).toBe(1);
  });

  it('keeps to the limit of connections', async () => {
    await using client = await setUpClient({ connection: { connectionsMax: 2 } });
    client.double.faults.inject({ fault: { kind: 'delay', delayMs: 5 } });
    await Promise.all(Array.from({ length: 12 }, (_, index) => client.actuate({ token: BigInt(index + 1) })));
    expect(client.double.seen).toHaveLength(12);
    expect(new Set(client.double.seen.map(({ port }) => port)).size).toBeLessThanOrEqual(2);
  });
});

describe('a wish that is not', () => {
  const answers: [string, Fault, object][] = [
    ['403', { kind: 'status', status: 403, body: { title: 'no' } }, { outcome: 'refused', status: 403, isGone: false }],
    [
      '404 with a problem',
      { kind: 'status', status: 404, body: { title: 'no such version' } },
      { outcome: 'refused', isGone: true },
    ],
    ['410', { kind: 'status', status: 410 }, { outcome: 'refused', isGone: true }],
    [
      '409 of another kind',
      { kind: 'status', status: 409, body: { type: 'being-deployed' } },
      { outcome: 'refused', isGone: false },
    ],
    [
      '422',
      { kind: 'status', status: 422, body: { detail: 'too many' } },
      { outcome: 'refused', detail: '422: too many' },
    ],
    [
      '429',
      { kind: 'status', status: 429, headers: { 'retry-after': '7' } },
      { outcome: 'failed', retryAfterMs: 7_000 },
    ],
    ['500', { kind: 'status', status: 500, body: { detail: 'oops' } }, { outcome: 'failed', detail: '500: oops' }],
    ['501', { kind: 'status', status: 501 }, { outcome: 'failed' }],
    ['502', { kind: 'html', status: 502 }, { outcome: 'unknown' }],
    ['503', { kind: 'status', status: 503 }, { outcome: 'failed' }],
    ['504', { kind: 'status', status: 504 }, { outcome: 'unknown' }],
    [
      '302',
      { kind: 'status', status: 302, headers: { location: 'https://elsewhere.test/' } },
      { outcome: 'refused', status: 302 },
    ],
    ['204', { kind: 'status', status: 204 }, { outcome: 'applied' }],
    [
      '2xx that says NO_OPERATION',
      { kind: 'status', status: 200, body: { scalingStatus: 'NO_OPERATION' } },
      { outcome: 'refused' },
    ],
    [
      '2xx of a deleted version',
      { kind: 'status', status: 200, body: { functionStatus: 'DELETED' } },
      { outcome: 'refused', isGone: true },
    ],
    ['2xx with a list', { kind: 'status', status: 200, body: [] }, { outcome: 'failed' }],
  ];

  it.each(answers)('%s', async (_, fault, expected) => {
    await using client = await setUpClient();
    client.double.faults.inject({ call: 'prediction', fault, times: 1 });
    expect(await client.actuate()).toMatchObject(expected);
    expect(client.double.fleet.history).toEqual([]);
    expect(client.double.count('prediction')).toBe(1);
  });

  it.each([200, 404])('a web page with %d is a wrong address, and says so, and is not gone', async (status) => {
    await using client = await setUpClient();
    client.double.faults.inject({ fault: { kind: 'html', status } });
    const actuation = await client.actuate();
    expect(actuation).toMatchObject({ outcome: 'failed', status, isGone: false });
    expect(actuation.detail).toMatch(/web page, not JSON; is the control plane's URL right\?/);
  });

  it('that a newer writer overtook is fenced, with the stored token to the last digit', async () => {
    await using client = await setUpClient();
    await client.actuate({ token: 9_007_199_254_740_993n });
    expect(await client.actuate({ token: 9_007_199_254_740_992n })).toMatchObject({
      outcome: 'fenced',
      status: 409,
      storedToken: 9_007_199_254_740_993n,
    });
  });

  it('of an inactive version is refused, with the status', async () => {
    await using client = await setUpClient({ double: { versions: [{ ...seedOf('v1'), status: 'ERRORED' }] } });
    const actuation = await client.actuate();
    expect(actuation).toMatchObject({ outcome: 'refused', isGone: false });
    expect(actuation.detail).toContain('ERRORED');
  });

  it('428 says that something drops the header', async () => {
    await using client = await setUpClient();
    client.double.faults.inject({ fault: { kind: 'status', status: 428, body: { detail: 'token needed' } } });
    expect((await client.actuate()).detail).toBe(
      '428: token needed; the Fencing-Token header was sent, so something on the way drops it',
    );
  });

  it('does not follow redirects, whatever is there', async () => {
    await using elsewhere = await setUpClient();
    await using client = await setUpClient();
    const location = `${elsewhere.double.url}/v2/nvcf/`;
    client.double.faults.inject({ fault: { kind: 'status', status: 307, headers: { location } } });
    expect((await client.actuate()).detail).toContain('redirects are not followed');
    expect(elsewhere.double.seen).toEqual([]);
  });

  it('shows of a long and evil answer only what is fit to show', async () => {
    await using client = await setUpClient();
    const detail = `\u001b[31mBearer abc.def-ghi eyJhbGciOi.J9.x \r\nforged line ${'x'.repeat(5_000)}`;
    client.double.faults.inject({ fault: { kind: 'status', status: 422, body: { detail } } });
    const shown = (await client.actuate()).detail;
    expect(shown).toMatch(/^422: Bearer \[redacted\] \[redacted\] {1,2}forged line x+…$/);
    expect([...shown].length).toBeLessThanOrEqual(200);
  });

  it('is not sent when no URL can carry an id', async () => {
    await using client = await setUpClient();
    for (const versionId of ['..', '.', '\ud800']) {
      expect(await client.actuate({ versionId })).toMatchObject({ outcome: 'refused', isGone: false });
    }
    expect(client.double.seen).toEqual([]);
  });
});

describe('an answer that is lost', () => {
  it('after silence is unknown, at the deadline, and is not asked for again', async () => {
    const clock = new HandWoundClock();
    await using client = await setUpClient({ clock });
    client.double.faults.inject({ fault: { kind: 'hang-after' } });
    const acting = client.actuate();
    await until(() => client.double.fleet.history.length === 1);
    expect(client.actuator.status().wishesInFlight).toBe(1);
    await clock.wind(2_500);
    const actuation = await acting;
    expect(actuation).toMatchObject({ outcome: 'unknown', status: undefined });
    expect(actuation.detail).toContain('took longer than 2500 ms');
    expect(client.double.count('prediction')).toBe(1);
    expect(client.actuator.status().wishesInFlight).toBe(0);
  });

  it('ends with the claim when that is sooner', async () => {
    const clock = new HandWoundClock();
    await using client = await setUpClient({ clock });
    client.double.faults.inject({ fault: { kind: 'hang' } });
    const acting = client.actuate({}, 700);
    await until(() => client.double.count('prediction') === 1);
    await clock.wind(700);
    expect((await acting).outcome).toBe('unknown');
  });

  it.each<[string, Fault]>([
    ['breaks off', { kind: 'cut-after' }],
    ['is too large', { kind: 'oversize-after', bytes: 70_000 }],
  ])('and %s is unknown, though it was applied', async (_, fault) => {
    await using client = await setUpClient();
    client.double.faults.inject({ fault, times: 1 });
    expect(await client.actuate()).toMatchObject({ outcome: 'unknown' });
    expect(client.double.fleet.history).toMatchObject([{ outcome: 'applied' }]);
  });

  it('with the connection is asked for once more under the same token, and applied once', async () => {
    await using client = await setUpClient();
    client.double.faults.inject({ fault: { kind: 'reset-after' }, times: 1 });
    expect(await client.actuate()).toMatchObject({ outcome: 'applied' });
    expect(client.double.fleet.history.map(({ token, outcome }) => [token, outcome])).toEqual([
      ['10', 'applied'],
      ['10', 'repeated'],
    ]);
  });

  it('twice is unknown', async () => {
    await using client = await setUpClient();
    client.double.faults.inject({ fault: { kind: 'reset-after' } });
    expect(await client.actuate()).toMatchObject({ outcome: 'unknown' });
    expect(client.double.count('prediction')).toBe(2);
  });

  it('is unknown when the first try may have arrived, though the second found nobody', async () => {
    const clock = new HandWoundClock();
    await using client = await setUpClient({ clock });
    client.double.faults.inject({ fault: { kind: 'reset-after' } });
    const acting = client.actuate();
    await until(() => client.double.fleet.history.length === 1 && clock.pendingTimers === 2);
    await client.double.stop();
    await clock.wind(100);
    const actuation = await acting;
    expect(actuation).toMatchObject({ outcome: 'unknown' });
    expect(actuation.detail).toContain('no connection');
  });

  it('with the connection is not asked for again where tokens are ignored', async () => {
    await using client = await setUpClient({ actuator: { strength: 'plain' } });
    client.double.faults.inject({ fault: { kind: 'reset-after' } });
    expect(await client.actuate()).toMatchObject({ outcome: 'unknown' });
    expect(client.double.count('prediction')).toBe(1);
  });

  it('is unknown when the caller goes, and failed when nothing was sent yet', async () => {
    await using client = await setUpClient();
    client.double.faults.inject({ fault: { kind: 'hang' } });
    const leaving = new AbortController();
    const deadlineMs = systemClock.monotonicMs() + 60_000;
    const acting = client.actuator.actuate(aWish, { deadlineMs, signal: leaving.signal });
    await until(() => client.double.count('prediction') === 1);
    leaving.abort(new Error('stopping'));
    expect(await acting).toMatchObject({ outcome: 'unknown' });
    expect(await client.actuator.actuate(aWish, { deadlineMs, signal: leaving.signal })).toMatchObject({
      outcome: 'failed',
    });
    expect(client.double.count('prediction')).toBe(1);
  });
});

describe('the way there', () => {
  it('is not through a proxy that the environment happens to name', async () => {
    for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy']) vi.stubEnv(name, 'http://127.0.0.1:9');
    for (const name of ['NO_PROXY', 'no_proxy']) vi.stubEnv(name, '');
    await using client = await setUpClient();
    expect(await client.actuate()).toMatchObject({ outcome: 'applied' });
    vi.unstubAllEnvs();
  });
});

describe('a control plane that is not there', () => {
  it('fails after two tries, since nothing can have arrived', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as { port: number };
    await new Promise((resolve) => closed.close(resolve));
    await using client = await setUpClient({ connection: { url: `http://127.0.0.1:${port}` } });
    const actuation = await client.actuate();
    expect(actuation).toMatchObject({ outcome: 'failed', status: undefined });
    expect(actuation.detail).toContain('no connection');
  });

  it('comes back between two tries', async () => {
    const clock = new HandWoundClock();
    await using client = await setUpClient({ clock });
    const { url } = client.double;
    await client.double.stop();
    const acting = client.actuate();
    await until(() => clock.pendingTimers === 2);
    await client.double.start({ port: Number(new URL(url).port) });
    await clock.wind(60);
    expect(await acting).toMatchObject({ outcome: 'applied' });
  });

  it('with a name that does not resolve fails at once', async () => {
    await using client = await setUpClient({ connection: { url: 'http://nothing.invalid' } });
    expect(await client.actuate()).toMatchObject({ outcome: 'failed' });
  });
});

describe('a deadline', () => {
  it('that has passed sends nothing', async () => {
    await using client = await setUpClient();
    expect(await client.actuate({}, 0)).toMatchObject({
      outcome: 'failed',
      detail: 'not sent: its deadline had passed',
    });
    expect(client.double.seen).toEqual([]);
  });

  it('that passed while the process stood still sends nothing, before any timer has fired', async () => {
    const clock = new HandWoundClock();
    const frozen = { ...aWish };
    let nowMs = 0;
    // The clock jumps while the credential is fetched; its timers have not run yet.
    const jumping = {
      monotonicMs: () => nowMs,
      wallMs: () => clock.wallMs(),
      after: () => () => {},
    };
    await using client = await setUpClient();
    const connection = new ControlPlaneConnection({
      url: client.double.url,
      clock: jumping,
      random: middling,
      auth: {
        kind: 'bearer',
        token: () => {
          nowMs += 10_000;
          return 'token';
        },
      },
    });
    const means = { clock: jumping, random: middling };
    const actuator = new GatedActuator({ sender: new HttpWishSender({ connection, ...means }), ...means });
    expect(await actuator.actuate(frozen, { deadlineMs: 3_000 })).toMatchObject({ outcome: 'failed' });
    expect(client.double.seen).toEqual([]);
    connection.close();
  });
});

describe('a dry run', () => {
  it('sends nothing, for all or for some', async () => {
    await using all = await setUpClient({ actuator: { isDryRun: true } });
    expect(await all.actuate()).toMatchObject({ outcome: 'dry-run', detail: 'not sent: would ask for 3' });
    await using some = await setUpClient({ actuator: { dryRunIds: ['v2', 'function-9'] } });
    expect(await some.actuate({ versionId: 'v2' })).toMatchObject({ outcome: 'dry-run' });
    expect(await some.actuate({ functionId: 'function-9' })).toMatchObject({ outcome: 'dry-run' });
    expect(await some.actuate()).toMatchObject({ outcome: 'applied' });
    expect(all.double.seen.length + some.double.seen.length).toBe(1);
    expect(some.actuator.isDryRun({ account: 'a', functionId: 'f', versionId: 'v2' })).toBe(true);
  });
});

describe('the breaker', () => {
  const failing = { kind: 'status', status: 500 } as const;

  it('opens after failures in a row, sends nothing, tries once, and closes', async () => {
    const clock = new HandWoundClock();
    await using client = await setUpClient({ clock, actuator: { breaker: { failures: 3, openForMs: 5_000 } } });
    const stopFailing = client.double.faults.inject({ fault: failing });
    for (let token = 1n; token <= 3n; token += 1n) await client.actuate({ token });
    expect(client.actuator.status().breaker).toBe('open');
    expect(await client.actuate({ token: 4n })).toMatchObject({ outcome: 'failed', retryAfterMs: 5_000 });
    await expect(client.actuator.admit()).rejects.toThrow(NotAdmitted);
    expect(client.double.count('prediction')).toBe(3);

    await clock.wind(5_000);
    expect(await client.actuate({ token: 5n })).toMatchObject({ outcome: 'failed', status: 500 });
    expect(await client.actuate({ token: 6n })).toMatchObject({ outcome: 'failed', status: undefined });
    expect(client.double.count('prediction')).toBe(4);

    stopFailing();
    await clock.wind(5_000);
    expect(await client.actuate({ token: 7n })).toMatchObject({ outcome: 'applied' });
    expect(client.actuator.status().breaker).toBe('closed');
  });

  it('admits one wish to find out, and the rest when that went well', async () => {
    const clock = new HandWoundClock();
    await using client = await setUpClient({ clock, actuator: { breaker: { failures: 1, openForMs: 5_000 } } });
    client.double.faults.inject({ fault: failing, times: 1 });
    await client.actuate({ token: 1n });
    await clock.wind(5_000);
    await client.actuator.admit();
    await expect(client.actuator.admit()).rejects.toThrow('one wish is finding out');
    expect(await client.actuate({ token: 2n })).toMatchObject({ outcome: 'applied' });
    await client.actuator.admit();
  });

  it('stays shut for what is about the wish, not the control plane', async () => {
    await using client = await setUpClient({ actuator: { breaker: { failures: 1, openForMs: 5_000 } } });
    for (const [index, status] of [400, 403, 404, 409, 422, 429].entries()) {
      client.double.faults.inject({ fault: { kind: 'status', status, body: { title: 'no' } }, times: 1 });
      await client.actuate({ token: BigInt(index + 1) });
    }
    expect(client.actuator.status().breaker).toBe('closed');
  });

  it('does not mind the wall clock jumping', async () => {
    const clock = new HandWoundClock();
    await using client = await setUpClient({ clock, actuator: { breaker: { failures: 1, openForMs: 5_000 } } });
    client.double.faults.inject({ fault: failing, times: 1 });
    await client.actuate({ token: 1n });
    clock.jumpWall(-3_600_000);
    await clock.wind(5_000);
    expect(await client.actuate({ token: 2n })).toMatchObject({ outcome: 'applied' });
  });
});

describe('a complaint', () => {
  it('pauses all wishes for as long as was asked, and halves the rate', async () => {
    const clock = new HandWoundClock();
    await using client = await setUpClient({ clock, actuator: { ratePerSecond: 100, burst: 100 } });
    client.double.faults.inject({ fault: { kind: 'status', status: 429, headers: { 'retry-after': '2' } }, times: 1 });
    expect(await client.actuate()).toMatchObject({ outcome: 'failed', retryAfterMs: 2_000 });
    expect(client.actuator.status()).toMatchObject({ pausedMs: 2_000, ratePerSecond: 50 });
    let isAdmitted = false;
    const admitting = client.actuator.admit().then(() => {
      isAdmitted = true;
    });
    await clock.wind(1_999);
    expect(isAdmitted).toBe(false);
    await clock.wind(1);
    await admitting;
    expect(client.actuator.status().breaker).toBe('closed');
  });

  it('as a date is measured by the clock of who said it', async () => {
    await using client = await setUpClient();
    const headers = { date: 'Tue, 03 Jan 2040 10:00:00 GMT', 'retry-after': 'Tue, 03 Jan 2040 10:00:04 GMT' };
    client.double.faults.inject({ fault: { kind: 'status', status: 503, headers } });
    expect(await client.actuate()).toMatchObject({ outcome: 'failed', retryAfterMs: 4_000 });
    expect(client.actuator.status().breaker).toBe('closed');
  });

  it('that asks for a long pause turns wishes away instead of keeping them waiting', async () => {
    await using client = await setUpClient();
    client.double.faults.inject({ fault: { kind: 'status', status: 503, headers: { 'retry-after': '60' } }, times: 1 });
    await client.actuate();
    const refused = await client.actuator.admit().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(NotAdmitted);
    expect((refused as NotAdmitted).retryAfterMs).toBeGreaterThan(50_000);
  });
});

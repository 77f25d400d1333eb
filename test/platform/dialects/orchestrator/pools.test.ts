import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HandWoundClock } from '../../../support/hand-wound-clock.ts';
import { anOrchestratorWithPools, type OrchestratorReply } from './an-orchestrator.ts';

const START_MS = 100;
const CALL_MS = 50;

/** The real pools behind the dialect; time passes when the test says so. */
describe('the instances of the orchestrator', () => {
  let clock: HandWoundClock;
  let running: Awaited<ReturnType<typeof anOrchestratorWithPools>>;
  let id: string;

  const begin = async (definition: object = {}) => {
    clock = new HandWoundClock();
    running = await anOrchestratorWithPools({
      clock,
      fake: { startMs: START_MS, handler: ({ sleep }) => sleep(CALL_MS).then(() => ({ done: true })) },
    });
    id = await running.register(definition);
  };
  beforeEach(() => begin());
  afterEach(async () => {
    const stopped = running.stop();
    await windUntil(stopped);
    expect(running.backend.live.size).toBe(0);
  });

  /** Lets time pass, a little at a time, until it is answered. */
  const windUntil = async <T>(answer: Promise<T>): Promise<T> => {
    let isOver = false;
    const watched = answer.finally(() => {
      isOver = true;
    });
    watched.catch(() => {});
    // A request needs real turns of the event loop to come in and to go out.
    while (!isOver) await clock.wind(5);
    return watched;
  };
  const invoke = (event: object = {}) => running.ask('POST', `/functions/${id}/invoke`, event);
  const call = (event?: object) => windUntil(invoke(event));
  const warm = () => windUntil(running.ask('POST', `/functions/${id}/warm`));
  const row = async () => (await running.ask('GET', '/metrics')).body.metrics[0];
  const states = async () =>
    (await running.ask('GET', `/functions/${id}/pool`)).body.instances
      .map(({ state }: { state: string }) => state)
      .sort();
  const lines = async () =>
    (await running.ask('GET', `/functions/${id}/logs?limit=1000`)).body.logs.map(
      ({ message }: { message: string }) => message,
    );
  /** A call that is under way and has come as far as it can without time passing. */
  const underWay = async (event?: object): Promise<{ answer: Promise<OrchestratorReply> }> => {
    const { invocations } = await statistics();
    const answer = invoke(event);
    await expect.poll(async () => (await statistics()).invocations).toBe(invocations + 1);
    return { answer };
  };
  const statistics = async () => (await running.ask('GET', `/functions/${id}/stats`)).body;

  it('are made for a call that finds none, and write each step', async () => {
    const { body } = await call();
    expect(body).toMatchObject({ statusCode: 200, body: { done: true }, coldStart: true });
    expect(body.duration).toBeGreaterThanOrEqual(START_MS + CALL_MS);
    expect(await lines()).toEqual([
      `[REGISTRY] Registered function: hello-world (${id})`,
      `[POOL] Created instance inst-0 for function ${id}`,
      '[OPTIMIZER] Warming instance inst-0',
      '[OPTIMIZER] Instance inst-0 is now warm',
      expect.stringMatching(
        new RegExp(`^\\[ROUTER\\] Request ${body.requestId} for ${id} \\(http\\) on inst-0: ok, cold, `),
      ),
    ]);
    expect(body.logs).toContain('[INFO] Instance: inst-0');
  });

  it('serve again and again, without their start', async () => {
    const cold = (await call()).body;
    const warmCalls = [(await call()).body, (await call()).body];
    for (const { coldStart, logs, duration } of warmCalls) {
      expect(coldStart).toBe(false);
      expect(logs).toContain('[INFO] Instance: inst-0');
      expect(duration).toBeLessThan(cold.duration * 0.5);
    }
    expect(await row()).toMatchObject({ total: 1, warm: 1, busy: 0 });
    expect((await running.ask('GET', `/functions/${id}/pool`)).body.instances).toMatchObject([
      { id: 'inst-0', state: 'warm', source: 'lazy', invocations: 3 },
    ]);
  });

  it('are warming, busy, warm, terminating, and gone', async () => {
    const { answer } = await underWay();
    expect(await states()).toEqual(['warming']);
    await clock.wind(START_MS);
    expect(await states()).toEqual(['busy']);
    expect(await row()).toMatchObject({ total: 1, warm: 0, busy: 1 });
    await windUntil(answer);
    expect(await states()).toEqual(['warm']);
    running.platform.engine.pools.cool(running.versionOf(id));
    expect(await states()).toEqual(['terminating']);
    await clock.wind(1_000);
    expect(await states()).toEqual([]);
  });

  it('take several where the function says that it can', async () => {
    await beginAnewWith({ concurrency: 3 });
    await call();
    const answers = [await underWay(), await underWay(), await underWay()];
    expect(await row()).toMatchObject({ total: 1, busy: 1 });
    await windUntil(Promise.all(answers.map(({ answer }) => answer)));
    expect(running.backend.peakOverlap).toBe(3);
    expect(running.backend.launches).toBe(1);
  });

  it('take one call each', async () => {
    const answers = [await underWay(), await underWay(), await underWay()];
    const replies = await windUntil(Promise.all(answers.map(({ answer }) => answer)));
    const instances = replies.map(({ body }) => body.logs[2]);
    expect([...instances].sort()).toEqual([
      '[INFO] Instance: inst-0',
      '[INFO] Instance: inst-1',
      '[INFO] Instance: inst-2',
    ]);
    expect(running.backend.peakOverlap).toBe(1);
  });

  it('are added two at a time by hand, each time two more', async () => {
    expect((await warm()).body).toEqual({ status: 'warmed' });
    expect(await row()).toMatchObject({ total: 2, warm: 2 });
    await warm();
    expect(await row()).toMatchObject({ total: 4, warm: 4 });
    expect((await lines()).filter((line: string) => line.includes('Pre-warming'))).toEqual([
      `[OPTIMIZER] Pre-warming 2 instances for function ${id}`,
      `[OPTIMIZER] Pre-warming 2 instances for function ${id}`,
    ]);
    expect((await call()).body.coldStart).toBe(false);
  });

  it('warming has a bound, however often it is asked for', async () => {
    for (let time = 0; time < 12; time += 1) expect((await warm()).status).toBe(200);
    // Eight for each of two CPUs.
    expect(await row()).toMatchObject({ total: 16 });
  });

  it('are waited for while they warm up, and no further one is made', async () => {
    const warmed = running.ask('POST', `/functions/${id}/warm`);
    await expect.poll(states).toEqual(['warming', 'warming']);
    const { answer } = await underWay();
    await windUntil(Promise.all([warmed, answer]));
    expect(running.backend.launches).toBe(2);
    expect((await answer).body.coldStart).toBe(false);
  });

  it('go after a minute without calls, seen every 30 seconds', async () => {
    await call();
    await clock.wind(59_000);
    expect(await row()).toMatchObject({ total: 1 });
    await clock.wind(32_000);
    expect(await row()).toMatchObject({ total: 0 });
    const line = (await lines()).at(-1);
    const [, age, idle] = /^\[POOL\] Removing instance inst-0 \(age: (\d+)ms, idle: (\d+)ms\)$/.exec(line) ?? [];
    expect(Number(idle)).toBeGreaterThanOrEqual(60_000);
    expect(Number(idle)).toBeLessThanOrEqual(91_000);
    expect(Number(age)).toBeGreaterThanOrEqual(Number(idle) + CALL_MS);
  });

  it('go at five minutes of age, but never in the middle of a call', async () => {
    const first = running.backend;
    for (let passedMs = 0; passedMs < 270_000; passedMs += 20_000) {
      await call();
      await clock.wind(20_000);
    }
    expect(first.launches).toBe(1);
    running.backend.handlers.set(running.versionOf(id), ({ sleep }) => sleep(25_000).then(() => 'late'));
    expect((await call()).body).toMatchObject({ body: 'late', coldStart: false });
    await clock.wind(1_000);
    const removing = (await lines()).find((line: string) => line.includes('Removing instance inst-0'));
    expect(removing).toMatch(/age: 3\d{5}ms/);
  });

  it('are kept free beside busy ones, one more every five seconds', async () => {
    await beginAnewWith({ timeout: 600_000 });
    running.backend.handlers.set(running.versionOf(id), ({ sleep }) => sleep(100_000));
    const { answer } = await underWay();
    await clock.wind(30_000);
    expect(await row()).toMatchObject({ busy: 1, warm: 2 });
    expect((await lines()).filter((line: string) => line.startsWith('[AUTOSCALER]'))).toEqual(
      expect.arrayContaining([`[AUTOSCALER] Scaling up ${id} by 1 instances`]),
    );
    await clock.wind(75_000);
    await answer;
    await clock.wind(120_000);
    expect(await row()).toMatchObject({ total: 0 });
  });

  it('are waited for in order, by as many calls as the queue is deep', async () => {
    await beginAnewWith({ pool: { instancesMax: 1, queueDepth: 2 } });
    const ended: number[] = [];
    running.backend.handlers.set(running.versionOf(id), async ({ payload, sleep }) => {
      await sleep(CALL_MS);
      ended.push(JSON.parse(Buffer.from(payload).toString()).number);
    });
    await call({ number: 0 });
    const answers = [await underWay({ number: 1 }), await underWay({ number: 2 }), await underWay({ number: 3 })];
    expect(await statistics()).toMatchObject({ queued: 2, busy: 1 });
    const refused = await call({ number: 4 });
    expect(refused).toMatchObject({ status: 429, body: { error: expect.stringContaining('wait for an instance') } });
    await windUntil(Promise.all(answers.map(({ answer }) => answer)));
    expect(ended).toEqual([0, 1, 2, 3]);
  });

  it('go with their function, and the log says so', async () => {
    await warm();
    expect(await running.ask('DELETE', `/functions/${id}`)).toMatchObject({ status: 200 });
    await clock.wind(1_000);
    expect(running.backend.live.size).toBe(0);
    const all = (await running.ask('GET', '/logs')).body.logs.map(({ message }: { message: string }) => message);
    expect(all.slice(-3)).toEqual([
      expect.stringMatching(/^\[POOL\] Removing instance inst-0 \(age: \d+ms, idle: \d+ms\)$/),
      expect.stringMatching(/^\[POOL\] Removing instance inst-1 \(age: \d+ms, idle: \d+ms\)$/),
      `[REGISTRY] Deleted function: ${id}`,
    ]);
  });

  it('of the code before give way to those of the new', async () => {
    await beginAnewWith({ pool: { instancesMin: 1 } });
    await expect.poll(() => clock.wind(50).then(row)).toMatchObject({ warm: 1 });
    await windUntil(running.ask('PATCH', `/functions/${id}`, { code: 'exports.handler = () => 2' }));
    await clock.wind(1_000);
    expect((await running.ask('GET', `/functions/${id}/pool`)).body.instances).toMatchObject([
      { version: 2, state: 'warm' },
    ]);
  });

  it('are replaced when they do not start or do not live', async () => {
    running.backend.faults.push('fails');
    expect(await call()).toMatchObject({ status: 500, body: { error: expect.stringContaining('SyntaxError') } });
    expect((await lines()).at(-2)).toBe('[OPTIMIZER] Instance inst-0 did not start: SyntaxError: this is no program');
    await clock.wind(60_000);
    expect((await call()).body).toMatchObject({ statusCode: 200, coldStart: true });
    // It dies while nobody looks: the call finds another one.
    for (const instance of running.backend.live) instance.exit(1, null);
    expect((await call()).body).toMatchObject({ statusCode: 200, coldStart: true });
  });

  it('a call is tried elsewhere when its instance never got it, and never when it may have run', async () => {
    running.backend.faults.push('dead');
    const retried = (await call()).body;
    expect(retried).toMatchObject({ statusCode: 200 });
    let runs = 0;
    running.backend.handlers.set(running.versionOf(id), ({ die }) => {
      runs += 1;
      return die();
    });
    const { status, body } = await call();
    expect(status).toBe(500);
    expect(body).toMatchObject({
      error: expect.stringContaining('ended before it answered'),
      requestId: expect.stringMatching(/^req-/),
      logs: expect.arrayContaining([expect.stringMatching(/^\[START\]/), expect.stringMatching(/^\[ERROR\]/)]),
    });
    expect(runs).toBe(1);
  });

  /** Another function than the one of `beforeEach`. */
  async function beginAnewWith(definition: object): Promise<void> {
    const stopped = running.stop();
    await windUntil(stopped);
    await begin(definition);
  }
});

import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { CassandraOptions } from '../../../src/adapters/cassandra/cassandra-options.ts';
import { migrate } from '../../../src/adapters/cassandra/schema/migrate.ts';
import { CassandraStore } from '../../../src/adapters/cassandra/store.ts';
import type { ClaimResult } from '../../../src/ports/state-keeper.ts';
import { StoreError } from '../../../src/ports/store-error.ts';
import { claimOf, entryOf, memberOf, settlementOf } from '../../contract/store/rows.ts';
import { describeWithCassandra } from '../../support/cassandra/describe-with-cassandra.ts';
import { plainClient } from '../../support/cassandra/plain-client.ts';
import { carriesStatement, connectionTo } from '../../support/cassandra/store-harness.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';

describeWithCassandra('Cassandra behind a faulty connection', {}, (cluster) => {
  const open: Array<{ close(): Promise<void> }> = [];

  beforeAll(async () => {
    await migrate(connectionTo(cluster()));
  });

  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  async function client(options: Partial<CassandraOptions> = {}): Promise<{ store: CassandraStore; proxy: TcpProxy }> {
    const proxy = new TcpProxy({ host: '127.0.0.1', port: cluster().port });
    const port = await proxy.listen();
    open.push(proxy);
    const store = await CassandraStore.open({ ...connectionTo(cluster()), port, ...options });
    open.push(store);
    return { store, proxy };
  }

  it('resolves every claim by its nonce while one answer in three is cut at a random byte', {
    timeout: 120_000,
  }, async () => {
    const { store, proxy } = await client();
    const { store: observer } = await client();
    const results = new Map<string, ClaimResult['outcome']>();
    for (let round = 0; round < 60; round += 1) {
      const versionId = `cut-${round}`;
      if (round % 3 === 0) proxy.set({ kind: 'cut-answer', afterBytes: (round * 7) % 60, when: carriesStatement });
      const claim = claimOf(versionId, { wanted: round });
      const [result] = await untilTried(() => store.states.claim(round % 8, [claim]));
      results.set(versionId, result?.outcome ?? 'unknown');
      const row = await observer.states.readOne(round % 8, versionId);
      // One token, one nonce, reported as mine: nobody else was there.
      expect(row).toMatchObject({ token: claim.token, nonce: claim.nonce, wanted: round });
    }
    expect(proxy.cuts).toBeGreaterThanOrEqual(19);
    expect([...results.values()].filter((outcome) => outcome !== 'applied')).toEqual([]);
  });

  it('never gives a token twice when two members claim over a connection that loses answers', {
    timeout: 120_000,
  }, async () => {
    const members = [await client(), await client()];
    const owners = new Map<bigint, string>();
    const { store: observer } = await client();
    for (let round = 0; round < 40; round += 1) {
      const observed = (await observer.states.readOne(9, 'shared'))?.token;
      const proxy = members[round % 2]?.proxy;
      if (round % 2 === 0) proxy?.set({ kind: 'cut-answer', afterBytes: 0, when: carriesStatement });
      const token = (observed ?? 0n) + 10n;
      const ends = await Promise.all(
        members.map(async ({ store }, index) => {
          const claim = claimOf('shared', { observed, token, holder: `member-${index}` });
          const [result] = await untilTried(() => store.states.claim(9, [claim]));
          return { claim, outcome: result?.outcome };
        }),
      );
      const winners = ends.filter(({ outcome }) => outcome === 'applied');
      expect(winners.length).toBeLessThanOrEqual(1);
      for (const { claim } of winners) {
        expect(owners.has(claim.token)).toBe(false);
        owners.set(claim.token, claim.holder);
        expect(await observer.states.readOne(9, 'shared')).toMatchObject({ nonce: claim.nonce });
      }
    }
    expect(owners.size).toBeGreaterThanOrEqual(35);
  });

  it('ends every call within its deadline when the node accepts requests and never answers', {
    timeout: 60_000,
  }, async () => {
    const { store, proxy } = await client({
      statementDeadlineMs: 800,
      heartbeatDeadlineMs: 400,
      conditionalDeadlineMs: 800,
    });
    await store.states.claim(20, [claimOf('mute', { token: 1n })]);
    // From here on the statement is prepared: what is sent is carried out.
    const first = claimOf('mute', { observed: 1n });
    await store.states.claim(20, [first]);
    const duty = await store.duties.read('discovery', 1n);
    proxy.set({ kind: 'drop-answers' });
    const claim = claimOf('mute', { observed: first.token });
    const claimed = store.states.claim(20, [claim]);
    const kinds = await Promise.all([
      inTime(700, store.roster.beat(memberOf('mute'))),
      inTime(700, store.roster.list()),
      inTime(700, store.ping()),
      inTime(1100, store.states.read([20, 21, 22])),
      inTime(1100, store.catalogue.read([20])),
      inTime(1100, store.ledger.record([entryOf('mute', Date.now())])),
      inTime(3500, store.duties.take(duty, { token: duty.token + 1n, holder: 'mute', nonce: 'n' })),
    ]);
    const [read, write] = ['unavailable', 'unknown'];
    expect(kinds).toEqual([write, read, read, read, read, write, write]);
    // The claim did happen; the member only cannot know.
    expect(await claimed).toEqual([{ versionId: 'mute', outcome: 'unknown' }]);
    proxy.set({ kind: 'pass' });
    proxy.reset();
    await untilTried(() => store.ping());
    expect(await store.states.readOne(20, 'mute')).toMatchObject({ nonce: claim.nonce });
    expect(await store.states.claim(20, [claim])).toEqual([{ versionId: 'mute', outcome: 'applied' }]);
  });

  it('fails the whole read after one deadline, not one per bucket', async () => {
    const { store, proxy } = await client({ statementDeadlineMs: 500 });
    const buckets = Array.from({ length: 1024 }, (_, bucket) => bucket);
    await store.states.read(buckets);
    proxy.set({ kind: 'drop-requests' });
    expect(await inTime(2000, store.states.read(buckets))).toBe('unavailable');
  });

  it('refuses a claim as busy, without sending it, when it waited too long for its bucket', {
    timeout: 60_000,
  }, async () => {
    const { store, proxy } = await client({ conditionalDeadlineMs: 300, statementDeadlineMs: 300 });
    await store.ping();
    proxy.set({ kind: 'drop-requests' });
    const ends = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        try {
          return (await store.states.claim(30, [claimOf(`queue-${index}`)]))[0]?.outcome;
        } catch (error) {
          return (error as StoreError).kind;
        }
      }),
    );
    expect(ends).toContain('unknown');
    expect(ends.filter((end) => end === 'busy').length).toBeGreaterThan(10);
    expect(ends).not.toContain('lost');
  });

  it('keeps working over a slow connection', { timeout: 60_000 }, async () => {
    const { store, proxy } = await client();
    proxy.set({ kind: 'delay', ms: 40 });
    const claims = Array.from({ length: 150 }, (_, index) => claimOf(`slow-${index}`));
    const results = await store.states.claim(40, claims);
    expect(results.every(({ outcome }) => outcome === 'applied')).toBe(true);
  });

  it('reconnects after a restart of the node, and prepared statements still work', { timeout: 120_000 }, async () => {
    const { store } = await client();
    const claim = claimOf('restart');
    await store.states.claim(50, [claim]);
    await store.roster.beat(memberOf('restart'));
    const [node] = cluster().nodes;
    await node?.stop();
    expect(await inTime(10_000, store.roster.beat(memberOf('restart', { beat: 2 })))).toMatch(/unavailable|unknown/);
    await node?.start();
    await untilTried(() => store.roster.beat(memberOf('restart', { beat: 3 })));
    const members = await untilTried(() => store.roster.list());
    expect(members.find(({ memberId }) => memberId === 'restart')).toMatchObject({ beat: 3 });
    const settled = await untilTried(() => store.states.settle(50, [settlementOf(claim)]));
    expect(settled).toEqual([{ versionId: 'restart', outcome: 'settled' }]);
  });

  it('leaves no reconnection attempts behind after an outage', { timeout: 60_000 }, async () => {
    const { store, proxy } = await client();
    for (let outage = 0; outage < 3; outage += 1) {
      proxy.set({ kind: 'refuse' });
      await inTime(10_000, store.ping());
      await new Promise((resolve) => setTimeout(resolve, 250));
      proxy.set({ kind: 'pass' });
      await untilTried(() => store.ping());
    }
    // Within some seconds of the last change all but the newest connection are given up.
    await vi.waitFor(() => expect(proxy.connections).toBe(1), { timeout: 15_000, interval: 200 });
    await store.ping();
    await store.close();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const knocks = proxy.knocks;
    await new Promise((resolve) => setTimeout(resolve, 4000));
    expect(proxy.knocks).toBe(knocks);
    expect(proxy.connections).toBe(0);
  });

  it('writes only complete rows without nulls, and sets no client timestamp', async () => {
    const { store } = await client();
    await store.states.claim(60, [claimOf('whole', { previous: undefined })]);
    const outside = await plainClient(cluster(), { keyspace: 'starling' });
    open.push({ close: () => outside.shutdown() });
    const row = (
      await outside.execute("SELECT * FROM function_state WHERE bucket = 60 AND version_id = 'whole'")
    ).first();
    expect(Object.values(row ?? {}).every((value) => value !== null)).toBe(true);

    // A member whose clock is a day ahead: its row must not hide a later one.
    const ahead = Date.now;
    Date.now = () => ahead() + 86_400_000;
    try {
      await store.roster.beat(memberOf('ahead', { beat: 1 }));
    } finally {
      Date.now = ahead;
    }
    await store.roster.beat(memberOf('ahead', { beat: 2 }));
    expect((await store.roster.list()).find(({ memberId }) => memberId === 'ahead')?.beat).toBe(2);
  });
});

/** The kind of the failure; fails when the call succeeds or outlives its limit. */
async function inTime(limitMs: number, call: Promise<unknown>): Promise<string> {
  const startMs = performance.now();
  try {
    await call;
    return 'no failure';
  } catch (error) {
    expect(error).toBeInstanceOf(StoreError);
    expect(performance.now() - startMs).toBeLessThan(limitMs);
    return (error as StoreError).kind;
  }
}

/** Comes again after a clean refusal, as a member does in its next cycle. */
async function untilTried<T>(attempt: () => Promise<T>): Promise<T> {
  const endMs = performance.now() + 20_000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof StoreError) || performance.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { StoreClient } from '../../../src/adapters/prometheus/store-client.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import type { TlsMaterial } from '../../../src/adapters/wire/tls.ts';
import { Authority, type KeyPair } from '../../support/timeseries/certificates.ts';
import { ScriptedStore } from '../../support/timeseries/scripted-store.ts';

describe('a store behind mutual TLS', () => {
  const store = new ScriptedStore();
  let ours: Authority;
  let theirs: Authority;
  let known: KeyPair;
  let stranger: KeyPair;
  let material: TlsMaterial;
  let client: StoreClient;

  beforeAll(async () => {
    ours = new Authority('ours');
    theirs = new Authority('theirs');
    known = ours.issue('replica');
    stranger = theirs.issue('stranger');
    await store.start({ tls: { ...ours.issue('store'), ca: ours.cert, requestCert: true, rejectUnauthorized: true } });
  });
  beforeEach(() => {
    client?.close();
    material = { ca: ours.cert, ...known };
    const random = { next: () => 0, uuid: () => '' };
    client = new StoreClient({ url: store.url, clock: systemClock, random, retries: 0, tls: () => material });
  });
  afterAll(async () => {
    client?.close();
    await store.stop();
    ours?.remove();
    theirs?.remove();
  });

  const ask = () => client.queryAt({ name: 'q', promql: 'up', atSeconds: 1 });

  it('answers only to the client certificate that it knows', async () => {
    expect((await ask()).series).toEqual([]);
    material = { ca: ours.cert, ...stranger };
    await expect(ask()).rejects.toMatchObject({ kind: 'unreachable' });
    material = { ca: ours.cert };
    await expect(ask()).rejects.toMatchObject({ kind: 'unreachable' });
  });

  it('is not trusted with a certificate of another authority', async () => {
    material = { ca: theirs.cert, ...known };
    await expect(ask()).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringMatching(/certificate|signature/i),
    });
    material = { ca: ours.cert, ...known, serverName: 'elsewhere.example' };
    await expect(ask()).rejects.toThrow(/altnames|ERR_TLS_CERT_ALTNAME_INVALID/i);
    material = { ca: theirs.cert, ...known, insecure: true };
    expect((await ask()).series).toEqual([]);
  });

  it('is reached with a renewed certificate by the same client, while a request with the old one finishes', async () => {
    await ask();
    const seen = store.requests.length;
    store.answer = () => undefined;
    const controller = new AbortController();
    const slow = client.queryAt({ name: 'slow', promql: 'up', atSeconds: 1, signal: controller.signal });
    const ended = slow.catch((error: unknown) => error);
    await expect.poll(() => store.requests.length).toBe(seen + 1);
    const before = store.connections;
    store.answer = () => ({ body: '{"status":"success","data":{"resultType":"vector","result":[]}}' });
    material = { ca: ours.cert, ...ours.issue('renewed') };
    expect((await ask()).series).toEqual([]);
    expect(store.connections).toBeGreaterThan(before);
    controller.abort('enough');
    // It ended because we said so, not because its connection was torn down.
    expect(await ended).toBe('enough');
  });
});

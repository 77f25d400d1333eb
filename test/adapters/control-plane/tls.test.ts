import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TlsMaterial } from '../../../src/adapters/wire/tls.ts';
import { type Authority, makeAuthority } from '../../support/cassandra/certificates.ts';
import { type Client, setUpClient } from './client-harness.ts';

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version']);
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!hasOpenssl())('a control plane behind TLS', () => {
  let folder: string;
  let ours: Authority;
  let foreign: Authority;
  let server: { cert: string; key: string };
  let member: { cert: string; key: string };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starling-tls-'));
    [ours, foreign] = await Promise.all([makeAuthority(folder, 'ours'), makeAuthority(folder, 'foreign')]);
    server = await ours.issue({ name: 'server', subjectAltName: 'DNS:control.plane.test' });
    member = await ours.issue({ name: 'member', subjectAltName: 'DNS:member.test' });
  }, 60_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const setUp = (tls: () => TlsMaterial, more: ServerOptions = {}): Promise<Client> =>
    setUpClient({ double: { tls: { ...server, ...more } }, connection: { tls } });
  const named = { serverName: 'control.plane.test' };

  it('is trusted by the authority and the name that were configured', async () => {
    await using client = await setUp(() => ({ ...named, ca: ours.ca }));
    expect(await client.actuate()).toMatchObject({ outcome: 'applied' });
  });

  it.each<[string, () => TlsMaterial]>([
    ['a foreign authority', () => ({ ...named, ca: foreign.ca })],
    ['no authority of its own', () => ({ ...named })],
    ['another name', () => ({ serverName: 'other.test', ca: ours.ca })],
    ['the address as its name', () => ({ ca: ours.ca })],
  ])('is not trusted with %s, and nothing was sent', async (_, tls) => {
    await using client = await setUp(tls);
    const actuation = await client.actuate();
    expect(actuation).toMatchObject({ outcome: 'failed', status: undefined });
    expect(actuation.detail).toContain('no trusted connection');
    expect(client.double.seen).toEqual([]);
  });

  it('is trusted blindly when that is written out', async () => {
    await using client = await setUp(() => ({ insecure: true }));
    expect(await client.actuate()).toMatchObject({ outcome: 'applied' });
  });

  it('that demands a certificate is shown ours', async () => {
    const demanding = { requestCert: true, rejectUnauthorized: true, ca: ours.ca };
    await using without = await setUp(() => ({ ...named, ca: ours.ca }), demanding);
    expect((await without.actuate()).outcome).not.toBe('applied');
    expect(without.double.seen).toEqual([]);
    await using withOurs = await setUp(() => ({ ...named, ca: ours.ca, ...member }), demanding);
    expect(await withOurs.actuate()).toMatchObject({ outcome: 'applied' });
  });

  it('is reached with new certificates as soon as they are there', async () => {
    let material: TlsMaterial = { ca: foreign.ca };
    await using client = await setUp(() => ({ ...named, ...material }));
    expect(await client.actuate()).toMatchObject({ outcome: 'failed' });
    material = { ca: ours.ca };
    expect(await client.actuate()).toMatchObject({ outcome: 'applied' });
    material = { ca: foreign.ca };
    expect(await client.actuate()).toMatchObject({ outcome: 'failed' });
  });
});

import { describe, expect, it } from 'vitest';
import type { Auth } from '../../../src/adapters/wire/auth.ts';
import { HandWoundClock } from '../../support/hand-wound-clock.ts';
import { setUpClient, until } from './client-harness.ts';

const CLIENT = { clientId: 'client:1', clientSecret: 'pässword +/&=' };

/** A client that fetches its tokens from the double's own issuer. */
async function setUpIssued(
  more: { clock?: HandWoundClock; secret?: () => string; scope?: string; timeoutMs?: number } = {},
) {
  const clock = more.clock ?? new HandWoundClock();
  const issuer = await setUpClient({ double: { auth: CLIENT } });
  const auth: Auth = {
    kind: 'oauth2',
    tokenUrl: `${issuer.double.url}/oauth2/token`,
    clientId: CLIENT.clientId,
    clientSecret: more.secret ?? (() => CLIENT.clientSecret),
    ...(more.scope === undefined ? {} : { scope: more.scope }),
  };
  const client = await setUpClient({ clock, connection: { url: issuer.double.url, auth } });
  return {
    ...client,
    clock,
    double: issuer.double,
    [Symbol.asyncDispose]: async () => {
      await client[Symbol.asyncDispose]();
      await issuer[Symbol.asyncDispose]();
    },
  };
}

describe('a bearer token', () => {
  it('is sent as it stands at that moment', async () => {
    let token = 'first\n';
    await using client = await setUpClient({
      double: { auth: { bearer: 'second' } },
      connection: { auth: { kind: 'bearer', token: () => token } },
    });
    expect(await client.actuate()).toMatchObject({ outcome: 'failed', status: 401 });
    expect(client.double.count('prediction')).toBe(1);
    token = 'second\n';
    expect(await client.actuate()).toMatchObject({ outcome: 'applied' });
  });

  it('of several words is sent as the operator wrote it', async () => {
    await using client = await setUpClient({
      double: { auth: { bearer: 'a secret of words' } },
      connection: { auth: { kind: 'bearer', token: () => 'a secret of words' } },
    });
    expect(await client.actuate()).toMatchObject({ outcome: 'applied' });
  });

  it('that was exchanged while it was being refused is tried again at once', async () => {
    const tokens = ['old', 'new', 'new'];
    await using client = await setUpClient({
      double: { auth: { bearer: 'new' } },
      connection: { auth: { kind: 'bearer', token: () => tokens.shift() ?? '' } },
    });
    expect(await client.actuate()).toMatchObject({ outcome: 'applied' });
  });

  it('that is missing sends nothing and says where it belongs', async () => {
    await using client = await setUpClient({ connection: { auth: { kind: 'bearer', token: () => ' \n' } } });
    expect(await client.actuate()).toMatchObject({
      outcome: 'failed',
      detail: 'the bearer token for the control plane is empty; put it into its file or setting',
    });
    expect(client.double.seen).toEqual([]);
    expect(client.actuator.status().breaker).toBe('closed');
  });

  it('cannot smuggle headers', async () => {
    await using client = await setUpClient({ connection: { auth: { kind: 'bearer', token: () => 'a\r\nX-Evil: 1' } } });
    expect((await client.actuate()).detail).toContain('characters that no header can carry');
    expect(client.double.seen).toEqual([]);
  });
});

describe('an issued token', () => {
  it('is fetched once for all, with the secret in the header and the scope in the form', async () => {
    await using client = await setUpIssued({ scope: 'scale:write' });
    const outcomes = await Promise.all([1n, 1n, 1n].map((token) => client.actuate({ token })));
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['applied', 'applied', 'applied']);
    expect(client.double.issuer.issued).toBe(1);
    const [form] = client.double.issuer.forms;
    expect([...(form ?? [])]).toEqual([
      ['grant_type', 'client_credentials'],
      ['scope', 'scale:write'],
    ]);
  });

  it('is renewed before its end', async () => {
    await using client = await setUpIssued();
    await client.actuate({ token: 1n });
    await client.clock.wind(2_870_000);
    await client.actuate({ token: 2n });
    expect(client.double.issuer.issued).toBe(1);
    await client.clock.wind(20_000);
    await client.actuate({ token: 3n });
    await until(() => client.double.issuer.issued === 2);
  });

  it('is never believed to live longer than an hour', async () => {
    await using client = await setUpIssued();
    client.double.issuer.expiresInSeconds = 10 ** 9;
    await client.actuate();
    expect(client.connection.credentialStatus()).toMatchObject({ kind: 'oauth2', expiresInMs: 3_600_000 });
  });

  it('that is refused is dropped, fetched and tried once more', async () => {
    await using client = await setUpIssued();
    await client.actuate({ token: 1n });
    await client.clock.wind(10_000);
    client.double.issuer.revokeAll();
    expect(await client.actuate({ token: 2n, wanted: 4 })).toMatchObject({ outcome: 'applied' });
    expect(client.double.issuer.issued).toBe(2);
    expect(client.double.seen.filter(({ call }) => call === 'prediction').map(({ status }) => status())).toEqual([
      200, 401, 200,
    ]);
  });

  it('that is always refused fails each wish, without a storm on the issuer, and recovers by itself', async () => {
    await using client = await setUpIssued();
    const stop = client.double.faults.inject({
      call: 'prediction',
      fault: { kind: 'status', status: 401, body: { title: 'no' } },
    });
    for (let token = 1n; token <= 20n; token += 1n) {
      expect(await client.actuate({ token })).toMatchObject({ outcome: 'failed', status: 401 });
    }
    expect(client.double.issuer.issued).toBeLessThanOrEqual(2);
    stop();
    expect(await client.actuate({ token: 21n })).toMatchObject({ outcome: 'applied' });
  });

  it('in hand is used while the issuer is down', async () => {
    await using client = await setUpIssued();
    await client.actuate({ token: 1n });
    await client.clock.wind(3_000_000);
    client.double.faults.inject({ call: 'token', fault: { kind: 'status', status: 503 } });
    expect(await client.actuate({ token: 2n, wanted: 4 })).toMatchObject({ outcome: 'applied' });
    await until(() => client.connection.credentialStatus().lastError !== '');
    expect(await client.actuate({ token: 3n, wanted: 5 })).toMatchObject({ outcome: 'applied' });
    expect(client.connection.credentialStatus().lastError).toMatch(/answered 503/);
  });

  it('with a wrong secret fails with the issuer’s words, and a new secret is tried at once', async () => {
    let secret = 'wrong';
    await using client = await setUpIssued({ secret: () => secret });
    const actuation = await client.actuate();
    expect(actuation).toMatchObject({ outcome: 'failed', status: undefined });
    expect(actuation.detail).toMatch(
      /no access token: the token endpoint .* answered 401 \(invalid_client unknown client or wrong secret\)/,
    );
    expect(actuation.detail).not.toContain('wrong"');
    await client.actuate();
    expect(client.double.count('token')).toBe(1);
    secret = CLIENT.clientSecret;
    expect(await client.actuate()).toMatchObject({ outcome: 'applied' });
  });

  it('from an issuer that hangs fails at its own deadline, and nothing was sent', async () => {
    await using client = await setUpIssued();
    client.double.faults.inject({ call: 'token', fault: { kind: 'hang' } });
    const acting = client.actuate();
    await until(() => client.double.count('token') === 1);
    await client.clock.wind(2_500);
    expect(await acting).toMatchObject({ outcome: 'failed' });
    expect(client.double.count('prediction')).toBe(0);
  });

  it.each([
    [{ access_token: '' }, 'without an access_token'],
    [{ access_token: 7 }, 'without an access_token'],
    [{ access_token: 'x', token_type: 'mac' }, 'issues mac tokens'],
    [{ access_token: 'x y' }, 'characters that no header can carry'],
  ])('that makes no sense (%j) is not used', async (body, message) => {
    await using client = await setUpIssued();
    client.double.faults.inject({ call: 'token', fault: { kind: 'status', status: 200, body } });
    expect((await client.actuate()).detail).toContain(message);
    expect(client.double.count('prediction')).toBe(0);
  });
});

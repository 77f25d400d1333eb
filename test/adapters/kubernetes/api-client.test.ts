import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Access } from '../../../src/adapters/kubernetes/access.ts';
import { ApiClient } from '../../../src/adapters/kubernetes/api-client.ts';
import type { Credentials } from '../../../src/adapters/kubernetes/credentials.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';

const { signal } = new AbortController();
const clients: ApiClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

/** Asks with these credentials; those after the first are what reading again gives. */
function ask(...credentials: Credentials[]) {
  const left = credentials.map((each) => ({ credentials: each, namespace: 'default', validMs: 1_000 }));
  const [first] = left;
  const access = {
    current: async () => left[0] ?? first,
    renew: async () => left.shift() !== undefined && left.length > 0,
  } as unknown as Access;
  const client = new ApiClient({ access, clock: systemClock });
  clients.push(client);
  return client.request({ call: 'get', path: '/api', signal });
}

describe('a token for the API server', () => {
  it.each(['http://127.attacker.example', 'http://127.0.0.1.attacker.example', 'http://10.0.0.1', 'http://api.test'])(
    'does not go out in clear to %s',
    async (server) => {
      expect(await ask({ server, token: 't' })).toMatchObject({
        arrival: 'not-sent',
        detail: expect.stringMatching(
          /the API server is plain http on .*, and credentials would be readable on the way/,
        ),
      });
    },
  );

  it('goes nowhere near the addresses where clouds keep credentials', async () => {
    expect(await ask({ server: 'https://169.254.169.254' })).toMatchObject({
      arrival: 'not-sent',
      detail: expect.stringContaining('link-local'),
    });
  });

  it('that is refused is read again, and the request sent once more', async () => {
    const seen: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(request.headers.authorization === 'Bearer new' ? 200 : 401, {
        'content-type': 'application/json',
      });
      response.end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await ask({ server: url, token: 'old' }, { server: url, token: 'new' })).toMatchObject({ status: 200 });
    expect(await ask({ server: url, token: 'old' })).toMatchObject({ status: 401 });
    expect(seen).toEqual(['Bearer old', 'Bearer new', 'Bearer old']);
    server.closeAllConnections();
    server.close();
  });
});

import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { whyUnreachable } from '../../../src/commands/dev/why-unreachable.ts';

it('tells apart who listens and who does not', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { signal } = new AbortController();
  expect(await whyUnreachable(`http://127.0.0.1:${port}/path`, signal)).toBeUndefined();
  await new Promise((resolve) => server.close(resolve));
  expect(await whyUnreachable(`https://127.0.0.1:${port}`, signal)).toBe('nothing listens there');
  expect(await whyUnreachable('http://nowhere.invalid', signal)).toBe('there is no such host');
});

import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { waitingFor, whyUnreachable } from '../../../src/commands/dev/start-hints.ts';

it('names what does not answer and what was wrong with it first', () => {
  const lines = [
    { event: 'service.starting', detail: 'nothing' },
    { event: 'dependency.down', dependency: 'store', detail: 'not yet' },
    { event: 'dependency.up', dependency: 'store', detail: 'sqlite' },
    { event: 'dependency.down', dependency: 'timeseries', detail: 'http://there cannot be reached' },
    { event: 'dependency.down', dependency: 'timeseries', detail: 'left alone for some seconds' },
  ].map((event) => JSON.stringify(event));
  expect(waitingFor([...lines, '{"event":"depend'].join('\n'))).toEqual(['timeseries: http://there cannot be reached']);
  expect(waitingFor('')).toEqual([]);
});

it('says why an address cannot be reached, and nothing where something listens', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { signal } = new AbortController();
  expect(await whyUnreachable(`http://127.0.0.1:${port}/path`, signal)).toBeUndefined();
  await new Promise((resolve) => server.close(resolve));
  expect(await whyUnreachable(`https://127.0.0.1:${port}`, signal)).toBe('nothing listens there');
  expect(await whyUnreachable('http://nowhere.invalid', signal)).toBe('there is no such host');
});

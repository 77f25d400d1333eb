import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { closeServer, ListenError, listen } from '../../src/lib/listen.ts';

it('tells a port that cannot be had in one line', async () => {
  const first = createServer();
  const port = await listen(first, { host: '127.0.0.1', port: 0, what: 'probes' });
  const second = createServer();
  const attempt = listen(second, { host: '127.0.0.1', port, what: 'metrics' });
  await expect(attempt).rejects.toThrow(ListenError);
  await expect(attempt).rejects.toThrow(`cannot listen on 127.0.0.1:${port} for metrics: the port is taken`);
  await closeServer(first, 100);
});

it('goes on when connections cannot be accepted, as when files have run out', async () => {
  const server = createServer((_request, response) => response.end('here'));
  const port = await listen(server, { host: '127.0.0.1', port: 0, what: 'probes' });
  const shortage = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' });
  server.emit('error', shortage);
  server.emit('error', shortage);
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  expect(await answer.text()).toBe('here');
  await closeServer(server, 100);
});

import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { openConsoleProxy } from '../../../src/commands/dev/console-proxy.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function echo(name: string): Promise<{ server: Server; port: number; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => socket.write(`${name}:${chunk}`));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({ close: () => server.close() });
  return { server, sockets, port: (server.address() as AddressInfo).port };
}

function ask(port: number, text: string): Promise<{ answer: string; socket: Socket }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(text));
    socket.once('data', (chunk) => resolve({ answer: chunk.toString(), socket }));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
  });
}

describe('the console proxy', () => {
  it('leads to a live replica, and ends the connections to a dead one', async () => {
    const [a, b] = [await echo('a'), await echo('b')];
    let behind: number | undefined = a.port;
    const door = await openConsoleProxy({ port: 0, behind: () => behind });
    open.push({ close: () => door.stop() });
    const first = await ask(door.port, 'hello');
    expect(first.answer).toBe('a:hello');
    const cut = new Promise((resolve) => first.socket.once('close', resolve));
    for (const socket of a.sockets) socket.destroy();
    await cut;
    behind = b.port;
    const second = await ask(door.port, 'again');
    expect(second.answer).toBe('b:again');
    second.socket.destroy();
  });

  it('closes connections at once while no replica is live', async () => {
    const door = await openConsoleProxy({ port: 0, behind: () => undefined });
    open.push({ close: () => door.stop() });
    await expect(ask(door.port, 'hello')).rejects.toThrow(/closed|ECONNRESET/);
  });

  it('leaves the replicas running when it closes', async () => {
    const a = await echo('a');
    const door = await openConsoleProxy({ port: 0, behind: () => a.port });
    const { socket } = await ask(door.port, 'hello');
    const cut = new Promise((resolve) => socket.once('close', resolve));
    await door.stop();
    await cut;
    expect(a.server.listening).toBe(true);
  });
});

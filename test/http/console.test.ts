import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { type ConsoleState, consoleRoutes } from '../../src/http/console.ts';

const servers: Server[] = [];
const folders: string[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function serve(page: () => ConsoleState): Promise<(path: string) => Promise<Response>> {
  const server = createServer(express().use(consoleRoutes(page)));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (to) => fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${to}`);
}

function aBuiltPage(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'starling-page-'));
  folders.push(folder);
  mkdirSync(path.join(folder, 'page', 'assets'), { recursive: true });
  writeFileSync(path.join(folder, 'secret'), 'not for anybody');
  writeFileSync(path.join(folder, 'page', 'index.html'), '<title>x</title>');
  writeFileSync(path.join(folder, 'page', 'assets', 'a.js'), '1');
  return path.join(folder, 'page');
}

describe('the served page', () => {
  it('comes with its policy, and files that change their name are kept for good', async () => {
    const directory = aBuiltPage();
    const get = await serve(() => ({ state: 'ready', directory }));
    const page = await get('/');
    expect(await page.text()).toBe('<title>x</title>');
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toMatch(
      /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/,
    );
    expect(page.headers.get('cache-control') ?? '').not.toContain('immutable');
    const script = await get('/assets/a.js');
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(script.headers.get('cache-control')).toContain('immutable');
  });

  it.each(['/../secret', '/..%2fsecret', '/assets/../../secret', '/assets', '/nothing'])('has no %s', async (to) => {
    const directory = aBuiltPage();
    const get = await serve(() => ({ state: 'ready', directory }));
    expect((await get(to)).status).toBe(404);
  });

  it('says that it is being built, and comes when it is', async () => {
    let state: ConsoleState = { state: 'building' };
    const get = await serve(() => state);
    const waiting = await get('/');
    expect([waiting.status, waiting.headers.get('refresh')]).toEqual([503, '2']);
    state = { state: 'ready', directory: aBuiltPage() };
    expect((await get('/')).status).toBe(200);
  });

  it('says why there is none, in plain text', async () => {
    const get = await serve(() => ({ state: 'absent', why: '<b>no vite</b>' }));
    const answer = await get('/');
    expect([answer.status, answer.headers.get('content-type')]).toEqual([503, 'text/plain; charset=utf-8']);
    expect(await answer.text()).toContain('<b>no vite</b>');
    expect((await get('/assets/a.js')).status).toBe(404);
  });
});

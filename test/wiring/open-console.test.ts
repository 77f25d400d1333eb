import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ConsoleState } from '../../src/http/console.ts';
import { openConsole } from '../../src/wiring/open-console.ts';

/** Does what Vite does as far as anybody can see from outside, and counts how often. */
const BUILDER = `
const fs = require('node:fs');
const outDir = process.argv[process.argv.indexOf('--outDir') + 1];
fs.appendFileSync('built', 'x');
fs.mkdirSync(outDir, { recursive: true });
fs.writeFileSync(outDir + '/index.html', 'page');
`;

let checkout: string;
const stopping: AbortController[] = [];

beforeEach(() => {
  checkout = mkdtempSync(path.join(tmpdir(), 'starling-console-'));
  mkdirSync(path.join(checkout, 'src', 'console'), { recursive: true });
  writeFileSync(path.join(checkout, 'src', 'console', 'main.tsx'), '1');
  writeFileSync(path.join(checkout, 'package.json'), '{}');
});

afterEach(() => {
  for (const each of stopping.splice(0)) each.abort();
  rmSync(checkout, { recursive: true, force: true });
});

function installBuilder(text: string): void {
  const bin = path.join(checkout, 'node_modules', 'vite', 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(path.join(bin, 'vite.js'), text);
}

async function outcome(): Promise<{ state: ConsoleState; warned: readonly unknown[] }> {
  const warn = vi.fn();
  const life = new AbortController();
  stopping.push(life);
  const state = openConsole({ logger: { warn }, signal: life.signal, checkout });
  await vi.waitFor(() => expect(state().state).not.toBe('building'), { timeout: 15_000 });
  return { state: state(), warned: warn.mock.calls };
}

describe('the console of a checkout', () => {
  it('is built once, and anew when its sources are others', async () => {
    installBuilder(BUILDER);
    const [first, beside] = await Promise.all([outcome(), outcome()]);
    expect(first).toMatchObject({ state: { state: 'ready' }, warned: [] });
    expect(beside.state).toEqual(first.state);
    const builds = () => readFileSync(path.join(checkout, 'built'), 'utf8').length;
    const before = builds();
    expect((await outcome()).state).toEqual(first.state);
    expect(builds()).toBe(before);
    writeFileSync(path.join(checkout, 'src', 'console', 'main.tsx'), '2');
    expect((await outcome()).state).not.toEqual(first.state);
    expect(builds()).toBe(before + 1);
  });

  it('is absent with one line where nothing can build it', async () => {
    const { state, warned } = await outcome();
    expect(state).toMatchObject({ state: 'absent', why: expect.stringContaining('npm ci') });
    expect(warned).toHaveLength(1);
  });

  it('is absent with what the builder said', async () => {
    installBuilder(`console.error('\\nno such colour\\n  at main.tsx'); process.exit(1);`);
    const { state, warned } = await outcome();
    expect(state).toMatchObject({ state: 'absent', why: expect.stringMatching(/no such colour$/) });
    expect(warned).toHaveLength(1);
  });
});

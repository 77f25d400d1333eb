import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { StarlingProcess, starling } from '../support/run-starling.ts';

// Each of these is a process of its own, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BUNDLED = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
const BIN = join(ROOT, 'bin', 'starling.js');

let directory: string;
let older: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'starling-launcher-'));
  // This very Node, which says that it is an older one.
  const disguise = join(directory, 'older.cjs');
  writeFileSync(disguise, `Object.defineProperty(process.versions, 'node', { value: '20.11.0' });`);
  older = [process.execPath, '--require', disguise];
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A packed installation whose program is this script. */
function install(script: string, { withBundled = true } = {}): string {
  const root = join(directory, 'installed');
  mkdirSync(join(root, 'dist'), { recursive: true });
  cpSync(join(ROOT, 'bin'), join(root, 'bin'), { recursive: true });
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  writeFileSync(join(root, 'dist', 'main.js'), script);
  if (withBundled) {
    mkdirSync(join(root, 'node_modules'));
    symlinkSync(join(ROOT, 'node_modules', BUNDLED), join(root, 'node_modules', BUNDLED));
  }
  return join(root, 'bin', 'starling.js');
}

const WAITS = `
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, () => { console.log(name); process.exit(7); });
  console.log('ready', process.argv.slice(2).join(' '));
  setInterval(() => {}, 1000);
`;

describe('bin/starling.js', () => {
  it('runs the sources of a checkout on this Node', async () => {
    expect(await starling(['--version'], { program: [process.execPath, BIN] })).toMatchObject({
      code: 0,
      stdout: `${packageJson.version}\n`,
      stderr: '',
    });
  });

  describe.skipIf(!existsSync(join(ROOT, 'node_modules', BUNDLED)))('on an older Node', () => {
    it('hands over to the Node that was installed beside it', async () => {
      expect(await starling(['--version'], { program: [...older, BIN] })).toMatchObject({
        code: 0,
        stdout: `${packageJson.version}\n`,
        stderr: '',
      });
      expect((await starling(['config', '--nonsense'], { program: [...older, BIN] })).code).toBe(2);
    });

    it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('passes %s on, and the exit code back', async (signal) => {
      const launched = new StarlingProcess(['with', 'arguments'], { program: [...older, install(WAITS)] });
      await launched.says(/ready with arguments/);
      launched.child.kill(signal);
      expect(await launched.ended).toMatchObject({ code: 7, signal: null, stdout: expect.stringContaining(signal) });
    });

    it('ends as the program did when a signal ended that', async () => {
      const dies = install("process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000);");
      expect(await starling([], { program: [...older, dies] })).toMatchObject({ code: null, signal: 'SIGTERM' });
    });
  });

  it('says in one line what is missing, with 2', async () => {
    const alone = install('', { withBundled: false });
    const { code, stdout, stderr } = await starling(['--version'], { program: [...older, alone] });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /^starling needs Node 24 or newer and this is v[\d.]+: install it, or run npm ci without --omit=optional\.\n$/,
    );
  });

  it('says that an installation is not whole', async () => {
    const bin = install('');
    rmSync(join(dirname(bin), '..', 'dist'), { recursive: true });
    const { code, stderr } = await starling(['--version'], { program: [process.execPath, bin] });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^starling is not whole: .*dist\/main\.js is missing; install it again\.\n$/);
  });
});

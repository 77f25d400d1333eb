import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import service from '../../bin/service-process.json' with { type: 'json' };
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

    it('takes the program with it when it is killed', async () => {
      const launched = new StarlingProcess([], {
        program: [...older, install(`console.log('pid', process.pid); ${WAITS}`)],
      });
      await launched.says(/ready/);
      const pid = Number(/pid (\d+)/.exec(launched.stdout)?.[1]);
      launched.child.kill('SIGKILL');
      await launched.ended;
      await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), { timeout: 10_000 });
    });

    it('ends as the program did when a signal ended that', async () => {
      const dies = install("process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000);");
      expect(await starling([], { program: [...older, dies] })).toMatchObject({ code: null, signal: 'SIGTERM' });
    });
  });

  describe('for a service', () => {
    const TELLS = `console.log(JSON.stringify({
      pid: process.pid,
      flags: process.execArgv,
      args: process.argv.slice(2),
      arenas: process.env.MALLOC_ARENA_MAX,
    }))`;
    const told = async (program: readonly string[], args: readonly string[], env: Record<string, string> = {}) => {
      const launched = new StarlingProcess(args, { program: [...program, install(TELLS)], env });
      const { stdout } = await launched.ended;
      return { isSameProcess: JSON.parse(stdout).pid === launched.child.pid, ...JSON.parse(stdout) };
    };

    it('begins anew with a small heap, as the same process and with the same arguments', async () => {
      expect(await told([process.execPath], ['autoscale', '--dry-run'])).toMatchObject({
        isSameProcess: true,
        flags: [...service.flags, ...service.flagsOf.autoscale],
        args: ['autoscale', '--dry-run'],
        arenas: '2',
      });
    });

    it('hands the same to a Node beside it', async () => {
      if (!existsSync(join(ROOT, 'node_modules', BUNDLED))) return;
      expect(await told(older, ['platform'])).toMatchObject({
        flags: expect.arrayContaining(service.flags),
        args: ['platform'],
        arenas: '2',
      });
    });

    it.each(['metrics-store', 'dev'] as const)(
      'holds the heap of the metrics store closer, which would keep the garbage of every query: %s',
      async (command) => {
        expect(await told([process.execPath], [command])).toMatchObject({
          flags: [...service.flags, '--heap-growing-percent=40'],
          args: [command],
        });
      },
    );

    it('leaves heap settings of the environment alone', async () => {
      expect(
        await told([process.execPath], ['autoscale'], {
          NODE_OPTIONS: '--max-semi-space-size=16',
          MALLOC_ARENA_MAX: '8',
        }),
      ).toMatchObject({ flags: [], arenas: '8' });
    });

    it('leaves other commands as they are', async () => {
      expect(await told([process.execPath], ['config'])).toMatchObject({ flags: [] });
    });

    it('is what the image starts, too', () => {
      const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
      for (const flag of [...service.flags, ...service.flagsOf.autoscale]) expect(dockerfile).toContain(`"${flag}"`);
      for (const [name, value] of Object.entries(service.environment)) expect(dockerfile).toContain(`${name}=${value}`);
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

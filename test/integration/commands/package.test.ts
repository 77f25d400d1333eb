import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { ControlPlaneDouble } from '../../support/control-plane/control-plane-double.ts';
import { StarlingProcess, starling } from '../../support/run-starling.ts';
import { emptyPrometheus, ScriptedStore } from '../../support/timeseries/scripted-store.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** What npm needs of a checkout to pack it. */
const SOURCES = [
  'bin',
  'src',
  'config',
  'docs',
  'helm',
  'package.json',
  'LICENSE',
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  '.npmrc',
];
const CONFIGS = ['tsconfig.json', 'tsconfig.build.json'];
const run = promisify(execFile);

let directory: string;
let installed: string;
let packed: string[];

/** As a person would run it: nothing of the npm that runs the tests reaches this one. */
async function npm(args: readonly string[], cwd: string): Promise<string> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
  const { stdout } = await run('npm', args, { cwd, env, maxBuffer: 16 * 2 ** 20 });
  return stdout;
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'starling-package-'));
  // A copy, so that nothing is built into the checkout.
  const checkout = join(directory, 'checkout');
  mkdirSync(checkout);
  for (const name of [...SOURCES, ...CONFIGS]) cpSync(join(ROOT, name), join(checkout, name), { recursive: true });
  mkdirSync(join(checkout, 'dist'));
  writeFileSync(join(checkout, 'dist', 'left-over.js'), '');
  symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
  const tarball =
    (await npm(['pack', '--silent', '--pack-destination', directory], checkout)).trim().split('\n').at(-1) ?? '';
  installed = join(directory, 'elsewhere');
  mkdirSync(installed);
  writeFileSync(join(installed, 'package.json'), '{"private":true}');
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  await npm(['install', join(directory, tarball), ...quiet], installed);
  packed = readdirSync(packageRoot(), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.startsWith(join(packageRoot(), 'node_modules')))
    .map((entry) => join(entry.parentPath, entry.name).slice(packageRoot().length + 1));
}, 300_000);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function packageRoot(): string {
  return join(installed, 'node_modules', packageJson.name);
}

function command(args: readonly string[], env: Readonly<Record<string, string>> = {}): StarlingProcess {
  // The link that npm makes, as npx would run it.
  const bin = join(installed, 'node_modules', '.bin', 'starling');
  return new StarlingProcess(args, { program: [process.execPath, bin], cwd: installed, env });
}

describe('the packed package', () => {
  it('contains the program and its documentation, and nothing else', () => {
    const needed = [
      'bin/starling.js',
      'dist/main.js',
      'dist/adapters/sqlite/worker.js',
      'dist/console/index.html',
      'config/profiles/worker-threads.yaml',
    ];
    for (const file of [
      ...needed,
      'config/starling.yaml',
      'helm/starling/Chart.yaml',
      'docs/openapi/admin.json',
      'docs/commands.md',
      'LICENSE',
      'README.md',
      'CHANGELOG.md',
    ])
      expect(packed).toContain(file);
    const tops = new Set(packed.map((file) => file.split('/')[0]));
    expect([...tops].sort()).toEqual([
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'bin',
      'config',
      'dist',
      'docs',
      'helm',
      'package.json',
    ]);
    expect(packed.filter((file) => /\.ts$|\.test\.|\.map$|left-over|admin-token|\.sqlite/.test(file))).toEqual([]);
  });

  it('has a compiled file for every source', () => {
    const sources = readdirSync(join(directory, 'checkout', 'src'), { recursive: true, encoding: 'utf8' }).filter(
      // The console is bundled, not compiled file by file.
      (file) => /(?<!\.d)\.ts$/.test(file) && !file.startsWith(`console${sep}`),
    );
    const missing = sources.filter((file) => !packed.includes(`dist/${file.replace(/\.ts$/, '.js')}`));
    expect(missing).toEqual([]);
  });

  it('refers only to files that it contains', () => {
    for (const page of packed.filter((file) => file.endsWith('.md'))) {
      const text = readFileSync(join(packageRoot(), page), 'utf8');
      const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map(([, target = '']) => target);
      const lost = targets.filter((target) => !existsSync(join(packageRoot(), dirname(page), target)));
      expect(lost, page).toEqual([]);
    }
  });

  it('prints its version and its configuration from an empty folder', async () => {
    expect(await command(['--version']).ended).toMatchObject({
      code: 0,
      stdout: `${packageJson.version}\n`,
      stderr: '',
    });
    const { code, stdout } = await command(['config', '-o', 'json']).ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ options: expect.any(Array) });
  });

  it('ends with 2 on a start-up error', async () => {
    const { code, stderr } = await command(['autoscale', '--scaling-interval', 'soon']).ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(/^One fault in the configuration/);
  });

  it('finds its profiles, its worker and its API document: a replica starts on an SQLite file, and stops', async () => {
    const timeseries = new ScriptedStore();
    await timeseries.start();
    timeseries.answer = emptyPrometheus();
    const controlPlane = new ControlPlaneDouble();
    await controlPlane.start();
    try {
      const file = join(directory, 'store.sqlite');
      const places = ['--store', `sqlite:${file}`, '--timeseries', timeseries.url, '--control-plane', controlPlane.url];
      const listeners = [
        '--http-admin',
        '127.0.0.1:0',
        '--http-health',
        '127.0.0.1:0',
        '--http-metrics',
        '127.0.0.1:0',
      ];
      const replica = command(['autoscale', ...places, ...listeners, '--log-format', 'json']);
      await replica.says(/"service\.started".*\n/);
      const admin = /"event":"service\.started","admin":"([^"]+)"/.exec(replica.stdout)?.[1];
      const document = await fetch(`http://${admin}/openapi.json`);
      expect(document.status).toBe(200);
      expect(await document.json()).toMatchObject({ openapi: expect.stringMatching(/^3\.1/) });
      expect(await (await fetch(`http://${admin}/`)).text()).toContain('<title>Starling</title>');
      replica.child.kill('SIGTERM');
      expect(await replica.ended).toMatchObject({ code: 0, stderr: '' });
      expect((await command(['doctor', ...places]).ended).code).toBe(0);
    } finally {
      await controlPlane.stop();
      await timeseries.stop();
    }
  });

  it('runs on the Node that npm installed with it, if the other one is too old', async () => {
    const disguise = join(directory, 'older.cjs');
    writeFileSync(disguise, `Object.defineProperty(process.versions, 'node', { value: '20.11.0' });`);
    const bin = join(packageRoot(), 'bin', 'starling.js');
    const program = [process.execPath, '--require', disguise, bin];
    expect(await starling(['--version'], { program, cwd: installed })).toMatchObject({
      code: 0,
      stdout: `${packageJson.version}\n`,
    });
  });
});

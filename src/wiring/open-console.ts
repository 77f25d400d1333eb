import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import type { ConsoleState } from '../http/console.ts';

const HERE = fileURLToPath(import.meta.url);
const CHECKOUT = path.resolve(path.dirname(HERE), '..', '..');
const BUILT_WITHIN_MS = 120_000;

/**
 * The console as it was packed; in a checkout it is built at the first start and kept until its sources change. The
 * start does not wait for it, and a replica that cannot build it does its work all the same.
 */
export function openConsole(options: {
  logger: Pick<Logger, 'warn'>;
  signal: AbortSignal;
  checkout?: string;
}): () => ConsoleState {
  const { logger, signal, checkout = CHECKOUT } = options;
  const absent = (why: string): ConsoleState => {
    logger.warn({ event: 'console.absent', why }, 'there is no console; everything else works');
    return { state: 'absent', why };
  };
  if (HERE.endsWith('.js')) {
    const packed = path.resolve(path.dirname(HERE), '..', 'console');
    const state = hasPage(packed) ? ({ state: 'ready', directory: packed } as const) : absent('it was not packed.');
    return () => state;
  }
  let state: ConsoleState = { state: 'building' };
  buildOnce(checkout, signal).then(
    (directory) => {
      state = { state: 'ready', directory };
    },
    (error: Error) => {
      if (!signal.aborted) state = absent(`it could not be built: ${error.message}`);
    },
  );
  return () => state;
}

async function buildOnce(checkout: string, signal: AbortSignal): Promise<string> {
  const cache = path.join(checkout, 'node_modules', '.cache', 'starling-console');
  const directory = path.join(cache, digestOfSources(checkout));
  if (hasPage(directory)) return directory;
  if (!existsSync(viteOf(checkout))) throw new Error('vite is not installed; npm ci brings it.');
  mkdirSync(cache, { recursive: true });
  // Several replicas may start at once: each builds for itself, and the first one done is kept.
  const attempt = mkdtempSync(`${directory}.`);
  try {
    await build({ checkout, outDir: attempt, signal });
    if (!hasPage(directory)) renameSync(attempt, directory);
  } catch (error) {
    if (!hasPage(directory)) throw error;
  } finally {
    rmSync(attempt, { recursive: true, force: true });
  }
  return directory;
}

/** In a process of its own: what a bundler takes of memory is given back. */
function build(options: { checkout: string; outDir: string; signal: AbortSignal }): Promise<void> {
  const { checkout, outDir, signal } = options;
  const flags = ['--configLoader', 'native', '--outDir', outDir, '--logLevel', 'error'];
  const args = [viteOf(checkout), 'build', sourcesOf(checkout), ...flags];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: checkout,
      signal: AbortSignal.any([signal, AbortSignal.timeout(BUILT_WITHIN_MS)]),
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, NODE_ENV: 'production', NODE_OPTIONS: '' },
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(0, 2_000);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(said.trim().split(/\s*\n/, 1)[0] || `vite ended with ${code}`));
    });
  });
}

function viteOf(checkout: string): string {
  return path.join(checkout, 'node_modules', 'vite', 'bin', 'vite.js');
}

function sourcesOf(checkout: string): string {
  return path.join(checkout, 'src', 'console');
}

function digestOfSources(checkout: string): string {
  const hash = createHash('sha256');
  const files = readdirSync(sourcesOf(checkout), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
  // The versions of what is bundled stand in package.json, exactly.
  for (const file of [...files, path.join(checkout, 'package.json')]) {
    hash.update(path.relative(checkout, file)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}

function hasPage(directory: string): boolean {
  return existsSync(path.join(directory, 'index.html'));
}

import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.join(import.meta.dirname, '..');
// Below the project, so that its packages are found.
const FOLDER = path.join(ROOT, 'node_modules', '.cache', 'bench-replica');
const ENTRIES = ['bench/reading-replica.ts', 'src/adapters/sqlite/worker.ts'];

let compiled: Promise<string> | undefined;

/** The replica as it runs in production: compiled. The stripping of types alone holds some 30 MB. */
export function compileReplica(): Promise<string> {
  compiled ??= compile();
  return compiled;
}

async function compile(): Promise<string> {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const settings = path.join(FOLDER, 'tsconfig.json');
  const compilerOptions = { noEmit: false, rootDir: ROOT, outDir: FOLDER, declaration: false, sourceMap: false };
  const files = ENTRIES.map((file) => path.join(ROOT, file));
  writeFileSync(settings, JSON.stringify({ extends: path.join(ROOT, 'tsconfig.json'), compilerOptions, files }));
  const compiler = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  await promisify(execFile)(process.execPath, [compiler, '-p', settings]);
  cpSync(path.join(ROOT, 'config'), path.join(FOLDER, 'config'), { recursive: true });
  cpSync(path.join(ROOT, 'package.json'), path.join(FOLDER, 'package.json'));
  return path.join(FOLDER, 'bench', 'reading-replica.js');
}

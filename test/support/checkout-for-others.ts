import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** What a command needs of a checkout to run. */
const NEEDED = ['bin', 'config', 'package.json', 'src', 'node_modules'];
const REMOVED_WITHIN_MS = 60_000;

export interface Launch {
  readonly node: string;
  readonly main: string;
}

let launch: Launch | undefined;

/**
 * How another user starts Starling: from this checkout where everybody may read it, else from a copy, for this test.
 * A checkout of root often lies in a folder that nobody else may enter, and so does the Node beside it.
 */
export function launchForOthers(): Launch {
  launch ??= findLaunch();
  return launch;
}

function findLaunch(): Launch {
  const root = isForAll(path.join(ROOT, 'src/main.ts')) ? ROOT : copyOf(NEEDED.map((name) => path.join(ROOT, name)));
  const main = path.join(root, 'src/main.ts');
  const node = process.execPath;
  if (isForAll(node)) return { node, main };
  if (node.startsWith(ROOT + path.sep)) return { node: path.join(root, path.relative(ROOT, node)), main };
  return { node: path.join(copyOf([node]), path.basename(node)), main };
}

/** The file and every folder on its way can be read by everybody. */
function isForAll(file: string): boolean {
  for (let place = file; ; place = path.dirname(place)) {
    const needed = place === file ? 0o004 : 0o001;
    if ((statSync(place).mode & needed) === 0) return false;
    if (place === path.dirname(place)) return true;
  }
}

function copyOf(sources: readonly string[]): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'starling-for-others-'));
  onTestFinished(() => {
    launch = undefined;
    execFileSync('rm', ['-rf', folder]);
  }, REMOVED_WITHIN_MS);
  // Links are made at once; modes that shut others out want files of their own.
  const isLinkable =
    process.platform === 'linux' &&
    sources.every((source) => statSync(source).dev === statSync(folder).dev && (statSync(source).mode & 0o004) !== 0);
  // `cp`, because of the links in node_modules/.bin, and for its speed; so is `rm` above.
  execFileSync('cp', ['-R', '-P', ...(isLinkable ? ['-l'] : []), ...sources, folder]);
  chmodSync(folder, 0o755);
  if (!isLinkable) execFileSync('chmod', ['-R', 'a+rX', folder]);
  return folder;
}

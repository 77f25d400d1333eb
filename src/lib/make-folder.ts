import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** For this user alone. Folder by folder: Node's own recursive mkdir never comes back below /proc and the like. */
export function makeFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder));
  // Code and environments of functions lie in it: nobody else's business.
  mkdirSync(folder, { mode: 0o700 });
}

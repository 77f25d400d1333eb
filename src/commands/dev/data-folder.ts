import { accessSync, constants, existsSync, openSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { FileFault } from '../../config/live-files.ts';
import { makeFolder } from '../../lib/make-folder.ts';

export interface DataFolder {
  readonly path: string;
  /** The SQLite file that the replicas share. */
  readonly storeFile: string;
  /** The configuration file that the replicas begin with. */
  readonly settingsFile: string;
  /** Whether there is something of an earlier run. */
  readonly isUsed: boolean;
  writeSettings(text: string): void;
  /** Begins a log file anew and gives its path and descriptor. */
  openLog(name: string): { readonly path: string; readonly descriptor: number };
}

/** Makes the folder if it is not there, and finds out now whether things can be kept in it. Throws a FileFault. */
export function prepareDataFolder(folder: string): DataFolder {
  const path = resolve(folder);
  const logFolder = join(path, 'log');
  const storeFile = join(path, 'starling.db');
  const settingsFile = join(path, 'dev.yaml');
  const platformFile = join(path, 'platform.sqlite');
  try {
    makeFolder(path);
    accessSync(path, constants.W_OK | constants.X_OK);
    makeFolder(logFolder);
    accessSync(logFolder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw faultOf(path, error);
  }
  // Of an earlier run, perhaps by another user.
  for (const file of [platformFile, storeFile, settingsFile]) {
    if (existsSync(file)) withFile(file, () => accessSync(file, constants.R_OK | constants.W_OK));
  }
  return {
    path,
    storeFile,
    settingsFile,
    writeSettings: (text) => withFile(settingsFile, () => writeFileSync(settingsFile, text, { mode: 0o600 })),
    isUsed: existsSync(platformFile) || existsSync(storeFile),
    openLog: (name) => {
      const file = join(logFolder, `${name}.log`);
      return { path: file, descriptor: withFile(file, () => openSync(file, 'w', 0o600)) };
    },
  };
}

/** What is done with a file, or a FileFault that names it. */
function withFile<T>(file: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw faultOf(file, error);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EISDIR: 'it is a folder',
  EEXIST: 'something on its path is not a folder',
  ENOTDIR: 'something on its path is not a folder',
};

function faultOf(path: string, cause: unknown): FileFault {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  const why = REASONS[code] ?? message;
  return new FileFault(`cannot keep data in ${path}: ${why}; choose another folder with --data-dir`, { cause });
}

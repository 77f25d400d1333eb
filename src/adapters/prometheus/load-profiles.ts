import { readdir, readFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ProfileError, parseProfile } from './parse-profile.ts';
import type { SignalProfile } from './signal-profile.ts';

/** The profiles that ship with the product. The same depth below the package in `src/` and in the compiled `dist/`. */
const SHIPPED_DIRECTORY = fileURLToPath(new URL('../../../config/profiles/', import.meta.url));

/** Reads the named profiles, in that order. A file in `directory` replaces a shipped profile of the same name. */
export async function loadProfiles(options: {
  names: readonly string[];
  directory?: string | undefined;
}): Promise<SignalProfile[]> {
  const directories = [SHIPPED_DIRECTORY, ...(options.directory === undefined ? [] : [options.directory])];
  const files = new Map<string, string>();
  for (const directory of directories) {
    for (const file of await listYaml(directory)) files.set(basename(file).replace(/\.ya?ml$/, ''), file);
  }
  return Promise.all(
    options.names.map(async (name) => {
      const file = files.get(name);
      if (file === undefined) {
        const known = [...files.keys()].sort().join(', ');
        throw new ProfileError(`"${name}"`, [
          `there is no such profile; there are ${known} (looked in ${directories.join(' and ')})`,
        ]);
      }
      const shown = relative(process.cwd(), file);
      const profile = parseProfile(await readFile(file, 'utf8'), shown.startsWith('..') ? file : shown);
      if (profile.name !== name) {
        throw new ProfileError(shown, [
          `its name is "${profile.name}", but the file is named ${basename(file)}: make them the same`,
        ]);
      }
      return profile;
    }),
  );
}

async function listYaml(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    throw new ProfileError(directory, [`the directory of profiles cannot be read: ${error.message}`]);
  });
  return names.filter((name) => /\.ya?ml$/.test(name)).map((name) => join(directory, name));
}

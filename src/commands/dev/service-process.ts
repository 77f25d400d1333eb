import { readFileSync } from 'node:fs';

interface ServiceProcess {
  readonly flags: readonly string[];
  readonly flagsOf: Readonly<Record<string, readonly string[]>>;
  readonly environment: Readonly<Record<string, string>>;
}

/** How the launcher starts what runs for long. */
const LAUNCHED: ServiceProcess = JSON.parse(
  readFileSync(new URL('../../../bin/service-process.json', import.meta.url), 'utf8'),
);

/** The same for a command that is started without it. Whoever tunes the heap has the last word. */
export function serviceProcess(
  command: string,
  env: NodeJS.ProcessEnv,
): { flags: readonly string[]; env: NodeJS.ProcessEnv } {
  const isTuned = /semi[-_]space/.test(env['NODE_OPTIONS'] ?? '');
  return {
    flags: isTuned ? [] : [...LAUNCHED.flags, ...(LAUNCHED.flagsOf[command] ?? [])],
    env: { ...LAUNCHED.environment, ...env },
  };
}

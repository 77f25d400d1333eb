import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { CHART } from '../../helm/chart-files.ts';
import { type Tool, toolPath } from './tools.ts';

export const HELMS = ['helm3', 'helm4'] as const;
export type Helm = (typeof HELMS)[number];

export const PROFILES = readdirSync(`${CHART}/ci`).map((name) => name.replace(/-values\.yaml$/, ''));
export const EXAMPLES = readdirSync(`${CHART}/examples`).map((name) => name.replace(/-values\.yaml$/, ''));

export function profileFile(profile: string): string {
  return `${CHART}/${PROFILES.includes(profile) ? 'ci' : 'examples'}/${profile}-values.yaml`;
}

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function runTool(
  tool: Tool,
  args: readonly string[],
  options: { input?: string; env?: NodeJS.ProcessEnv } = {},
): Ran {
  const { status, stdout, stderr, error } = spawnSync(toolPath(tool), args, {
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
    timeout: 120_000,
    ...options,
    env: { ...process.env, NO_COLOR: '1', ...options.env },
  });
  if (error) throw new Error(`${tool} ${args.join(' ')}: ${error.message}`);
  return { status: status ?? -1, stdout, stderr };
}

/** What the chart becomes with these values; throws when Helm refuses them. */
export function render(helm: Helm, args: readonly string[]): string {
  const ran = runTool(helm, ['template', 'fleet', CHART, '--namespace', 'scaling', ...args]);
  if (ran.status !== 0) throw new Error(ran.stderr);
  return ran.stdout;
}

import type { DialectTools, OpenDialect } from '../platform/dialects/dialect.ts';

/** One API of the platform beside its own: its name on the command line, and where it listens by default. */
export interface DialectEntry {
  /** `--name host:port`, and `--no-name` to leave it out. */
  readonly name: string;
  readonly description: string;
  readonly port: number;
  /** An environment variable that names another port, as the program that it speaks like would have it. */
  readonly portVariable?: string | undefined;
  /** Imported when the platform starts. */
  load(env: NodeJS.ProcessEnv): Promise<(tools: DialectTools) => OpenDialect>;
}

/** In the order in which they are shown. */
export const DIALECTS: readonly DialectEntry[] = [
  {
    name: 'orchestrator',
    description: 'the platform as the Serverless Orchestrator',
    port: 3001,
    portVariable: 'PORT',
    load: async () => {
      const { orchestratorDialect } = await import('../platform/dialects/orchestrator/orchestrator-dialect.ts');
      return orchestratorDialect;
    },
  },
  {
    name: 'faas-server',
    description: 'eleven built-in functions, as a FaaS server of its own',
    port: 8088,
    load: async (env) => {
      const { faasServerDialect } = await import('../platform/dialects/faas-server/faas-server-dialect.ts');
      const isOptimised = /^true$/i.test(env['OPTIMIZED'] ?? '');
      return (tools) => faasServerDialect(tools, { isOptimised });
    },
  },
];

/** Where a dialect listens unless its flag says otherwise. */
export function dialectPort({ port, portVariable }: DialectEntry, env: NodeJS.ProcessEnv): number {
  const text = portVariable === undefined ? undefined : env[portVariable];
  return text !== undefined && /^[0-9]{1,5}$/.test(text) && Number(text) < 65_536 ? Number(text) : port;
}

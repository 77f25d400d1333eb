import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { runCredentialPlugin } from './credential-plugin.ts';
import { AccessError, type Credentials, REREAD_MS, type ReadAccess } from './credentials.ts';

const text = z.string().optional();

const kubeconfigSchema = z.object({
  'current-context': text,
  contexts: z.array(
    z.object({ name: z.string(), context: z.object({ cluster: z.string(), user: z.string(), namespace: text }) }),
  ),
  clusters: z.array(
    z.object({
      name: z.string(),
      cluster: z.object({
        server: z.string(),
        'certificate-authority': text,
        'certificate-authority-data': text,
        'tls-server-name': text,
        'insecure-skip-tls-verify': z.boolean().optional(),
        'proxy-url': text,
      }),
    }),
  ),
  users: z.array(
    z.object({
      name: z.string(),
      user: z
        .object({
          token: text,
          tokenFile: text,
          'client-certificate': text,
          'client-certificate-data': text,
          'client-key': text,
          'client-key-data': text,
          username: text,
          'auth-provider': z.unknown().optional(),
          exec: z
            .object({
              apiVersion: z.string(),
              command: z.string(),
              args: z.array(z.string()).nullish(),
              env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
            })
            .optional(),
        })
        .nullish(),
    }),
  ),
});

type User = NonNullable<z.infer<typeof kubeconfigSchema>['users'][number]['user']>;

/** Reads one context of a kubeconfig, with all that it points to. Rejects with AccessError. */
export async function readKubeconfig(options: {
  file: string;
  context: string | undefined;
  /** Now: a plugin's credential names its end by the wall clock. */
  wallMs: number;
}): Promise<ReadAccess> {
  const { file } = options;
  const whole = parseKubeconfig(await readText(file, `no kubeconfig`), file);
  const wanted = options.context ?? whole['current-context'];
  const context = whole.contexts.find(({ name }) => name === wanted)?.context;
  if (!context) {
    const known = whole.contexts.map(({ name }) => name).join(', ') || 'none';
    throw new AccessError(`${file} has no context ${wanted ?? '(current-context is unset)'}; it has: ${known}`);
  }
  const cluster = whole.clusters.find(({ name }) => name === context.cluster)?.cluster;
  if (!cluster) throw new AccessError(`${file} has no cluster ${context.cluster}, which its context ${wanted} names`);
  const user = whole.users.find(({ name }) => name === context.user)?.user ?? {};
  if (cluster['proxy-url'] !== undefined)
    throw new AccessError(
      `${file} asks for a proxy (proxy-url), which is not supported: reach the API server directly`,
    );
  const at = (name: string) => path.resolve(path.dirname(file), name);
  const either = async (data: string | undefined, name: string | undefined) =>
    data === undefined
      ? name && (await readText(at(name), `a file that ${file} names`))
      : Buffer.from(data, 'base64').toString('utf8');
  const shown = await proofOf(user, { ...options, at, either });
  const credentials: Credentials = {
    server: cluster.server.replace(/\/+$/, ''),
    ca: await either(cluster['certificate-authority-data'], cluster['certificate-authority']),
    serverName: cluster['tls-server-name'],
    insecure: cluster['insecure-skip-tls-verify'],
    ...shown.proof,
  };
  return { credentials, namespace: context.namespace ?? 'default', validMs: shown.validMs };
}

async function proofOf(
  user: User,
  means: {
    file: string;
    wallMs: number;
    at: (name: string) => string;
    either: (data: string | undefined, name: string | undefined) => Promise<string | undefined>;
  },
): ReturnType<typeof runCredentialPlugin> {
  if (user.exec) {
    const { apiVersion, command, args, env } = user.exec;
    // A name with a folder is meant from where the kubeconfig is; a bare one is looked for on the PATH.
    const program = command.includes('/') ? means.at(command) : command;
    return runCredentialPlugin({
      apiVersion,
      command: program,
      args: args ?? [],
      wallMs: means.wallMs,
      env: Object.fromEntries((env ?? []).map(({ name, value }) => [name, value])),
    });
  }
  if (user['auth-provider'] !== undefined || user.username !== undefined) {
    const what = user.username === undefined ? 'an auth-provider' : 'a password';
    throw new AccessError(
      `${means.file} proves who we are by ${what}, which is not supported: use a token, a certificate or exec`,
    );
  }
  const token = user.tokenFile
    ? (await readText(means.at(user.tokenFile), `the tokenFile of ${means.file}`)).trim()
    : user.token;
  const cert = await means.either(user['client-certificate-data'], user['client-certificate']);
  const key = await means.either(user['client-key-data'], user['client-key']);
  return { proof: { token, cert, key }, validMs: REREAD_MS };
}

function parseKubeconfig(content: string, file: string) {
  let document: unknown;
  try {
    document = parse(content, { maxAliasCount: 0 });
  } catch (error) {
    throw new AccessError(`${file} is no YAML: ${(error as Error).message.split('\n')[0]}`);
  }
  const parsed = kubeconfigSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AccessError(`${file} is no kubeconfig: ${issue?.path.join('.') || 'the document'}: ${issue?.message}`);
}

async function readText(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new AccessError(
      `${what}: ${(error as Error).message}; outside a cluster controlPlane.kubernetes.kubeconfigFile names one`,
    );
  }
}

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { jsonOf } from '../wire/exchange.ts';
import { AccessError, type Credentials } from './credentials.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 20_000;
/** A credential is replaced this long before its end; one that names none is asked for again after an hour. */
const EARLY_MS = 60_000;
const UNSAID_MS = 3_600_000;

const credentialSchema = z.object({
  kind: z.literal('ExecCredential'),
  status: z.object({
    token: z.string().optional(),
    clientCertificateData: z.string().optional(),
    clientKeyData: z.string().optional(),
    expirationTimestamp: z.string().optional(),
  }),
});

/** Runs what a kubeconfig names under `exec`: how clouds hand out credentials. No shell, no terminal, nothing of theirs is shown. */
export async function runCredentialPlugin(plugin: {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly wallMs: number;
}): Promise<{ proof: Pick<Credentials, 'token' | 'cert' | 'key'>; validMs: number }> {
  const { apiVersion, command } = plugin;
  const info = JSON.stringify({ apiVersion, kind: 'ExecCredential', spec: { interactive: false } });
  const answer = await run(command, [...plugin.args], {
    env: { ...process.env, ...plugin.env, KUBERNETES_EXEC_INFO: info },
    timeout: TIMEOUT_MS,
    maxBuffer: 1024 * 1024,
  }).catch((error: Error & { code?: number | string; killed?: boolean }) => {
    const why = error.killed ? `it took longer than ${TIMEOUT_MS} ms` : `it ended with ${error.code ?? error.name}`;
    throw new AccessError(`the credential plugin ${command} of the kubeconfig failed: ${why}; run it by hand to see`);
  });
  const parsed = credentialSchema.safeParse(jsonOf(answer.stdout));
  if (!parsed.success)
    throw new AccessError(`the credential plugin ${command} of the kubeconfig gave no ExecCredential`);
  const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp } = parsed.data.status;
  const endMs = Date.parse(expirationTimestamp ?? '');
  const leftMs = Number.isNaN(endMs) ? UNSAID_MS : endMs - plugin.wallMs - EARLY_MS;
  return { proof: { token, cert, key }, validMs: Math.max(1_000, leftMs) };
}

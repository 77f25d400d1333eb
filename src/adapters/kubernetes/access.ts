import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { ExpiringValue } from '../../lib/expiring-value.ts';
import type { Random } from '../../lib/random.ts';
import type { Credential } from '../wire/credential.ts';
import { AccessError, REREAD_MS, type ReadAccess } from './credentials.ts';
import { readKubeconfig } from './kubeconfig.ts';

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface AccessOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly kubeconfigFile?: string | undefined;
  readonly context?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly serviceAccountFolder?: string | undefined;
}

/** Credentials, read again as they change. Inside a cluster those of the Pod; else those of a kubeconfig. */
export class Access implements Credential<ReadAccess> {
  readonly #value: ExpiringValue<ReadAccess>;

  constructor(options: AccessOptions) {
    const { clock, random } = options;
    const read = readerOf(options);
    this.#value = new ExpiringValue({
      clock,
      random,
      fetch: async () => {
        const access = await read();
        return { value: access, expiresInMs: access.validMs };
      },
      what: 'reading the credentials of the API server',
      // A credential plugin has less.
      timeoutMs: 30_000,
      lifeMaxMs: Number.POSITIVE_INFINITY,
      pauseMaxMs: REREAD_MS,
      // What is read again may be new, however soon.
      dropMinAgeMs: 0,
    });
  }

  /** Rejects with AccessError. */
  current(signal?: AbortSignal): Promise<ReadAccess> {
    return this.#value.get(signal);
  }

  async renew(refused: ReadAccess): Promise<boolean> {
    this.#value.drop(refused);
    const { credentials } = await this.current();
    return credentials.token !== refused.credentials.token || credentials.cert !== refused.credentials.cert;
  }
}

function readerOf(options: AccessOptions): () => Promise<ReadAccess> {
  const { clock, kubeconfigFile, context, env = process.env, serviceAccountFolder } = options;
  const host = env['KUBERNETES_SERVICE_HOST'];
  if (kubeconfigFile === undefined && host) {
    const folder = serviceAccountFolder ?? SERVICE_ACCOUNT;
    return () => readServiceAccount({ host, port: env['KUBERNETES_SERVICE_PORT'] ?? '443', folder });
  }
  const file =
    kubeconfigFile ?? (env['KUBECONFIG']?.split(path.delimiter)[0] || path.join(homedir(), '.kube', 'config'));
  return () => readKubeconfig({ file, context, wallMs: clock.wallMs() });
}

async function readServiceAccount(place: { host: string; port: string; folder: string }): Promise<ReadAccess> {
  const read = async (name: string) => {
    try {
      return (await readFile(path.join(place.folder, name), 'utf8')).trim();
    } catch (error) {
      throw new AccessError(
        `no service account in this Pod: ${(error as Error).message}; set automountServiceAccountToken, or name a kubeconfig in controlPlane.kubernetes.kubeconfigFile`,
      );
    }
  };
  const [token, ca, namespace] = await Promise.all([read('token'), read('ca.crt'), read('namespace')]);
  if (token === '') throw new AccessError(`the service account token in ${place.folder} is empty`);
  const host = place.host.includes(':') ? `[${place.host}]` : place.host;
  return {
    credentials: { server: `https://${host}:${place.port}`, ca, token },
    namespace,
    validMs: REREAD_MS,
  };
}

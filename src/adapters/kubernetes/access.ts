import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { AccessError, type Credentials, REREAD_MS, type ReadAccess } from './credentials.ts';
import { readKubeconfig } from './kubeconfig.ts';

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface AccessOptions {
  readonly clock: Clock;
  readonly kubeconfigFile?: string | undefined;
  readonly context?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly serviceAccountFolder?: string | undefined;
}

/** Credentials, read again as they change. Inside a cluster those of the Pod; else those of a kubeconfig. */
export class Access {
  readonly #clock: Clock;
  readonly #read: () => Promise<ReadAccess>;
  #held: { readonly access: ReadAccess; readonly untilMs: number } | undefined;
  #reading: Promise<ReadAccess> | undefined;

  constructor(options: AccessOptions) {
    this.#clock = options.clock;
    this.#read = readerOf(options);
  }

  /** Rejects with AccessError. A failed reading does not take away what is at hand and still holds. */
  async current(): Promise<ReadAccess> {
    if (this.#held && this.#clock.monotonicMs() < this.#held.untilMs) return this.#held.access;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    const access = await this.#reading;
    this.#held = { access, untilMs: this.#clock.monotonicMs() + access.validMs };
    return access;
  }

  /** Somebody was refused with these. True: reading again gave others. */
  async renew(refused: Credentials): Promise<boolean> {
    if (this.#held?.access.credentials === refused) this.#held = undefined;
    const { credentials } = await this.current();
    return credentials.token !== refused.token || credentials.cert !== refused.cert;
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

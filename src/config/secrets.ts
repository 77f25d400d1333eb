import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { fixed, type Live, LiveFiles, type LiveFilesOptions } from './live-files.ts';
import { Secret, type SecretRef } from './secret.ts';

/** Certificates and key as PEM, checked to fit together. */
export interface TlsMaterial {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: Secret | undefined;
  /** When the client certificate ends. */
  readonly expiresMs: number | undefined;
}

type TlsFiles = Readonly<Record<'caFile' | 'certFile' | 'keyFile', string | undefined>>;

/** Opens what the configuration points to, and closes it all at the end. Opening throws FileFault: a start-up fault. */
export class Secrets {
  readonly #options: Pick<LiveFilesOptions<unknown>, 'clock' | 'onEvent'>;
  readonly #open: Live<unknown>[] = [];

  constructor(options: Pick<LiveFilesOptions<unknown>, 'clock' | 'onEvent'>) {
    this.#options = options;
  }

  /** Undefined when there is none. */
  secret(name: string, ref: SecretRef): Live<Secret> | undefined {
    if (ref.file === undefined) return ref.inline && fixed(ref.inline);
    const files = [ref.file];
    const parse = ([text = '']: readonly string[]) => parseSecret(text);
    return this.#keep(new LiveFiles({ ...this.#options, name, files, parse, confidential: files }));
  }

  /** Undefined when nothing is configured, so that the defaults of Node apply. */
  tls(name: string, { caFile, certFile, keyFile }: TlsFiles): Live<TlsMaterial> | undefined {
    const files = [caFile, certFile, keyFile].filter((file) => file !== undefined);
    if (files.length === 0) return undefined;
    const parse = (contents: readonly string[]): TlsMaterial => {
      const textOf = (file: string | undefined) => (file === undefined ? undefined : contents[files.indexOf(file)]);
      return parseTls({ ca: textOf(caFile), cert: textOf(certFile), key: textOf(keyFile) });
    };
    const confidential = keyFile === undefined ? [] : [keyFile];
    const live = this.#keep(new LiveFiles({ ...this.#options, name, files, parse, confidential }));
    const reportExpiry = ({ expiresMs }: TlsMaterial) => {
      if (expiresMs !== undefined) this.#options.onEvent?.({ kind: 'certificate', name, expiresMs });
    };
    reportExpiry(live.current());
    live.subscribe(reportExpiry);
    return live;
  }

  close(): void {
    for (const live of this.#open) live.close();
  }

  #keep<Value>(live: Live<Value>): Live<Value> {
    this.#open.push(live);
    return live;
  }
}

/** Editors and `echo` end a file with a line break that is no part of the secret. */
function parseSecret(text: string): Secret {
  const value = text.replace(/\r?\n$/, '');
  if (value === '') throw new Error('it is empty');
  if (/[\r\n\0]/.test(value)) throw new Error('it has more than one line');
  return new Secret(value);
}

function parseTls({ ca, cert, key }: Record<'ca' | 'cert' | 'key', string | undefined>): TlsMaterial {
  // OpenSSL accepts an authority file without a single certificate and says nothing.
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new Error('the authority file holds no PEM certificate');
  // Throws on bad PEM, and when key and certificate do not belong together.
  createSecureContext({ ca, cert, key });
  return {
    ca,
    cert,
    key: key === undefined ? undefined : new Secret(key),
    expiresMs: cert === undefined ? undefined : Date.parse(new X509Certificate(cert).validTo),
  };
}

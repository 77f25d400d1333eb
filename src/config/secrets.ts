import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Clock } from '../lib/clock.ts';
import { fixed, type Live, LiveFiles, type LiveFilesEvent } from './live-files.ts';
import { Secret, type SecretRef } from './secret.ts';

export interface SecretsOptions {
  readonly clock: Clock;
  readonly onEvent?: (event: LiveFilesEvent) => void;
  readonly pollMs?: number;
  readonly debounceMs?: number;
}

/** Certificates and key as PEM, checked to fit together. */
export interface TlsMaterial {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: Secret | undefined;
  /** When the client certificate ends. */
  readonly expiresMs: number | undefined;
}

export interface TlsFiles {
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

/** Opens what the configuration points to, and closes it all at the end. Opening throws FileFault: a start-up fault. */
export class Secrets {
  readonly #options: SecretsOptions;
  readonly #open: Live<unknown>[] = [];

  constructor(options: SecretsOptions) {
    this.#options = options;
  }

  /** Undefined when there is none. */
  secret(name: string, ref: SecretRef): Live<Secret> | undefined {
    if (ref.file === undefined) return ref.inline && fixed(ref.inline);
    return this.#keep(
      new LiveFiles({
        ...this.#options,
        name,
        files: [ref.file],
        parse: ([text = '']) => parseSecret(text),
        confidential: [ref.file],
      }),
    );
  }

  /** Undefined when nothing is configured, so that the defaults of Node apply. */
  tls(name: string, { caFile, certFile, keyFile }: TlsFiles): Live<TlsMaterial> | undefined {
    const named = { caFile, certFile, keyFile };
    const present = (Object.keys(named) as (keyof TlsFiles)[]).filter((each) => named[each] !== undefined);
    if (present.length === 0) return undefined;
    const parse = (contents: readonly string[]): TlsMaterial =>
      parseTls(
        Object.fromEntries(present.map((each, index) => [each, contents[index]])) as Partial<
          Record<keyof TlsFiles, string>
        >,
      );
    const files = present.map((each) => named[each] ?? '');
    const confidential = keyFile === undefined ? [] : [keyFile];
    const live = this.#keep(new LiveFiles({ ...this.#options, name, files, parse, confidential }));
    this.#reportExpiry(name, live.current());
    live.subscribe((material) => this.#reportExpiry(name, material));
    return live;
  }

  #reportExpiry(name: string, { expiresMs }: TlsMaterial): void {
    if (expiresMs !== undefined) this.#options.onEvent?.({ kind: 'certificate', name, expiresMs });
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

function parseTls({ caFile: ca, certFile: cert, keyFile: key }: Partial<Record<keyof TlsFiles, string>>): TlsMaterial {
  // OpenSSL accepts an authority file without a single certificate and says nothing.
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new Error('the authority file holds no PEM certificate');
  // Throws on bad PEM, and when key and certificate do not belong together.
  createSecureContext({
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  });
  return {
    ca,
    cert,
    key: key === undefined ? undefined : new Secret(key),
    expiresMs: cert === undefined ? undefined : Date.parse(new X509Certificate(cert).validTo),
  };
}

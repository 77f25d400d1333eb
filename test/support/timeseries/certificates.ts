import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority for one test, made with openssl: it signs for 127.0.0.1 and for clients. */
export class Authority {
  readonly cert: string;
  readonly #directory: string;

  constructor(name: string) {
    this.#directory = mkdtempSync(path.join(tmpdir(), 'starling-ca-'));
    this.#openssl([
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
    ]);
    this.cert = this.#read('ca.pem');
  }

  issue(name: string): KeyPair {
    this.#openssl([
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
    ]);
    writeFileSync(path.join(this.#directory, 'san.cnf'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
    this.#openssl([
      'x509',
      '-req',
      '-days',
      '2',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-extfile',
      'san.cnf',
      '-out',
      `${name}.pem`,
    ]);
    return { cert: this.#read(`${name}.pem`), key: this.#read(`${name}.key`) };
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #read(file: string): string {
    return readFileSync(path.join(this.#directory, file), 'utf8');
  }

  #openssl(args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: this.#directory, stdio: 'pipe' });
  }
}

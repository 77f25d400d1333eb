import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A certificate authority of our own, and what it signed. */
export interface Authority {
  readonly caFile: string;
  readonly ca: string;
  issue(options: { name: string; subjectAltName: string }): Promise<{ cert: string; key: string; keystore: string }>;
  /** A Java trust store that holds the authority. */
  truststore(keytool: string): Promise<string>;
}

export const STORE_PASSWORD = 'changeit';

export async function makeAuthority(folder: string, name: string): Promise<Authority> {
  const at = (file: string) => join(folder, `${name}-${file}`);
  const openssl = (...words: string[]) => run('openssl', words, { timeout: 20_000 });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const subject = ['-subj', `/CN=${name}`];
  await openssl('req', '-x509', ...newKey, '-keyout', at('ca.key'), '-out', at('ca.pem'), ...subject, '-days', '2');
  return {
    caFile: at('ca.pem'),
    ca: await readFile(at('ca.pem'), 'utf8'),
    async issue({ name: leaf, subjectAltName }) {
      const files = { key: at(`${leaf}.key`), csr: at(`${leaf}.csr`), cert: at(`${leaf}.pem`), p12: at(`${leaf}.p12`) };
      await openssl('req', ...newKey, '-keyout', files.key, '-out', files.csr, '-subj', `/CN=${leaf}`);
      await writeFile(at(`${leaf}.ext`), `subjectAltName=${subjectAltName}\n`);
      const authority = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial'];
      const extension = ['-extfile', at(`${leaf}.ext`)];
      await openssl('x509', '-req', '-in', files.csr, ...authority, '-out', files.cert, '-days', '2', ...extension);
      const secret = ['-passout', `pass:${STORE_PASSWORD}`];
      const chain = ['-certfile', at('ca.pem')];
      await openssl(
        'pkcs12',
        '-export',
        '-in',
        files.cert,
        '-inkey',
        files.key,
        ...chain,
        '-out',
        files.p12,
        ...secret,
      );
      const [cert, key] = await Promise.all([readFile(files.cert, 'utf8'), readFile(files.key, 'utf8')]);
      return { cert, key, keystore: files.p12 };
    },
    async truststore(keytool) {
      const store = ['-keystore', at('trust.p12'), '-storetype', 'PKCS12', '-storepass', STORE_PASSWORD];
      await run(keytool, ['-importcert', '-noprompt', '-alias', name, '-file', at('ca.pem'), ...store]);
      return at('trust.p12');
    },
  };
}

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format, inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/config/secret.ts';
import { Secrets } from '../../src/config/secrets.ts';
import { HandWoundClock } from '../support/hand-wound-clock.ts';

let directory: string;
let clock: HandWoundClock;
let secrets: Secrets;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'starling-secrets-'));
  clock = new HandWoundClock();
  secrets = new Secrets({ clock });
});

afterEach(() => {
  secrets.close();
  rmSync(directory, { recursive: true, force: true });
});

describe('a secret', () => {
  it('is masked wherever it is written, and only reveal returns it', () => {
    const secret = new Secret('canary-hunter2');
    const shown = [
      String(secret),
      `${secret as unknown as string}`,
      JSON.stringify({ secret }),
      inspect({ deep: [secret] }, { showHidden: true, depth: 9 }),
      format('%s %o %j', secret, secret, secret),
      Object.values(secret).join(),
    ];
    for (const text of shown) expect(text).not.toContain('canary');
    expect(secret.reveal()).toBe('canary-hunter2');
  });

  it('comes from a file without its last line break, and changes with it', async () => {
    const file = join(directory, 'password');
    writeFileSync(file, 'one\n');
    const live = secrets.secret('a.password', { file, inline: undefined });
    expect(live?.current().reveal()).toBe('one');
    writeFileSync(file, 'two\r\n');
    await clock.wind(10_000);
    expect(live?.current().reveal()).toBe('two');
    writeFileSync(file, '');
    await clock.wind(10_000);
    expect(live?.current().reveal()).toBe('two');
  });

  it('may be handed in, and may be absent', () => {
    expect(
      secrets
        .secret('a', { file: undefined, inline: new Secret('x') })
        ?.current()
        .reveal(),
    ).toBe('x');
    expect(secrets.secret('a', { file: undefined, inline: undefined })).toBeUndefined();
  });
});

describe('TLS files', () => {
  const make = (name: string) => {
    const keyFile = join(directory, `${name}.key`);
    const certFile = join(directory, `${name}.crt`);
    const subject = ['-subj', `/CN=${name}`, '-days', '2'];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-keyout',
        keyFile,
        '-out',
        certFile,
        ...subject,
      ],
      { stdio: 'ignore' },
    );
    return { keyFile, certFile, caFile: certFile };
  };

  it('are read together and know their end', () => {
    const ends: number[] = [];
    const telling = new Secrets({
      clock,
      onEvent: (event) => event.kind === 'certificate' && ends.push(event.expiresMs),
    });
    const live = telling.tls('store.tls', make('one'));
    telling.close();
    expect(ends).toEqual([live?.current().expiresMs]);
    expect(live?.current().cert).toContain('BEGIN CERTIFICATE');
    expect(live?.current().expiresMs).toBeGreaterThan(Date.now() + 86_400_000);
    expect(JSON.stringify(live?.current())).not.toContain('PRIVATE KEY');
  });

  it('are refused when certificate and key do not belong together', () => {
    const one = make('one');
    const two = make('two');
    expect(() => secrets.tls('store.tls', { ...one, keyFile: two.keyFile })).toThrow(/store\.tls: .* cannot be used/);
  });

  it('are refused when the authority file holds no certificate', () => {
    const caFile = join(directory, 'ca.pem');
    writeFileSync(caFile, 'not a certificate');
    expect(() => secrets.tls('store.tls', { caFile, certFile: undefined, keyFile: undefined })).toThrow(
      /no PEM certificate/,
    );
  });

  it('keep the old pair while only one half of a new one is there', async () => {
    const one = make('one');
    const two = make('two');
    const file = { ...one };
    const live = secrets.tls('store.tls', file);
    const before = live?.current().cert;
    writeFileSync(one.certFile, execFileSync('cat', [two.certFile]));
    await clock.wind(10_000);
    expect(live?.current().cert).toBe(before);
    writeFileSync(one.keyFile, execFileSync('cat', [two.keyFile]));
    await clock.wind(10_000);
    expect(live?.current().cert).not.toBe(before);
  });
});

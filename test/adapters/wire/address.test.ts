import { describe, expect, it } from 'vitest';
import { ControlPlaneConnection } from '../../../src/adapters/control-plane/connection.ts';
import { checkAddress, lookupChecked } from '../../../src/adapters/wire/address.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import { HandWoundClock } from '../../support/hand-wound-clock.ts';

const check = (url: string, hasCredentials = false) => checkAddress(url, { what: 'the control plane', hasCredentials });

describe('an address', () => {
  it('is taken with a path and without its last slash', () => {
    expect(check('https://host.test:8443/base/path/')).toEqual({
      url: 'https://host.test:8443/base/path',
      isTls: true,
    });
    expect(check('http://host.test')).toEqual({ url: 'http://host.test', isTls: false });
  });

  it.each([
    ['', 'is not a URL'],
    ['host:8080/x y', 'only http: and https:'],
    ['ftp://host.test', 'only http: and https:'],
    ['file:///etc/passwd', 'only http: and https:'],
    ['https://user:secret@host.test', 'user or password'],
    ['https://host.test/?a=b', '? or #'],
    ['http://169.254.169.254/latest', 'link-local'],
    ['http://[fe80::1]/', 'link-local'],
    ['http://[::ffff:169.254.169.254]/', 'link-local'],
    ['http://2852039166/', 'link-local'],
  ])('%s is refused', (url, message) => {
    expect(() => check(url)).toThrow(message);
  });

  it('is given credentials over https, or on this machine', () => {
    for (const url of ['https://host.test', 'http://localhost:1', 'http://127.0.0.9:1', 'http://[::1]:1']) {
      expect(() => check(url, true)).not.toThrow();
    }
    for (const url of [
      'http://host.test',
      'http://10.0.0.1',
      'http://localhost.evil.test',
      'http://127.0.0.1.evil.test',
    ]) {
      expect(() => check(url, true)).toThrow('credentials would be readable on the way; use https');
    }
  });

  it('is taken as it stands where tokens are had', () => {
    const means = { what: 'the token endpoint', hasCredentials: true, isWhole: true };
    expect(checkAddress('https://host.test/token/?version=2', means).url).toBe('https://host.test/token/?version=2');
  });

  it('never shows the password that it refuses', () => {
    expect(() => check('https://user:secret@host.test')).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('secret') }),
    );
  });

  it('is resolved as usual, and not to link-local', async () => {
    const resolve = (hostname: string, all: boolean) =>
      new Promise((settle) => {
        lookupChecked(hostname, { all }, (error, address) => settle(error ? error.message : address));
      });
    expect(await resolve('127.0.0.1', false)).toBe('127.0.0.1');
    expect(await resolve('127.0.0.1', true)).toEqual([{ address: '127.0.0.1', family: 4 }]);
    expect(await resolve('169.254.169.254', true)).toContain('nothing but link-local');
  });

  it('is https where a certificate is to speak for us', () => {
    const means = { clock: new HandWoundClock(), random: systemRandom, auth: { kind: 'mtls' } } as const;
    expect(() => new ControlPlaneConnection({ url: 'http://localhost:1', ...means })).toThrow(
      'use https with auth mtls',
    );
    expect(() => new ControlPlaneConnection({ url: 'https://host.test', ...means })).not.toThrow();
  });
});

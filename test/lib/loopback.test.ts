import { describe, expect, it } from 'vitest';
import { isLinkLocal, isLoopback } from '../../src/lib/loopback.ts';

const hostOf = (url: string) => new URL(url).hostname;

describe('this machine', () => {
  it.each([
    '127.0.0.1',
    '127.0.0.9',
    '127.255.255.254',
    '127.1',
    'localhost',
    'LOCALHOST',
    'localhost.',
    'LocalHost.',
    '::1',
    '[::1]',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '127.0.0.1.',
    '::1%lo',
    // As URLs write addresses.
    hostOf('http://2130706433/'),
    hostOf('http://0x7f000001/'),
    hostOf('http://0x7f.1/'),
    hostOf('http://0177.0.0.1/'),
    hostOf('http://[0:0::1]/'),
    hostOf('http://[::FFFF:127.0.0.1]:80/'),
    hostOf('http://LOCALHOST.:8080/'),
    // As they stand in a setting that is no URL.
    '2130706433',
    '0x7f.0.0.1',
    '0177.1',
  ])('is %s', (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  it.each([
    '',
    '127.attacker.example',
    '127.0.0.1.attacker.example',
    'localhost.attacker.example',
    'api.localhost',
    'notlocalhost',
    'localhost..',
    'localhost:80',
    'localhost/x',
    'x@localhost',
    '127.0.0.1:80',
    '127.0.0.1/8',
    '126.255.255.255',
    '128.0.0.1',
    '0.0.0.0',
    '::',
    '[::]',
    '::2',
    '::ffff:10.0.0.1',
    '[::1',
    '10.0.0.1',
    '127.0.0.256',
    '127',
    hostOf('http://2130706432@10.0.0.1/'),
  ])('is not %s', (host) => {
    expect(isLoopback(host)).toBe(false);
  });
});

describe('an address of the link itself', () => {
  it.each([
    '169.254.169.254',
    '169.254.0.0',
    'fe80::1',
    '[fe80::1]',
    'FEBF::1',
    'fe80::1%eth0',
    '::ffff:169.254.169.254',
    '[::ffff:a9fe:a9fe]',
    '169.254.169.254.',
    '2852039166',
    hostOf('http://0xa9fea9fe/'),
  ])('is %s', (host) => {
    expect(isLinkLocal(host)).toBe(true);
  });

  it.each(['169.253.0.1', '169.254.example', 'fec0::1', '::1', '127.0.0.1', 'metadata.internal', ''])(
    'is not %s',
    (host) => {
      expect(isLinkLocal(host)).toBe(false);
    },
  );
});

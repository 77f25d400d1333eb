import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Access } from '../../../src/adapters/kubernetes/access.ts';
import { AccessError } from '../../../src/adapters/kubernetes/credentials.ts';
import { HandWoundClock } from '../../support/hand-wound-clock.ts';

const random = { next: () => 0.5, uuid: () => '' };
let folder: string;
let clock: HandWoundClock;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'starling-access-'));
  clock = new HandWoundClock();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, text: string) => {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
};
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('inside a cluster', () => {
  const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '6443' };
  const inCluster = (more: object = {}) => new Access({ clock, random, env, serviceAccountFolder: folder, ...more });
  beforeEach(() => {
    put('token', 'first\n');
    put('ca.crt', 'an authority');
    put('namespace', 'shop');
  });

  it('is who the service account says', async () => {
    expect(await inCluster().current()).toMatchObject({
      credentials: { server: 'https://10.96.0.1:6443', token: 'first', ca: 'an authority' },
      namespace: 'shop',
    });
  });

  it('brackets an address of IPv6', async () => {
    const access = inCluster({ env: { ...env, KUBERNETES_SERVICE_HOST: 'fd00::1' } });
    expect((await access.current()).credentials.server).toBe('https://[fd00::1]:6443');
  });

  it('takes a new token within ten seconds of its coming', async () => {
    const access = inCluster();
    await access.current();
    put('token', 'second');
    await clock.wind(9_000);
    expect((await access.current()).credentials.token).toBe('first');
    await clock.wind(1_000);
    expect((await access.current()).credentials.token).toBe('second');
  });

  it('takes it at once when the old one is refused, and says when there is no other', async () => {
    const access = inCluster();
    expect(await access.renew(await access.current())).toBe(false);
    put('token', 'second');
    expect(await access.renew(await access.current())).toBe(true);
    expect((await access.current()).credentials.token).toBe('second');
  });

  it('says what is missing and what to do', async () => {
    rmSync(path.join(folder, 'token'));
    const tried = inCluster().current();
    await expect(tried).rejects.toThrow(AccessError);
    await expect(tried).rejects.toThrow(/set automountServiceAccountToken, or name a kubeconfig/);
  });

  it('prefers a kubeconfig that is named', async () => {
    const file = put('config', JSON.stringify(aConfig({ token: 'of the kubeconfig' })));
    const { credentials } = await inCluster({ kubeconfigFile: file }).current();
    expect(credentials).toMatchObject({ server: 'https://api.example:6443', token: 'of the kubeconfig' });
  });
});

function aConfig(user: object, more: { cluster?: object; namespace?: string } = {}) {
  return {
    'current-context': 'work',
    contexts: [
      {
        name: 'work',
        context: { cluster: 'big', user: 'me', ...(more.namespace ? { namespace: more.namespace } : {}) },
      },
      { name: 'play', context: { cluster: 'small', user: 'me', namespace: 'toys' } },
    ],
    clusters: [
      { name: 'big', cluster: { server: 'https://api.example:6443/', ...more.cluster } },
      { name: 'small', cluster: { server: 'http://127.0.0.1:8080' } },
    ],
    users: [{ name: 'me', user }],
  };
}

describe('a kubeconfig', () => {
  const open = (config: unknown, more: { context?: string } = {}) =>
    new Access({
      clock,
      random,
      env: {},
      kubeconfigFile: put('config', typeof config === 'string' ? config : JSON.stringify(config)),
      ...more,
    }).current();

  it('shows certificates that stand in it', async () => {
    const user = { 'client-certificate-data': base64('a certificate'), 'client-key-data': base64('a key') };
    const cluster = { 'certificate-authority-data': base64('an authority'), 'tls-server-name': 'kubernetes' };
    expect(await open(aConfig(user, { cluster, namespace: 'shop' }))).toMatchObject({
      credentials: {
        server: 'https://api.example:6443',
        ca: 'an authority',
        cert: 'a certificate',
        key: 'a key',
        serverName: 'kubernetes',
      },
      namespace: 'shop',
    });
  });

  it('reads files from where it is itself', async () => {
    put('ca.pem', 'an authority');
    put('token.txt', 'a token\n');
    const { credentials } = await open(
      aConfig({ tokenFile: 'token.txt', token: 'not this' }, { cluster: { 'certificate-authority': 'ca.pem' } }),
    );
    expect(credentials).toMatchObject({ ca: 'an authority', token: 'a token' });
  });

  it('is read as YAML, in the context that is named', async () => {
    const text = `apiVersion: v1
current-context: work
contexts: [{name: work, context: {cluster: c, user: u}}, {name: play, context: {cluster: c, user: u, namespace: toys}}]
clusters: [{name: c, cluster: {server: 'https://api.example', insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: t}}]
`;
    expect(await open(text, { context: 'play' })).toMatchObject({
      namespace: 'toys',
      credentials: { insecure: true, token: 't' },
    });
  });

  it('asks the plugin that it names, and again before its credential ends', async () => {
    const program = put(
      'plugin',
      `#!/bin/sh
n=$(cat ${folder}/count 2>/dev/null || echo 0); n=$((n + 1)); echo $n > ${folder}/count
printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"%s-%s-%s","expirationTimestamp":"%s"}}' "$1" "$REGION" "$n" "$END"
`,
    );
    chmodSync(program, 0o755);
    const END = new Date(clock.wallMs() + 600_000).toISOString();
    const env = [
      { name: 'REGION', value: 'north' },
      { name: 'END', value: END },
    ];
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: './plugin', args: ['get'], env };
    const access = new Access({
      clock,
      random,
      env: {},
      kubeconfigFile: put('config', JSON.stringify(aConfig({ exec }))),
    });
    expect((await access.current()).credentials.token).toBe('get-north-1');
    await clock.wind(530_000);
    expect((await access.current()).credentials.token).toBe('get-north-1');
    await clock.wind(20_000);
    expect((await access.current()).credentials.token).toBe('get-north-2');
  });

  it.each<[string, unknown, RegExp]>([
    ['no YAML', '{{', /is no YAML/],
    ['something else', { kind: 'Pod' }, /is no kubeconfig: contexts/],
    ['no current context', { ...aConfig({}), 'current-context': 'gone' }, /has no context gone; it has: work, play/],
    ['no such cluster', { ...aConfig({}), clusters: [] }, /has no cluster big, which its context work names/],
    ['a proxy', aConfig({}, { cluster: { 'proxy-url': 'http://p' } }), /proxy-url.*reach the API server directly/],
    ['a password', aConfig({ username: 'me', password: 'x' }), /by a password, which is not supported: use a token/],
    ['an old provider', aConfig({ 'auth-provider': { name: 'gcp' } }), /by an auth-provider, which is not supported/],
    ['a file that is not there', aConfig({ tokenFile: 'nowhere' }), /nowhere/],
    [
      'a plugin that fails',
      aConfig({ exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'false' } }),
      /plugin false .* ended with 1; run it by hand/,
    ],
    [
      'a plugin that says something else',
      aConfig({ exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'echo', args: ['hello'] } }),
      /gave no ExecCredential/,
    ],
  ])('with %s is refused, with what to do', async (_, config, says) => {
    const tried = open(config);
    await expect(tried).rejects.toThrow(AccessError);
    await expect(tried).rejects.toThrow(says);
  });
});

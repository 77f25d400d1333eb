import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiFront } from '../../support/kubernetes/api-front.ts';
import { ClusterHand, manifestOf, pathOf } from '../../support/kubernetes/cluster-hand.ts';
import { ControlPlane } from '../../support/kubernetes/control-plane.ts';
import { StarlingClient } from '../../support/kubernetes/starling-client.ts';
import { whyNot } from '../../support/kubernetes/tools.ts';
import { starling as runStarling } from '../../support/run-starling.ts';
import { emptyPrometheus, ScriptedStore } from '../../support/timeseries/scripted-store.ts';

const missing = whyNot('cluster');
const PAGE = readFileSync(new URL('../../../docs/kubernetes-control-plane.md', import.meta.url), 'utf8');
/** The objects that the page tells people to make. */
const manifests = [...PAGE.matchAll(/^```yml\n(apiVersion: .*?)^```$/gms)].map(([, text = '']) => text);
const ROLE = manifests.find((text) => text.includes('kind: Role\n')) ?? '';
const ADMISSION = manifests.find((text) => text.includes('kind: ValidatingAdmissionPolicy\n')) ?? '';

describe.skipIf(missing !== undefined)(
  `rights on a real API server${missing === undefined ? '' : ` (left out: ${missing})`}`,
  () => {
    let plane: ControlPlane;
    let front: ApiFront;
    let hand: ClusterHand;
    let folder: string;
    const clients: StarlingClient[] = [];

    beforeAll(async () => {
      plane = await ControlPlane.start({ only: 'api' });
      const read = (name: string) => readFileSync(path.join(plane.folder, 'pki', name), 'utf8');
      front = new ApiFront(plane.url, { ca: read('ca.crt'), cert: read('admin.crt'), key: read('admin.key') });
      hand = new ClusterHand(await front.start());
      folder = mkdtempSync(path.join(tmpdir(), 'starling-account-'));
      writeFileSync(path.join(folder, 'ca.crt'), read('ca.crt'));
      writeFileSync(path.join(folder, 'namespace'), 'shop');
      for (const name of ['shop', 'scaling']) plane.kubectl('create', 'namespace', name);
      plane.kubectl('-n', 'scaling', 'create', 'serviceaccount', 'starling');
      plane.kubectl('-n', 'scaling', 'create', 'serviceaccount', 'nobody');
      plane.apply(ROLE, '-n', 'shop');
      plane.kubectl(
        ...['-n', 'shop', 'create', 'rolebinding', 'starling-scale'],
        ...['--role=starling-scale', '--serviceaccount=scaling:starling'],
      );
      for (const name of ['one', 'two', 'three']) {
        await hand.must('POST', '/apis/apps/v1/namespaces/shop/deployments', manifestOf({ name, namespace: 'shop' }));
      }
    });
    afterAll(async () => {
      for (const client of clients) client.close();
      await front?.stop();
      await plane?.stop();
      if (folder) rmSync(folder, { recursive: true, force: true });
    });

    const tokenOf = (account: string) => plane.kubectl('-n', 'scaling', 'create', 'token', account).trim();
    const env = () => ({ KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: new URL(plane.url).port });
    const clientOf = (account: string, namespaces: readonly string[] | undefined) => {
      writeFileSync(path.join(folder, 'token'), tokenOf(account));
      const options = namespaces === undefined ? {} : { namespaces };
      const client = new StarlingClient({ env: env(), serviceAccountFolder: folder }, options);
      clients.push(client);
      return client;
    };
    const versionOf = (versionId: string) => ({ versionId, functionId: 'a-function', account: 'an-account' });
    const read = (name: string) => hand.must('GET', pathOf({ name, namespace: 'shop' }));

    it('a /scale carries no annotations of its workload: the token cannot be written there', async () => {
      const scalePath = `${pathOf({ name: 'three', namespace: 'shop' })}/scale`;
      const scale = await hand.must('GET', scalePath);
      const annotations = { 'starling.dev/fencing-token': '5' };
      await hand.must('PUT', scalePath, {
        ...scale,
        metadata: { ...scale.metadata, annotations },
        spec: { replicas: 4 },
      });
      const after = await read('three');
      expect(after.spec.replicas).toBe(4);
      expect(after.metadata.annotations).not.toHaveProperty('starling.dev/fencing-token');
    });

    it('the Role of the page is enough, with the token of a service account', async () => {
      const starling = clientOf('starling', ['shop']);
      await starling.knows(versionOf('one'));
      expect(await starling.actuate(versionOf('one'), 6, 10n)).toMatchObject({ outcome: 'applied' });
      expect((await read('one')).spec.replicas).toBe(6);
    });

    it('the Role of the page grants nothing else, and nothing in another namespace', async () => {
      const may = (...args: string[]) => {
        try {
          return plane.kubectl('auth', 'can-i', ...args, '--as=system:serviceaccount:scaling:starling').trim();
        } catch (error) {
          return String((error as { stdout?: string }).stdout).trim();
        }
      };
      expect(may('patch', 'deployments.apps', '-n', 'shop')).toBe('yes');
      expect(may('patch', 'deployments.apps', '-n', 'default')).toBe('no');
      for (const verb of ['create', 'delete', 'update']) expect(may(verb, 'deployments.apps', '-n', 'shop')).toBe('no');
      expect(may('get', 'secrets', '-n', 'shop')).toBe('no');
      expect(may('patch', 'horizontalpodautoscalers.autoscaling', '-n', 'shop')).toBe('no');
    });

    it('a namespace without permission is reported in one sentence, with its name and the right', async () => {
      const starling = clientOf('starling', ['default']);
      expect(await starling.targets.refresh([versionOf('one')])).toEqual({
        ok: false,
        detail: expect.stringMatching(
          /^cannot list deployments in namespace default: 403: .*; give this account the right to list deployments in namespace default$/,
        ),
      });
    });

    it('a replaced token is used after the old one was refused', async () => {
      const starling = clientOf('starling', ['shop']);
      await starling.knows(versionOf('one'));
      writeFileSync(path.join(folder, 'token'), 'not-a-token');
      const broken = new StarlingClient({ env: env(), serviceAccountFolder: folder }, { namespaces: ['shop'] });
      clients.push(broken);
      expect(await broken.targets.refresh([versionOf('one')])).toMatchObject({
        ok: false,
        detail: expect.stringContaining('check the service account token or the kubeconfig'),
      });
      writeFileSync(path.join(folder, 'token'), tokenOf('starling'));
      await broken.knows(versionOf('one'));
    });

    it('the admission policy of the page limits the account to replicas and its annotations, and keeps tokens from going back', async () => {
      plane.apply(ADMISSION);
      const starling = clientOf('starling', ['shop']);
      await starling.knows(versionOf('two'));
      let seconds = 10;
      // Another one each time: what changes nothing is refused by nobody.
      const bad = () => ({ spec: { template: { spec: { terminationGracePeriodSeconds: seconds++ } } } });
      const as = (patch: object) => {
        const file = path.join(folder, 'patch.json');
        writeFileSync(file, JSON.stringify(patch));
        try {
          return plane.kubectl(
            ...['-n', 'shop', 'patch', 'deployment', 'two', '--type=merge', '--patch-file', file],
            '--as=system:serviceaccount:scaling:starling',
          );
        } catch (error) {
          return String((error as { stderr?: string }).stderr);
        }
      };
      // A policy takes a moment to be in force.
      await starling.until('the policy is in force', () =>
        as(bad()).includes('this account may change replicas, and no template'),
      );
      expect(await starling.actuate(versionOf('two'), 7, 50n)).toMatchObject({ outcome: 'applied' });
      expect(as({ metadata: { annotations: { other: 'mine' } } })).toContain('its own annotations only');
      expect(as({ metadata: { annotations: { 'starling.dev/max-instances': '999' } } })).toContain(
        'its own annotations only',
      );
      expect(as({ metadata: { annotations: { 'starling.dev/max-instances': null } } })).toContain(
        'its own annotations only',
      );
      // Not even who looks at nothing can take the token back.
      const back = await hand.ask<{ message: string }>(
        'PATCH',
        pathOf({ name: 'two', namespace: 'shop' }),
        { metadata: { annotations: { 'starling.dev/fencing-token': '49' } }, spec: { replicas: 1 } },
        'application/merge-patch+json',
      );
      expect(back).toMatchObject({
        status: 422,
        body: { message: expect.stringContaining('a newer fencing token is stored') },
      });
      expect((await read('two')).spec.replicas).toBe(7);
      expect(await starling.actuate(versionOf('two'), 8, 51n)).toMatchObject({ outcome: 'applied' });
    });

    it('doctor lists granted and missing rights, and workloads that cannot be scaled', async () => {
      await hand.must(
        'POST',
        '/apis/apps/v1/namespaces/shop/deployments',
        manifestOf({ name: 'unbounded', namespace: 'shop', annotations: { 'starling.dev/max-instances': undefined } }),
      );
      const timeseries = new ScriptedStore();
      await timeseries.start();
      timeseries.answer = emptyPrometheus();
      const examine = async (account: string) => {
        const file = path.join(folder, `${account}.kubeconfig`);
        const ca = Buffer.from(readFileSync(path.join(folder, 'ca.crt'))).toString('base64');
        const config = {
          contexts: [{ name: 'it', context: { cluster: 'it', user: 'it', namespace: 'shop' } }],
          clusters: [{ name: 'it', cluster: { server: plane.url, 'certificate-authority-data': ca } }],
          users: [{ name: 'it', user: { token: tokenOf(account) } }],
          'current-context': 'it',
        };
        writeFileSync(file, JSON.stringify(config));
        const { stdout } = await runStarling([
          ...['doctor', '--store', `sqlite:${path.join(folder, `${account}.sqlite`)}`, '--timeseries', timeseries.url],
          ...['--set', 'controlPlane.kind=kubernetes', '--set', `controlPlane.kubernetes.kubeconfigFile=${file}`],
        ]);
        return stdout;
      };
      try {
        const good = await examine('starling');
        expect(good).toContain('✓ control-plane: may scale in namespace shop');
        expect(good).toContain('✓ control-plane: finds workloads: 4 with a function version');
        expect(good).toContain(
          '! control-plane: unbounded: Deployment shop/unbounded: it has no annotation starling.dev/max-instances',
        );
        const bad = await examine('nobody');
        expect(bad).toContain('✗ control-plane: finds workloads: cannot list deployments in namespace shop: 403');
        expect(bad).toMatch(
          /✗ control-plane: may scale in namespace shop: it may not list deployments, .*patch statefulsets/,
        );
      } finally {
        await timeseries.stop();
      }
    });
  },
);

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { CHART } from '../../helm/chart-files.ts';
import { ControlPlane } from '../../support/kubernetes/control-plane.ts';
import { describeWithTools } from '../../support/kubernetes/describe-with-tools.ts';
import { HELMS, type Helm, profileFile, render, runTool } from '../../support/kubernetes/run-tool.ts';

interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly labels: Record<string, string>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: { readonly nodeName?: string };
  readonly status: { readonly conditions?: readonly { type: string; status: string }[] };
}

/**
 * The first chart that there ever was, as its history has it (2cb79cd) and `helm package` made it. The package of each
 * released chart takes its place.
 */
const PREVIOUS = path.join(import.meta.dirname, 'first-chart.tgz');

/** What every namespace holds by itself. */
const ITS_OWN = ['kube-root-ca.crt', 'default'];

/** No definition can be had of the first; Pods are tried where they have it hardest, in the restricted namespace. */
const NOT_HERE = ['GrafanaDashboard', 'Pod'];

describeWithTools('cluster', 'the chart in a cluster', () => {
  let cluster: ControlPlane;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'starling-evictions-'));
    cluster = await ControlPlane.start();
  });
  afterAll(async () => {
    await cluster?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  function helm(version: Helm, namespace: string, ...args: readonly string[]) {
    const env = { KUBECONFIG: cluster.kubeconfig };
    const ran = runTool(version, [...args, '--namespace', namespace], { env });
    expect(ran.status, `${version} ${args.join(' ')}\n${ran.stdout}${ran.stderr}`).toBe(0);
    return ran.stdout;
  }

  const namespaceWith = (name: string, labels = '') =>
    cluster.apply(`{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "${name}", "labels": {${labels}}}}`);
  const install = (version: Helm, namespace: string, release: string, profile: string, ...args: readonly string[]) =>
    helm(
      version,
      namespace,
      'install',
      release,
      CHART,
      '--values',
      profileFile(profile),
      '--wait',
      '--timeout',
      '90s',
      ...args,
    );
  const replicas = (namespace: string, release: string) =>
    cluster
      .list<Pod>(
        'pods',
        '-n',
        namespace,
        '-l',
        `app.kubernetes.io/instance=${release},app.kubernetes.io/component=autoscaler`,
      )
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const isReady = ({ status }: Pod) =>
    status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True');

  /** Everything in a namespace that somebody put there. */
  const leftIn = (namespace: string) => {
    const kinds = cluster.kubectl('api-resources', '--verbs=list', '--namespaced', '-o', 'name').trim().split('\n');
    const fleeting = /^(events|endpoints|endpointslices|leases|controllerrevisions|podmetrics)(\.|$)/;
    return cluster
      .list<{ kind: string; metadata: { name: string } }>(
        kinds.filter((kind) => !fleeting.test(kind)).join(','),
        '-n',
        namespace,
      )
      .filter(({ metadata }) => !ITS_OWN.includes(metadata.name))
      .map(({ kind, metadata }) => `${kind}/${metadata.name}`);
  };

  async function until<T>(what: string, look: () => T, isSo: (seen: T) => boolean): Promise<T> {
    for (const begun = performance.now(); ; await pause(200)) {
      const seen = look();
      if (isSo(seen)) return seen;
      if (performance.now() - begun > 30_000) throw new Error(`not within 30 s: ${what}: ${JSON.stringify(seen)}`);
    }
  }

  describe.each(HELMS)('%s', (version) => {
    const namespace = `life-${version}`;

    it('installs, upgrades from the previous version, scales, rolls back, and leaves nothing behind', async () => {
      namespaceWith(namespace);
      const given = [
        ...['--set', 'image.tag=first,controlPlane.kubernetes.enabled=true,prometheusRule.enabled=true'],
        ...['--set-json', `extraObjects=[${JSON.stringify(configMap('kept'))},${JSON.stringify(configMap('left'))}]`],
      ];
      helm(
        version,
        namespace,
        ...['install', 'fleet', PREVIOUS, '--values', profileFile('minimal'), ...given, '--wait', '--timeout', '90s'],
      );
      expect(replicas(namespace, 'fleet').filter(isReady)).toHaveLength(3);
      const get = (what: string, jsonpath: string) =>
        cluster.kubectl('get', ...what.split(' '), '-n', namespace, '-o', `jsonpath={${jsonpath}}`);
      const tag = () => get('deployment fleet-starling', '..containers[0].image').split(':')[1];
      const rights = () => get('role fleet-starling-scale', '.rules[*].resources[*]').split(' ');
      const alerts = () => get('prometheusrule fleet-starling', '..alert').split(' ').length;
      const maps = () =>
        leftIn(namespace)
          .filter((name) => /^ConfigMap.(kept|left)$/.test(name))
          .sort();
      const first = { tag: tag(), rights: rights(), alerts: alerts(), maps: maps() };
      expect(first.rights).toContain('deployments/scale');
      expect(first.maps).toEqual(['ConfigMap/kept', 'ConfigMap/left']);
      // The hooks are gone when they are done.
      expect(leftIn(namespace).filter((name) => name.includes('migrate'))).toEqual([]);

      const upgrade = (...args: readonly string[]) =>
        helm(
          version,
          namespace,
          'upgrade',
          'fleet',
          CHART,
          '--reset-then-reuse-values',
          '--wait',
          '--timeout',
          '90s',
          ...args,
        );
      upgrade('--set', 'image.tag=second', '--set-json', `extraObjects=[${JSON.stringify(configMap('kept'))}]`);
      const second = { tag: tag(), rights: rights(), alerts: alerts(), maps: maps() };
      expect(second).toMatchObject({ tag: 'second', maps: ['ConfigMap/kept'] });
      // What the templates of then and now make of the same values.
      expect(second.rights).not.toContain('deployments/scale');
      expect(second.alerts).toBeGreaterThan(first.alerts);
      // Nothing has changed, and the migration runs all the same.
      upgrade();
      upgrade('--set', 'replicaCount=5');
      const five = await until(
        'five replicas',
        () => replicas(namespace, 'fleet'),
        (pods) => pods.filter(isReady).length === 5,
      );
      expect(new Set(five.map(({ spec }) => spec.nodeName)).size, 'spread over the nodes').toBe(3);

      helm(version, namespace, 'rollback', 'fleet', '1', '--wait', '--timeout', '90s');
      expect({ tag: tag(), rights: rights(), alerts: alerts(), maps: maps() }).toEqual(first);
      await until(
        'three replicas',
        () => replicas(namespace, 'fleet'),
        (pods) => pods.length === 3 && pods.every(isReady),
      );

      helm(version, namespace, 'uninstall', 'fleet', '--wait', '--timeout', '90s');
      await until(
        'an empty namespace',
        () => leftIn(namespace),
        (left) => left.length === 0,
      );
    });

    it('the API server accepts every object of every profile', () => {
      const profiles = ['cassandra', 'sqlite', 'platform', 'restricted', 'full'];
      for (const profile of profiles) {
        const name = `take-${version}-${profile}`;
        const objects = parseAllDocuments(
          render(version, ['--values', profileFile(profile), '--set', `namespaceOverride=${name}`]),
        );
        for (const extra of [name, 'monitoring', 'apps', 'batch']) namespaceWith(extra);
        const known = objects
          .map((each) => each.toJS() as { kind: string } | null)
          .filter((each) => each && !NOT_HERE.includes(each.kind));
        const answer = cluster.apply(known.map((each) => JSON.stringify(each)).join('\n---\n'), '--dry-run=server');
        expect(answer.trim().split('\n')).toHaveLength(known.length);
      }
    });
  });

  it('runs two releases in one namespace, and removes one without the other', async () => {
    namespaceWith('shared');
    install('helm4', 'shared', 'one', 'minimal');
    install('helm3', 'shared', 'two', 'minimal', '--set', 'replicaCount=2');
    expect(replicas('shared', 'one')).toHaveLength(3);
    expect(replicas('shared', 'two')).toHaveLength(2);
    const endpoints = (release: string) =>
      cluster
        .list<{ endpoints: readonly unknown[] | null }>(
          'endpointslices',
          '-n',
          'shared',
          '-l',
          `kubernetes.io/service-name=${release}-starling`,
        )
        .flatMap((each) => each.endpoints ?? []);
    await until(
      'endpoints of one',
      () => endpoints('one'),
      (all) => all.length === 3,
    );
    await until(
      'endpoints of two',
      () => endpoints('two'),
      (all) => all.length === 2,
    );
    helm('helm4', 'shared', 'uninstall', 'one', '--wait');
    await until(
      'only the other',
      () => leftIn('shared').filter((name) => /\/(one-|sh\.helm\.release\.v1\.one\.)/.test(name)),
      (left) => left.length === 0,
    );
    expect(replicas('shared', 'two').filter(isReady)).toHaveLength(2);
  });

  it('is drained one replica at a time', async () => {
    namespaceWith('drained');
    install('helm4', 'drained', 'fleet', 'minimal');
    const nodes = ['node-0', 'node-1', 'node-2'];
    const evict = (pod: string) =>
      cluster.kubectl(
        'create',
        '--raw',
        `/api/v1/namespaces/drained/pods/${pod}/eviction`,
        '-f',
        evictionOf(folder, pod),
      );
    const [first, second] = replicas('drained', 'fleet').map(({ metadata }) => metadata.name);
    // A replacement has nowhere to run, so the budget is used up by the first.
    cluster.kubectl('cordon', ...nodes);
    evict(first ?? '');
    await until(
      'two left',
      () => replicas('drained', 'fleet').filter(isReady),
      (pods) => pods.length === 2,
    );
    expect(() => evict(second ?? '')).toThrow(/disruption budget/);
    cluster.kubectl('uncordon', ...nodes);
    await until(
      'three again',
      () => replicas('drained', 'fleet').filter(isReady),
      (pods) => pods.length === 3,
    );
    cluster.kubectl('drain', 'node-1', '--ignore-daemonsets', '--delete-emptydir-data', '--force', '--timeout=60s');
    expect(replicas('drained', 'fleet').some(({ spec }) => spec.nodeName === 'node-1')).toBe(false);
    cluster.kubectl('uncordon', 'node-1');

    // With a single replica nothing stands in the way.
    helm(
      'helm4',
      'drained',
      'upgrade',
      'fleet',
      CHART,
      '--reuse-values',
      '--set',
      'replicaCount=1',
      '--wait',
      '--timeout',
      '90s',
    );
    const [only] = await until(
      'one',
      () => replicas('drained', 'fleet'),
      (pods) => pods.length === 1 && pods.every(isReady),
    );
    const node = only?.spec.nodeName ?? '';
    cluster.kubectl('drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--force', '--timeout=60s');
    cluster.kubectl('uncordon', node);
  });

  it('runs all its Pods in a namespace that enforces the restricted profile', async () => {
    namespaceWith('restricted', '"pod-security.kubernetes.io/enforce": "restricted"');
    const bad =
      '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bad"}, "spec": {"containers": [{"name": "a", "image": "a"}]}}';
    expect(() => cluster.apply(bad, '-n', 'restricted')).toThrow(/restricted/);
    // The migration has run, and the replicas and the platform are ready, or this would not come back.
    install('helm4', 'restricted', 'fleet', 'restricted');
    const refused = cluster
      .list<{ reason: string; message: string }>('events', '-n', 'restricted')
      .filter(({ reason }) => reason === 'FailedCreate');
    expect(refused.map(({ message }) => message)).toEqual([]);
    expect(
      cluster
        .list<Pod>('pods', '-n', 'restricted')
        .map(({ metadata }) => metadata.labels['app.kubernetes.io/component'])
        .sort(),
    ).toEqual(['autoscaler', 'autoscaler', 'autoscaler', 'platform']);
    for (const profile of ['restricted', 'sqlite', 'cassandra', 'full']) {
      const specs = podsOf(
        render('helm4', [
          ...['--values', profileFile(profile), '--set', 'namespaceOverride=restricted'],
          // Of others, and not ours to answer for.
          ...['--set-json', 'extraContainers=[]', '--set-json', 'extraInitContainers=[]'],
          ...['--set', 'serviceAccount.name=default,serviceAccount.create=false'],
          ...['--set', 'migration.serviceAccountName=default,runtimeClassName=,priorityClassName='],
        ]),
      );
      expect(specs.length).toBeGreaterThanOrEqual(2);
      specs.forEach((spec, index) => {
        const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: `${profile}-${index}` }, spec };
        cluster.apply(JSON.stringify(pod), '--dry-run=server', '-n', 'restricted');
      });
    }
  });

  it('has the rights to scale its namespaces, and no others', () => {
    namespaceWith('scaling');
    namespaceWith('workloads');
    namespaceWith('elsewhere');
    install(
      'helm4',
      'scaling',
      'fleet',
      'minimal',
      '--set',
      'controlPlane.kubernetes.enabled=true,controlPlane.kubernetes.namespaces={workloads}',
    );
    const may = (account: string, namespace: string, verb: string, what: string) => {
      const [kind = '', part] = what.split('/');
      const ran = runTool('kubectl', [
        ...['--kubeconfig', cluster.kubeconfig, 'auth', 'can-i', verb, kind, '-n', namespace],
        ...(part === undefined ? [] : [`--subresource=${part}`]),
        `--as=system:serviceaccount:${account}`,
      ]);
      return ran.stdout.trim();
    };
    const granted = [
      ...['get', 'list', 'watch', 'patch'].flatMap((verb) => [`${verb} deployments.apps`, `${verb} statefulsets.apps`]),
      ...['list', 'watch'].map((verb) => `${verb} horizontalpodautoscalers.autoscaling`),
    ];
    const denied = [
      ...['create', 'delete', 'update'].flatMap((verb) => [`${verb} deployments.apps`, `${verb} statefulsets.apps`]),
      ...['get', 'list'].flatMap((verb) => [`${verb} secrets`, `${verb} configmaps`, `${verb} pods`]),
      'create pods',
      'update deployments.apps/scale',
      'patch horizontalpodautoscalers.autoscaling',
      'patch replicasets.apps',
      'patch daemonsets.apps',
      'create rolebindings.rbac.authorization.k8s.io',
    ];
    const ask = (account: string, namespace: string, all: readonly string[]) =>
      all.map((each) => `${each}: ${may(account, namespace, ...(each.split(' ') as [string, string]))}`);
    expect(ask('scaling:fleet-starling', 'workloads', granted)).toEqual(granted.map((each) => `${each}: yes`));
    expect(ask('scaling:fleet-starling', 'workloads', denied)).toEqual(denied.map((each) => `${each}: no`));
    expect(ask('scaling:fleet-starling', 'elsewhere', granted)).toEqual(granted.map((each) => `${each}: no`));
    // The release that does not scale by itself has no rights at all.
    namespaceWith('plain');
    install('helm4', 'plain', 'fleet', 'minimal');
    expect(ask('plain:fleet-starling', 'plain', granted)).toEqual(granted.map((each) => `${each}: no`));
  });

  it('names the missing rights of a user', () => {
    namespaceWith('forbidden');
    const ran = runTool(
      'helm4',
      [
        'install',
        'fleet',
        CHART,
        '--namespace',
        'forbidden',
        '--values',
        profileFile('minimal'),
        '--kube-as-user',
        'nobody',
      ],
      {
        env: { KUBECONFIG: cluster.kubeconfig },
      },
    );
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/forbidden: User "nobody" cannot/);
  });
});

/** The specs of all Pods that a rendered chart leads to. */
function podsOf(text: string): unknown[] {
  return parseAllDocuments(text).flatMap((document) => {
    const object = document.toJS() as { kind: string; spec?: { template?: { spec: unknown } } } | null;
    if (object?.kind === 'Pod') return [object.spec];
    return object?.spec?.template ? [object.spec.template.spec] : [];
  });
}

function configMap(name: string): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } };
}

function evictionOf(folder: string, pod: string): string {
  const file = path.join(folder, `evict-${pod}.json`);
  writeFileSync(
    file,
    JSON.stringify({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace: 'drained' } }),
  );
  return file;
}

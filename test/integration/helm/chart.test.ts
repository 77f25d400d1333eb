import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { CHART } from '../../helm/chart-files.ts';
import { describeWithTools } from '../../support/kubernetes/describe-with-tools.ts';
import { EXAMPLES, HELMS, PROFILES, profileFile, render, runTool } from '../../support/kubernetes/run-tool.ts';
import { KUBERNETES_VERSIONS, SCHEMAS } from '../../support/kubernetes/tools.ts';

/** Kinds that no schema can be had of. */
const UNCHECKED = ['GrafanaDashboard', 'ExternalSecret', 'ScaledObject'];

/** What kube-score asks for and is not given, with the reason. */
const NOT_FOR_US: Readonly<Record<string, string>> = {
  'container-image-pull-policy':
    'tags and digests of a release do not move; a pull at each start makes the registry a dependency',
  'container-ephemeral-storage-request-and-limit': 'nothing is written but to volumes that have a limit of their own',
  'container-resources': 'a CPU limit slows the cycle, which is short and all at once; memory has its limit',
  'container-security-context-user-group-id': 'the Pod says them once for all its containers',
  'deployment-has-host-podantiaffinity':
    'Pods are spread by topologySpreadConstraints, which also fit fewer hosts than replicas',
  'pod-networkpolicy': 'off by default: a policy without a view of the cluster would cut off what it needs',
  'pod-probes': 'the migration and the test are no servers',
};

/** Whoever owns a folder or a file runs once, and is never replaced by a second beside it. */
const ONCE = /-platform: deployment-(strategy|replicas):/;
const ONCE_ON_SQLITE = /: deployment-(strategy|replicas):/;

interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> };
}

function objectsOf(text: string): KubernetesObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    const object = document.toJS() as KubernetesObject | null;
    return object === null ? [] : [object];
  });
}

describeWithTools('chart', 'the chart', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'starling-chart-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const valuesFile = (values: unknown) => {
    const file = path.join(folder, `${Math.trunc(performance.now() * 1000)}.yaml`);
    writeFileSync(file, stringify(values));
    return file;
  };

  describe.each(HELMS)('%s', (helm) => {
    it.each(PROFILES)('lints with the profile %s', (profile) => {
      const ran = runTool(helm, ['lint', '--strict', CHART, '--values', profileFile(profile)]);
      expect(ran.status, ran.stdout + ran.stderr).toBe(0);
      expect(ran.stdout).toContain('1 chart(s) linted, 0 chart(s) failed');
    });

    it.each([...PROFILES, ...EXAMPLES])('renders %s', (profile) => {
      const objects = objectsOf(render(helm, ['--values', profileFile(profile)]));
      const ids = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`);
      expect(ids.length).toBeGreaterThanOrEqual(5);
      // The migration's own ConfigMap and Secret are hooks and come and go; no two objects share a name.
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids.some((id) => id.startsWith('Deployment '))).toBe(true);
    });

    it('can be packaged', () => {
      const ran = runTool(helm, ['package', CHART, '--destination', folder]);
      expect(ran.status, ran.stderr).toBe(0);
    });

    it('renders the same output from the same values', () => {
      const args = ['--values', profileFile('full')];
      expect(render(helm, args)).toBe(render(helm, args));
    });
  });

  it('renders the same with both versions of Helm', () => {
    for (const profile of PROFILES) {
      const [three, four] = HELMS.map((helm) =>
        objectsOf(render(helm, ['--values', profileFile(profile)]))
          .map((each) => JSON.stringify(each))
          .sort(),
      );
      expect(three, profile).toEqual(four);
    }
  });

  it('can be installed twice in one namespace', () => {
    const names = (release: string) =>
      objectsOf(
        runTool('helm4', ['template', release, CHART, '-n', 'scaling', '--values', profileFile('restricted')]).stdout,
      ).map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    const [one, two] = [names('one'), new Set(names('two'))];
    expect(one.filter((name) => two.has(name))).toEqual([]);
    expect(one.length).toBeGreaterThan(8);
  });

  describe.each(KUBERNETES_VERSIONS)('Kubernetes %s', (version) => {
    it.each([...PROFILES, ...EXAMPLES])('accepts every object of %s', (profile) => {
      const text = render('helm4', ['--values', profileFile(profile)]);
      const objects = objectsOf(text);
      const unchecked = objects.filter(({ kind }) => UNCHECKED.includes(kind)).length;
      const places = [
        `${SCHEMAS}/{{.NormalizedKubernetesVersion}}-standalone{{.StrictSuffix}}/{{.ResourceKind}}{{.KindSuffix}}.json`,
        `${SCHEMAS}/crds/{{.ResourceKind}}{{.KindSuffix}}.json`,
      ].flatMap((place) => ['-schema-location', place]);
      const ran = runTool(
        'kubeconform',
        [
          '-strict',
          '-summary',
          '-output',
          'json',
          '-kubernetes-version',
          version,
          '-skip',
          UNCHECKED.join(','),
          ...places,
          '-',
        ],
        { input: text },
      );
      // Counted: a file that it takes for empty passes too.
      expect((JSON.parse(ran.stdout) as { summary: unknown }).summary, ran.stdout).toEqual({
        valid: objects.length - unchecked,
        invalid: 0,
        errors: 0,
        skipped: unchecked,
      });
      expect(ran.status).toBe(0);
    });
  });

  it('rejects a field that Kubernetes does not have', () => {
    const broken = render('helm4', ['--values', profileFile('minimal')]).replace('replicas:', 'replicaz:');
    const place = `${SCHEMAS}/{{.NormalizedKubernetesVersion}}-standalone{{.StrictSuffix}}/{{.ResourceKind}}{{.KindSuffix}}.json`;
    const ran = runTool('kubeconform', ['-strict', '-kubernetes-version', '1.36.0', '-schema-location', place, '-'], {
      input: broken,
    });
    expect(ran.status).toBe(1);
    expect(ran.stdout).toContain('replicaz');
  });

  it.each(['minimal', 'cassandra', 'sqlite', 'platform', 'restricted'])(
    'passes kube-score with the profile %s',
    (profile) => {
      const ignored = Object.keys(NOT_FOR_US).flatMap((test) => ['--ignore-test', test]);
      const ran = runTool('kube-score', ['score', '-o', 'json', '--kubernetes-version', 'v1.31', ...ignored, '-'], {
        input: render('helm4', ['--values', profileFile(profile)]),
      });
      const scored = JSON.parse(ran.stdout) as {
        object_name: string;
        checks: { check: { id: string }; grade: number; skipped: boolean; comments: { summary: string }[] | null }[];
      }[];
      const faults = scored.flatMap(({ object_name, checks }) =>
        checks
          .filter(({ grade, skipped }) => !skipped && grade < 10)
          .map(({ check, comments }) => `${object_name}: ${check.id}: ${comments?.[0]?.summary}`),
      );
      const once = ['sqlite', 'platform'].includes(profile) ? ONCE_ON_SQLITE : ONCE;
      expect(faults.filter((fault) => !once.test(fault))).toEqual([]);
      expect(scored.length).toBeGreaterThan(2);
    },
  );

  it('has a Dockerfile that passes hadolint', () => {
    const ran = runTool('hadolint', ['--no-fail', '--format', 'json', '-'], {
      input: readFileSync(path.join(CHART, '../../Dockerfile'), 'utf8'),
    });
    expect(JSON.parse(ran.stdout)).toEqual([]);
    const bad = runTool('hadolint', ['-'], { input: 'FROM debian\nRUN cd /tmp && sudo apt-get install curl\n' });
    expect(bad.status).toBe(1);
  });

  it('passes its own unit tests', () => {
    const ran = runTool('helm-unittest', [
      '--strict',
      '--output-type',
      'JUnit',
      '--output-file',
      path.join(folder, 'units.xml'),
      CHART,
    ]);
    expect(ran.status, ran.stdout).toBe(0);
    const [, count = '0'] = /Tests:\s+(\d+) passed/.exec(ran.stdout) ?? [];
    expect(Number(count), ran.stdout).toBeGreaterThan(40);
  });

  describe('impossible values', () => {
    const minimal = ['--values', profileFile('minimal')];
    it.each([
      ['a mistyped option', { config: { scaling: { intervall: '15s' } } }, /intervall/],
      ['an unknown value', { replicas: 3 }, /replicas/],
      ['a value of the wrong type', { replicaCount: 'three' }, /replicaCount/],
      [
        'a setting for http.health',
        { config: { http: { health: '0.0.0.0:9' } } },
        /config\.http\.health is set by the chart: say ports\.health/,
      ],
      [
        'both fields of the budget',
        { podDisruptionBudget: { minAvailable: 1, maxUnavailable: 1 } },
        /both minAvailable and maxUnavailable.*remove/,
      ],
      [
        'several replicas on SQLite',
        { config: { store: { url: 'sqlite:/var/lib/starling/a.db' } } },
        /replicaCount is 3, but config\.store\.url is sqlite.*say replicaCount: 1/,
      ],
      [
        'a secret without a Secret',
        { secrets: { adminToken: { key: 'x' } } },
        /secrets\.adminToken\.key is "x", but no Secret is named: say/,
      ],
    ])('refuses %s with a message that names it', (_, values, sentence) => {
      for (const helm of HELMS) {
        const ran = runTool(helm, ['template', 'fleet', CHART, ...minimal, '--values', valuesFile(values)]);
        expect(ran.status, helm).toBe(1);
        expect(ran.stderr, helm).toMatch(sentence);
      }
    });

    it('reports everything that is wrong at once', () => {
      const ran = runTool('helm4', ['template', 'fleet', CHART]);
      expect(ran.stderr).toContain('3 of the values cannot be');
      for (const key of ['config.store.url', 'config.timeseries.url', 'config.controlPlane.url']) {
        expect(ran.stderr).toContain(`${key} is not set`);
      }
    });

    it('refuses a Kubernetes that is too old', () => {
      const ran = runTool('helm4', ['template', 'fleet', CHART, ...minimal, '--kube-version', '1.30.9']);
      expect(ran.status).toBe(1);
      expect(ran.stderr).toContain('1.31');
      expect(
        runTool('helm4', ['template', 'fleet', CHART, ...minimal, '--kube-version', '1.31.2-gke.100']).status,
      ).toBe(0);
    });
  });
});

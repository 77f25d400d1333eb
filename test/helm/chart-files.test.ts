import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };
import { LEAF_BY_ENV, LEAF_BY_KEY } from '../../src/config/declarations.ts';
import { at, CHART, chartReadme, chartValues, valuesSchema } from './chart-files.ts';

type Tree = Record<string, unknown>;

const read = (file: string) => readFileSync(path.join(CHART, file), 'utf8');
const yaml = (file: string) => parse(read(file)) as Tree;
const filesIn = (folder: string) => readdirSync(path.join(CHART, folder)).map((name) => `${folder}/${name}`);
const validate = new Ajv2020({ strict: false, allErrors: true }).compile(JSON.parse(valuesSchema()) as object);
const profiles = filesIn('ci');
const values = chartValues();

describe('the files that are generated from values.yaml', () => {
  it.each([
    ['README.md', () => chartReadme()],
    ['values.schema.json', () => valuesSchema()],
  ])('%s is up to date; WRITE_DOCS=1 writes it', (file, make) => {
    if (process.env['WRITE_DOCS']) writeFileSync(path.join(CHART, file), make());
    expect(read(file)).toBe(make());
  });
});

describe('values.yaml', () => {
  it('describes every key', () => {
    const undescribed = leavesOf(yaml('values.yaml')).filter(
      (key) => !values.some((value) => key === value.key || key.startsWith(`${value.key}.`)),
    );
    expect(undescribed).toEqual([]);
    expect(values.length).toBeGreaterThan(120);
  });

  it('has defaults that the schema accepts', () => {
    expect(validate(yaml('values.yaml')), JSON.stringify(validate.errors)).toBe(true);
  });

  it.each([...profiles, ...filesIn('examples')])('%s passes the schema', (file) => {
    expect(validate(yaml(file)), JSON.stringify(validate.errors)).toBe(true);
  });

  it('has only keys that some profile sets', () => {
    const set = profiles.map(yaml);
    const left = values.filter(({ key }) => set.every((profile) => at(profile, key) === undefined));
    expect(left.map(({ key }) => key)).toEqual([]);
  });

  it('has a place for every file that the configuration can name', () => {
    const text = read('templates/_config.tpl');
    const table = /define "starling.secretOptions" -}}\n([\s\S]*?)\n{{- end/.exec(text)?.[1] ?? '';
    const options = parse(table) as Record<string, string>;
    expect(Object.values(options).filter((key) => !LEAF_BY_KEY.has(key))).toEqual([]);
    // A kubeconfig is for outside a cluster; inside there is a service account.
    const files = [...LEAF_BY_KEY.keys()].filter((key) => key.endsWith('File') && !key.endsWith('.kubeconfigFile'));
    expect(Object.values(options).sort()).toEqual(files.sort());
    const secrets = values
      .filter(({ key }) => key.startsWith('secrets.'))
      .map(({ key }) => key.slice('secrets.'.length));
    expect(secrets.sort()).toEqual([...Object.keys(options), 'existingSecret', 'migrationPassword'].sort());
  });
});

describe('the schema', () => {
  it.each([
    ['a mistyped key', 'replicas: 3'],
    ['a mistyped key further down', 'image: {repo: starling}'],
    ['a mistyped option of the configuration', 'config: {scaling: {intervall: 15s}}'],
    ['a secret in the configuration', 'config: {store: {cassandra: {password: x}}}'],
    ['a duration without its unit', 'config: {scaling: {interval: 15}}'],
    ['text for a number', 'replicaCount: "3"'],
    ['fewer than no replicas', 'replicaCount: -1'],
    ['a policy that Kubernetes does not know', 'image: {pullPolicy: Sometimes}'],
    ['an invalid digest', 'image: {digest: "sha256:12"}'],
    ['a label that is no text', 'commonLabels: {team: 1}'],
    ['a map where a list belongs', 'tolerations: {key: x}'],
    ['a variable without a name', 'extraEnv: [{value: x}]'],
    ['a secret with an unknown field', 'secrets: {adminToken: {secretName: x}}'],
    ['an unknown secret', 'secrets: {password: {key: x}}'],
    ['a threshold that is not a number', 'prometheusRule: {thresholds: {decisionAgeSeconds: 2m}}'],
    ['an unknown threshold', 'prometheusRule: {thresholds: {decisionAge: 120}}'],
    ['a port below 1024, which needs privileges', 'ports: {metrics: 80}'],
    ['too little time to stop', 'terminationGracePeriodSeconds: 5'],
  ])('refuses %s', (_, text) => {
    expect(validate(parse(text))).toBe(false);
  });

  it('accepts values of a parent chart', () => {
    expect(validate({ global: { imageRegistry: 'x', anything: { at: 'all' } } })).toBe(true);
  });
});

describe('Chart.yaml', () => {
  it('names the version of the package as appVersion', () => {
    expect(yaml('Chart.yaml')['appVersion']).toBe(packageJson.version);
  });

  it('has a section of UPGRADING.md for its version', () => {
    expect(read('UPGRADING.md')).toContain(`\n## ${yaml('Chart.yaml')['version']}\n`);
  });
});

describe('the rules and dashboards of the chart', () => {
  const rules = filesIn('files/rules');
  const boards = filesIn('files/dashboards');

  it('exist', () => {
    expect(rules.length).toBeGreaterThan(0);
    expect(boards.length).toBeGreaterThan(0);
  });

  it('use every threshold, and no other', () => {
    const used = rules.flatMap((file) => [...read(file).matchAll(/\$\{([A-Za-z]+)\}/g)].map((match) => match[1] ?? ''));
    const known = Object.keys(at(yaml('values.yaml'), 'prometheusRule.thresholds') as object);
    expect([...new Set(used)].sort()).toEqual(known.sort());
  });

  it.each(boards)('%s fits into a ConfigMap', (file) => {
    expect(statSync(path.join(CHART, file)).size).toBeLessThan(900_000);
    expect((JSON.parse(read(file)) as Tree)['title']).toBeTypeOf('string');
  });
});

describe('the examples', () => {
  it.each([...profiles, ...filesIn('examples')])('%s uses variables that exist', (file) => {
    const env = (at(yaml(file), 'extraEnv') ?? []) as { name: string }[];
    expect(env.filter(({ name }) => name.startsWith('STARLING_') && !LEAF_BY_ENV.has(name))).toEqual([]);
  });
});

function leavesOf(tree: unknown, prefix = ''): string[] {
  if (tree === null || typeof tree !== 'object' || Array.isArray(tree) || Object.keys(tree).length === 0)
    return [prefix];
  return Object.entries(tree).flatMap(([name, node]) => leavesOf(node, prefix === '' ? name : `${prefix}.${name}`));
}

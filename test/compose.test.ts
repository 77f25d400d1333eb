import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { declarePlatform } from '../src/commands/platform/platform.ts';
import { LEAF_BY_ENV, LEAF_BY_FLAG } from '../src/config/declarations.ts';

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { condition: string }>>;
  readonly healthcheck?: object;
  readonly restart?: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly profiles?: readonly string[];
}

const compose = parse(readFileSync(new URL('../docker-compose.yml', import.meta.url), 'utf8'), { merge: true }) as {
  services: Record<string, Service>;
};
const { services } = compose;

describe('docker-compose.yml', () => {
  it('has all services that the autoscaler depends on', () => {
    const always = Object.entries(services).filter(([, { profiles }]) => profiles === undefined);
    expect(always.map(([name]) => name).sort()).toEqual([
      'autoscaler',
      'cassandra',
      'grafana',
      'migrate',
      'prometheus',
      'victoriametrics',
    ]);
  });

  it('starts the autoscaler when the tables are there and both stores are healthy', () => {
    expect(services['migrate']?.depends_on).toEqual({ cassandra: { condition: 'service_healthy' } });
    expect(services['autoscaler']?.depends_on).toEqual({
      migrate: { condition: 'service_completed_successfully' },
      victoriametrics: { condition: 'service_healthy' },
      prometheus: { condition: 'service_healthy' },
    });
  });

  it('has a health check for each service that others wait for, and pins every image', () => {
    const awaited = Object.values(services).flatMap(({ depends_on = {} }) =>
      Object.entries(depends_on).flatMap(([name, { condition }]) => (condition === 'service_healthy' ? [name] : [])),
    );
    expect(new Set(awaited).size).toBe(3);
    for (const name of awaited) expect(services[name]?.healthcheck, name).toBeTypeOf('object');
    for (const [name, { image }] of Object.entries(services)) expect(image, name).toMatch(/:(?!latest).+$/);
  });

  it('uses options that exist', () => {
    for (const name of ['autoscaler', 'migrate']) {
      const { environment = {}, command = [] } = services[name] ?? { image: '' };
      for (const key of Object.keys(environment)) expect(LEAF_BY_ENV.has(key), key).toBe(true);
      for (const argument of command.filter((each) => each.startsWith('--'))) {
        expect(LEAF_BY_FLAG.has(argument.slice(2).split('=')[0] ?? ''), argument).toBe(true);
      }
    }
  });

  it('starts the FaaS server and a store for profiles when they are named, on the documented port', () => {
    const { profiles, command = [], ports, healthcheck } = services['faas-server'] ?? { image: '' };
    expect([profiles, services['pyroscope']?.profiles]).toEqual([['faas'], ['faas']]);
    expect(ports).toEqual(['127.0.0.1:8088:8080']);
    expect(command).toContain('--faas-server=0.0.0.0:8080');
    expect(JSON.stringify(healthcheck)).toContain('http://127.0.0.1:8080/health');
    const flags = new Command();
    declarePlatform(flags, () => {});
    const known = new Set(flags.options.map(({ long }) => long));
    for (const argument of command.slice(1)) expect(known.has(argument.split('=')[0]), argument).toBe(true);
  });

  it('gives Grafana and Prometheus the same files as the chart and other Prometheus servers', () => {
    const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
    const mounts = (name: string) =>
      new Map((services[name]?.volumes ?? []).map((mount) => [mount.split(':')[0] ?? '', mount.split(':')[1] ?? '']));
    const boards = mounts('grafana').get('./helm/starling/files/dashboards');
    const { providers } = parse(read('config/compose/dashboards/dashboards.yml')) as {
      providers: { options: { path: string } }[];
    };
    expect(providers.map(({ options }) => options.path)).toContain(boards);
    const { rule_files } = parse(read('config/compose/prometheus.yml')) as { rule_files: string[] };
    expect(rule_files).toEqual([`${mounts('prometheus').get('./config/alerts')}/*.rules.yaml`]);
    expect(read('config/alerts/starling.rules.yaml')).toContain('alert: Starling');
  });

  it('opens ports only to this machine', () => {
    for (const { ports = [] } of Object.values(services))
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { aFaasServer } from './a-faas-server.ts';

interface Source {
  readonly type: string;
  readonly uid: string;
}

interface Dashboard {
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly options: readonly { value: string }[] }[];
  };
  readonly panels: readonly {
    readonly datasource: Source;
    readonly targets: readonly {
      readonly datasource: Source;
      readonly expr?: string;
      readonly profileTypeId?: string;
    }[];
  }[];
}

const folder = new URL('../../../../config/compose/', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, folder), 'utf8');
const dashboard = JSON.parse(read('dashboards/faas-server.json')) as Dashboard;
const targets = dashboard.panels.flatMap((panel) => panel.targets);

describe('the dashboard of the FaaS server', () => {
  it('asks the data sources that are provisioned', () => {
    const { datasources } = parse(read('grafana/datasources.yml')) as { datasources: Source[] };
    const known = datasources.map(({ uid, type }) => `${type} ${uid}`);
    for (const { datasource } of [...dashboard.panels, ...targets]) {
      expect(known).toContain(`${datasource.type} ${datasource.uid}`);
    }
  });

  it('reads metrics that the server has', async () => {
    const server = await aFaasServer();
    const page = await (await fetch(`${server.url}/metrics`)).text();
    await server.stop();
    const names = new Set([...page.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    const asked = targets.flatMap(({ expr = '' }) => [...expr.matchAll(/\b((?:vertx|faas|process|nodejs)_\w+)/g)]);
    expect(asked.length).toBeGreaterThan(10);
    for (const [, name] of asked) expect(names).toContain(name);
  });

  it('has a flame graph for each type of profile, and one to choose a type for', () => {
    const profiles = targets.flatMap(({ profileTypeId }) => profileTypeId ?? []);
    const choices = dashboard.templating.list.find(({ name }) => name === 'profile_type')?.options ?? [];
    expect(profiles).toEqual(['$profile_type', ...choices.map(({ value }) => value)]);
    expect(choices.map(({ value }) => value)).toEqual([
      'process_cpu:cpu:nanoseconds:cpu:nanoseconds',
      'wall:wall:nanoseconds:wall:nanoseconds',
      'memory:alloc_space:bytes:space:bytes',
      'mutex:delay:nanoseconds:contentions:count',
    ]);
  });
});

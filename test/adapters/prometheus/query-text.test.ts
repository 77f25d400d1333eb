import { describe, expect, it } from 'vitest';
import { parseProfile } from '../../../src/adapters/prometheus/parse-profile.ts';
import { type QueryContext, queryText } from '../../../src/adapters/prometheus/query-text.ts';

const profile = parseProfile(
  `
name: tiny
description: One query.
identity: { versionId: version, functionId: function, account: owner }
scrapeIntervalSeconds: 15
rateScrapes: 5
freshSeconds: 60
queries:
  load:
    metrics: [busy_total]
    environmentLabel: env
    promql: sum by ({{by}}) (rate(busy_total{ {{match}} }[{{rate}}])) @ {{fresh}} {{idle}} {{identity}} {{environment}}
signals: { demand: load }
discovery: {}
`,
  'tiny.yaml',
);
const [load] = [...profile.queries.values()];

const everything: QueryContext = {
  part: { name: 'all', buckets: undefined, prefixes: undefined },
  labels: new Map(),
  environmentLabels: new Set(['env', 'stage']),
  bucketLabel: undefined,
  scrapeIntervalSeconds: undefined,
  rateSeconds: undefined,
  idleSeconds: 1800,
};

describe('queryText', () => {
  it('fills every placeholder', () => {
    expect(queryText(profile, load!, everything)).toBe(
      'sum by (version) (rate(busy_total{  }[75s])) @ 60s 1800s version,function,owner ',
    );
  });

  it('puts the part first, then the environment that this query names, then labels that nobody names', () => {
    const labels = new Map([
      ['env', 'pro"d'],
      ['stage', 'x'],
      ['cluster', 'eu'],
    ]);
    const part = { name: 'some', buckets: [1, 2], prefixes: undefined };
    const text = queryText(profile, load!, { ...everything, labels, part, bucketLabel: 'bucket' });
    expect(text).toContain('busy_total{ bucket=~"1|2",env="pro\\"d",cluster="eu" }');
    expect(text).toContain('version,function,owner,bucket env="pro\\"d",cluster="eu"');
  });

  it('keeps rates a multiple of the scrape interval that is really used, and never calls a missed scrape stale', () => {
    const slow = queryText(profile, load!, { ...everything, scrapeIntervalSeconds: 30 });
    expect(slow).toContain('[150s]');
    expect(slow).toContain('@ 90s');
    expect(queryText(profile, load!, { ...everything, rateSeconds: 120 })).toContain('[120s]');
  });
});

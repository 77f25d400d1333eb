import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { ConfigError } from '../../src/config/problem.ts';

function keysOf(set: readonly string[]): string[] {
  try {
    loadConfig({ set });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ key }) => key);
    throw error;
  }
}

/** Each line breaks one rule: the settings, and the key that is blamed. */
const BROKEN: [why: string, set: string[], key: string][] = [
  [
    'one late heartbeat is a death',
    ['membership.deadAfter=5900ms', 'membership.beat=2950ms', 'membership.selfStop=3s'],
    'membership.deadAfter',
  ],
  ['a member that is cut off still sends', ['membership.selfStop=4s'], 'membership.selfStop'],
  ['a wish outlives the right to send it', ['controlPlane.timeout=3s', 'scaling.claimHold=6s'], 'membership.selfStop'],
  ['a slow heartbeat stops its member', ['store.statementTimeout=3s'], 'store.statementTimeout'],
  ['a row vanishes before its death is seen', ['membership.rowTtl=20s'], 'membership.rowTtl'],
  ['one late renewal ends a tenure', ['discovery.dutyRenew=3s'], 'discovery.dutyStop'],
  ['a follower starts before the holder stops', ['discovery.dutyExpire=6s'], 'discovery.dutyExpire'],
  ['one missed refresh loses a version', ['discovery.refreshAfter=20m'], 'discovery.refreshAfter'],
  ['an outage of the time-series store empties the fleet', ['discovery.heldAfter=30m'], 'discovery.heldAfter'],
  ['the grid does not fit the look-back', ['scaling.lookBack=10m30s'], 'scaling.lookBack'],
  [
    'the rate window is no multiple of the scrape interval',
    ['scaling.utilisationWindow=70s'],
    'scaling.utilisationWindow',
  ],
  ['a wish may still be on its way', ['scaling.claimHold=2s'], 'scaling.claimHold'],
  ['a query takes longer than a cycle', ['timeseries.timeout=16s'], 'timeseries.timeout'],
  ['bearer without a token', ['timeseries.auth.kind=bearer'], 'timeseries.auth.tokenFile'],
  ['basic without a user', ['timeseries.auth.kind=basic', 'timeseries.auth.passwordFile=/p'], 'timeseries.auth.user'],
  [
    'token exchange without a place',
    ['timeseries.auth.kind=token-exchange', 'timeseries.auth.user=u', 'timeseries.auth.passwordFile=/p'],
    'timeseries.auth.exchangeUrl',
  ],
  [
    'credentials over plain HTTP',
    ['timeseries.url=http://far', 'timeseries.auth.kind=bearer', 'timeseries.auth.tokenFile=/t'],
    'timeseries.url',
  ],
  ['a certificate without its key', ['timeseries.tls.certFile=/c'], 'timeseries.tls.keyFile'],
  [
    'a client certificate over plain HTTP',
    ['controlPlane.auth.kind=mtls', 'controlPlane.tls.certFile=/c', 'controlPlane.tls.keyFile=/k'],
    'controlPlane.url',
  ],
  [
    'oauth2 without an endpoint',
    ['controlPlane.auth.kind=oauth2', 'controlPlane.auth.clientId=i', 'controlPlane.auth.clientSecretFile=/s'],
    'controlPlane.auth.tokenUrl',
  ],
  ['a user without a password', ['store.cassandra.user=u'], 'store.cassandra.passwordFile'],
  ['TLS options without TLS', ['store.cassandra.tls.caFile=/ca'], 'store.cassandra.tls.enabled'],
  ['two listeners on one port', ['http.health=127.0.0.1:8080'], 'http.health'],
  ['an admin API that is open to all', ['http.admin=0.0.0.0:8080'], 'http.admin'],
  ['an exit before the end', ['shutdown.exitAfter=2500ms'], 'shutdown.exitAfter'],
  ['a profile twice', ['timeseries.profiles=a,a'], 'timeseries.profiles'],
  [
    'two answers to one question',
    ['store.url=cassandra://h/one', 'store.cassandra.keyspace=two'],
    'store.cassandra.keyspace',
  ],
  ['no host to start from', ['store.url=cassandra:'], 'store.cassandra.contactPoints'],
  ['inverted thresholds', ['policy.kind=steps', 'policy.steps.up.threshold=20'], 'policy.steps.up.threshold'],
  ['a factor that raises nothing', ['policy.kind=steps', 'policy.steps.up.factor=1'], 'policy.steps.up.factor'],
  [
    'a stickiness beyond the look-back',
    ['policy.kind=steps', 'policy.steps.up.stickiness.window=30m', 'policy.steps.up.stickiness.required=5m'],
    'policy.steps.up.stickiness.window',
  ],
  [
    'half a stickiness',
    ['policy.kind=steps', 'policy.steps.up.stickiness.window=5m'],
    'policy.steps.up.stickiness.required',
  ],
  ['a limit that never lets go', ['policy.stepUp.percent=0', 'policy.stepUp.instances=0'], 'policy.stepUp'],
];

describe('options that do not fit together', () => {
  for (const [why, set, key] of BROKEN) {
    it(`blames ${key}: ${why}`, () => {
      expect(keysOf(set)).toEqual([key]);
    });
  }

  it('lets a plain setup of each kind through', () => {
    const good = [
      ['http.admin=0.0.0.0:8080', 'http.adminTokenFile=/t'],
      ['http.admin=off', 'http.health=off', 'http.metrics=off'],
      ['timeseries.url=https://far', 'timeseries.auth.kind=bearer', 'timeseries.auth.tokenFile=/t'],
      ['timeseries.url=http://127.0.0.1:9090', 'timeseries.auth.kind=bearer', 'timeseries.auth.tokenFile=/t'],
      ['store.url=cassandra://a,b:9043/ks?dc=dc1', 'store.cassandra.user=u', 'store.cassandra.passwordFile=/p'],
      ['policy.kind=steps', 'policy.steps.up.stickiness.window=5m', 'policy.steps.up.stickiness.required=3m'],
    ];
    for (const set of good) expect(keysOf(set)).toEqual([]);
  });
});

describe('what follows from options', () => {
  const targetOf = (...set: string[]) => loadConfig({ set }).config.storeTarget;
  const policyOf = (...set: string[]) => loadConfig({ set }).config.defaultPolicy;

  it('reads a store URL', () => {
    expect(targetOf('store.url=memory:')).toEqual({ kind: 'memory' });
    expect(targetOf('store.url=sqlite:///var/lib/s.db')).toEqual({ kind: 'sqlite', path: '/var/lib/s.db' });
    expect(targetOf('store.url=cassandra://a,[::1]:9043/ks?dc=eu')).toEqual({
      kind: 'cassandra',
      contactPoints: ['a:9043', '[::1]:9043'],
      port: 9043,
      keyspace: 'ks',
      localDataCenter: 'eu',
    });
    expect(
      targetOf('store.url=cassandra:', 'store.cassandra.contactPoints=x,y', 'store.cassandra.portDefault=9999'),
    ).toMatchObject({
      contactPoints: ['x:9999', 'y:9999'],
      keyspace: 'starling',
    });
  });

  it('changes only what is set in the policy of a kind', () => {
    expect(policyOf()).toMatchObject({
      kind: 'target',
      target: 0.7,
      idleTimeoutSeconds: 600,
      stepUp: { percent: 1000 },
    });
    expect(policyOf('policy.kind=steps', 'policy.steps.up.threshold=80')).toMatchObject({
      kind: 'steps',
      up: { threshold: 80, factor: 1.2 },
      down: { threshold: 30, factor: 0.8 },
      idleTimeoutSeconds: 1800,
    });
    expect(policyOf('policy.stepUp.enabled=false')).not.toHaveProperty('stepUp');
    expect(policyOf('policy.stepDown.instances=3')).toMatchObject({
      stepDown: { percent: 0, instances: 3, periodSeconds: 60 },
    });
    expect(policyOf('policy.stabilisationDown=2m', 'policy.scaleToZero=false')).toMatchObject({
      stabilisationDownSeconds: 120,
      scaleToZero: false,
    });
  });
});

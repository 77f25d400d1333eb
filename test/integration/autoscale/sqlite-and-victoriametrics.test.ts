import { describe } from 'vitest';
import { SqliteLock } from '../../support/sqlite-lock.ts';
import { leftOutWithout } from './left-out.ts';
import { threeReplicas } from './three-replicas.ts';

describe('three replicas on one SQLite file and VictoriaMetrics', {
  skip: await leftOutWithout('victoriametrics'),
}, () => {
  threeReplicas({
    versions: 80,
    timeseries: 'victoriametrics',
    store: () => undefined,
    breakStore: async ({ storeUrl }) => {
      const lock = await SqliteLock.take(storeUrl.replace('sqlite:', ''));
      return () => lock.release();
    },
  });
});

import { describe } from 'vitest';
import { leftOutWithout } from './left-out.ts';
import { threeReplicas } from './three-replicas.ts';

describe('three replicas on one SQLite file and VictoriaMetrics', {
  skip: await leftOutWithout('victoriametrics'),
}, () => {
  threeReplicas({ versions: 80, timeseries: 'victoriametrics', store: () => undefined });
});

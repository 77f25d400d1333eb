import { expect, it } from 'vitest';
import { waitingFor } from '../../../src/commands/dev/waiting-for.ts';

it('tells what is away and what was wrong with it first', () => {
  const lines = [
    { event: 'service.starting', detail: 'nothing' },
    { event: 'dependency.down', dependency: 'store', detail: 'not yet' },
    { event: 'dependency.up', dependency: 'store', detail: 'sqlite' },
    { event: 'dependency.down', dependency: 'timeseries', detail: 'http://there cannot be reached' },
    { event: 'dependency.down', dependency: 'timeseries', detail: 'left alone for some seconds' },
  ].map((event) => JSON.stringify(event));
  expect(waitingFor([...lines, '{"event":"depend'].join('\n'))).toEqual(['timeseries: http://there cannot be reached']);
  expect(waitingFor('')).toEqual([]);
});

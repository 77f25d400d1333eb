import { expect, it } from 'vitest';
import service from '../../../bin/service-process.json' with { type: 'json' };
import { serviceProcess } from '../../../src/commands/dev/replica.ts';

it('starts replicas as the launcher starts services', () => {
  const env = { PATH: '/bin', ...service.environment };
  const { flags, flagsOf } = service;
  expect(serviceProcess('autoscale', { PATH: '/bin' })).toEqual({ flags: [...flags, ...flagsOf.autoscale], env });
  expect(serviceProcess('migrate', { PATH: '/bin' })).toEqual({ flags, env });
});

it('leaves heap settings of the environment alone', () => {
  const env = { NODE_OPTIONS: '--max-semi-space-size=16', MALLOC_ARENA_MAX: '8' };
  expect(serviceProcess('autoscale', env)).toEqual({ flags: [], env: { ...service.environment, ...env } });
});

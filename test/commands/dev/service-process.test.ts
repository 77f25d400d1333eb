import { expect, it } from 'vitest';
import service from '../../../bin/service-process.json' with { type: 'json' };
import { serviceProcess } from '../../../src/commands/dev/service-process.ts';

it('starts replicas as the launcher starts services', () => {
  expect(serviceProcess({ PATH: '/bin' })).toEqual({
    flags: service.flags,
    env: { PATH: '/bin', ...service.environment },
  });
});

it('leaves the last word to whoever tunes it', () => {
  const env = { NODE_OPTIONS: '--max-semi-space-size=16', MALLOC_ARENA_MAX: '8' };
  expect(serviceProcess(env)).toEqual({ flags: [], env: { ...service.environment, ...env } });
});

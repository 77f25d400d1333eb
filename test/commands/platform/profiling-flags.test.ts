import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addProfilingFlags, type ProfilingFlags, profilingOf } from '../../../src/commands/platform/profiling-flags.ts';

function read(words: string[], env: NodeJS.ProcessEnv = {}) {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  addProfilingFlags(command);
  command.parse(words, { from: 'user' });
  return profilingOf(command.opts<ProfilingFlags>(), { env, labels: { env: 'test' } });
}

describe('the flags of profiling', () => {
  it('switch nothing on unless asked', () => {
    expect(read([])).toBeUndefined();
    expect(read(['--profile', 'off', '--pyroscope', 'http://x:4040'])).toBeUndefined();
  });

  it('D38 choose types, in one order', () => {
    expect(read(['--profile', 'lock,cpu'])).toMatchObject({ types: ['cpu', 'lock'], pyroscope: undefined });
    expect(read(['--profile', 'all', '--profile-allocation-step', '2MiB'])).toMatchObject({
      types: ['cpu', 'wall', 'alloc', 'lock'],
      allocationStepBytes: 2 * 2 ** 20,
    });
  });

  it('take all types where they are pushed, and the token from the environment alone', () => {
    expect(read(['--pyroscope', 'http://x:4040/'], { STARLING_PYROSCOPE_TOKEN: 't' })).toEqual({
      types: ['cpu', 'wall', 'alloc', 'lock'],
      allocationStepBytes: 512 * 1024,
      pyroscope: {
        url: 'http://x:4040',
        application: 'starling-platform',
        tenant: undefined,
        token: 't',
        labels: { env: 'test' },
      },
    });
  });

  it.each([
    ['--profile', 'cpu,gpu', 'It must be all, off, or some of cpu,wall,alloc,lock.'],
    ['--profile', '', 'It must be all, off'],
    ['--pyroscope', 'pyroscope:4040', 'an http:// or https:// URL'],
    ['--pyroscope', 'http://me:secret@x', 'a URL without user and password'],
    ['--profile-allocation-step', '0KiB', 'It must be 1KiB or more.'],
    ['--profile-allocation-step', 'much', 'It must be'],
  ])('refuse %s %s', (flag, value, message) => {
    expect(() => read([flag, value])).toThrow(message);
  });
});

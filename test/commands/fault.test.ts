import { afterEach, describe, expect, it, vi } from 'vitest';
import { ProfileError } from '../../src/adapters/prometheus/parse-profile.ts';
import { tellFault } from '../../src/commands/fault.ts';
import { FileFault } from '../../src/config/live-files.ts';
import { ConfigError } from '../../src/config/problem.ts';
import { ListenError } from '../../src/lib/listen.ts';
import { TimeseriesError } from '../../src/ports/signal-reader.ts';
import { StoreError } from '../../src/ports/store-error.ts';

afterEach(() => vi.unstubAllEnvs());

describe('what ended a command', () => {
  it.each([
    new ConfigError([]),
    new FileFault('f'),
    new ListenError('l'),
    new ProfileError('p.yaml', ['x']),
    new StoreError('schema', 's'),
  ])('is a start-up fault, 2: $name', (error) => {
    expect(tellFault(error).code).toBe(2);
    expect(tellFault(error).text).toContain(error.message);
  });

  it.each([
    [new StoreError('unavailable', 'no node'), 4],
    [new StoreError('unknown', 'lost'), 4],
    [new StoreError('auth', 'wrong password'), 5],
    [new TimeseriesError('unreachable', 'refused'), 4],
    [new TimeseriesError('auth', '401'), 5],
    [new DOMException('aborted', 'AbortError'), 130],
    [new Error('a bug'), 1],
    ['a string', 1],
  ])('is told from others: %s ends with %i', (error, code) => {
    expect(tellFault(error).code).toBe(code);
  });

  it('shows where only to those who ask', () => {
    expect(tellFault(new Error('a bug')).text).toBe('starling: a bug\nSTARLING_DEBUG=1 shows where.');
    vi.stubEnv('STARLING_DEBUG', '1');
    expect(tellFault(new Error('a bug')).text).toMatch(/^starling: Error: a bug\n +at .*fault\.test/);
    expect(tellFault(new StoreError('auth', 'no')).text).toMatch(/^store: .*StoreError: no\n +at /);
  });

  it('does not let text from outside paint the terminal', () => {
    expect(tellFault(new Error('\u001b[2J')).text).toContain('\\u001b[2J');
  });
});

import { afterEach, describe, expect, it, vi } from 'vitest';
import { ProfileError } from '../../src/adapters/prometheus/parse-profile.ts';
import { reportError } from '../../src/commands/report-error.ts';
import { FileFault } from '../../src/config/live-files.ts';
import { ConfigError } from '../../src/config/problem.ts';
import { ListenError } from '../../src/lib/listen.ts';
import { TimeseriesError } from '../../src/ports/signal-reader.ts';
import { StoreError } from '../../src/ports/store-error.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

function reported(error: unknown): { text: string; code: number } {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const code = reportError(error);
  const text = write.mock.calls.map(([chunk]) => String(chunk)).join('');
  write.mockRestore();
  expect(text.endsWith('\n')).toBe(true);
  return { text: text.slice(0, -1), code };
}

describe('the error that ended a command', () => {
  it.each([
    new ConfigError([]),
    new FileFault('f'),
    new ListenError('l'),
    new ProfileError('p.yaml', ['x']),
    new StoreError('schema', 's'),
  ])('is a start-up fault, 2: $name', (error) => {
    const { text, code } = reported(error);
    expect(code).toBe(2);
    expect(text).toContain(error.message);
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
  ])('has a code of its own: %s ends with %i', (error, code) => {
    expect(reported(error).code).toBe(code);
  });

  it('shows its stack only on request', () => {
    expect(reported(new Error('a bug')).text).toBe('starling: a bug\nSTARLING_DEBUG=1 shows where.');
    vi.stubEnv('STARLING_DEBUG', '1');
    expect(reported(new Error('a bug')).text).toMatch(/^starling: Error: a bug\n +at .*report-error\.test/);
    expect(reported(new StoreError('auth', 'no')).text).toMatch(/^store: .*StoreError: no\n +at /);
  });

  it('does not let text from outside paint the terminal', () => {
    expect(reported(new Error('\u001b[2J')).text).toContain('\\u001b[2J');
  });
});

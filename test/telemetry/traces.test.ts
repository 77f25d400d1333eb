import { trace } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { withSpan } from '../../src/telemetry/traces.ts';

/** With a real collector: test/integration/telemetry/otlp.test.ts. */
describe('withSpan without tracing', () => {
  it('returns the result of the work', async () => {
    expect(await withSpan({ name: 'run scaling', attributes: { part: 1 } }, async () => 42)).toBe(42);
  });

  it('throws the same error as the work', async () => {
    const error = new Error('boom');
    await expect(withSpan({ name: 'claim tokens' }, () => Promise.reject(error))).rejects.toBe(error);
  });

  it('creates no recording span', async () => {
    expect(await withSpan({ name: 'x' }, async () => trace.getActiveSpan()?.isRecording() ?? false)).toBe(false);
  });
});

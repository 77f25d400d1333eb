import type { Clock } from '../../../../src/lib/clock.ts';
import { faasServerDialect } from '../../../../src/platform/dialects/faas-server/faas-server-dialect.ts';
import type { PlatformOptions } from '../../../../src/platform/platform.ts';
import { aPlatform, type RunningPlatform } from '../native/a-platform.ts';

export interface RunningFaasServer extends RunningPlatform {
  versionOf(name: string): string;
  nameOf(versionId: string): string;
  stop(): Promise<void>;
}

/** The dialect alone on a free port, with calls that end as the test says; with `openEngine: undefined` over real pools. */
export async function aFaasServer(
  options: Partial<Omit<PlatformOptions, 'openEngine' | 'clock'>> & {
    openEngine?: undefined;
    clock?: Clock;
    isOptimised?: boolean;
  } = {},
): Promise<RunningFaasServer> {
  const { isOptimised = false, ...rest } = options;
  const running = await aPlatform({
    ...rest,
    native: undefined,
    dialects: [
      {
        name: 'faas-server',
        address: { host: '127.0.0.1', port: 0 },
        open: (tools) => faasServerDialect(tools, { isOptimised }),
      },
    ],
  });
  const { registry } = running.platform;
  const versionOf = (name: string) => registry.findByName('builtin', name)?.activeVersionId ?? '';
  return {
    ...running,
    versionOf,
    nameOf: (versionId) => registry.find(registry.version(versionId)?.functionId ?? '')?.name ?? '',
    stop: () => running.platform.stop({ graceMs: 0 }),
  };
}

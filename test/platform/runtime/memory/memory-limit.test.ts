import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../../src/adapters/system/clock.ts';
import { systemRandom } from '../../../../src/lib/random.ts';
import { Platform } from '../../../../src/platform/platform.ts';
import { DEFAULT_POOL } from '../../../../src/platform/registry/version-settings.ts';
import { MemoryGroups } from '../../../../src/platform/runtime/memory/memory-groups.ts';
import { heapLimitMb, memoryLimitBytes } from '../../../../src/platform/runtime/memory/memory-limit.ts';
import { MemoryWatchdog } from '../../../../src/platform/runtime/memory/resident-memory.ts';
import { aVersion } from '../../../support/platform/a-version.ts';

const MIB = 1_048_576;
const SIZES_MB = [1, 16, 28, 42, 43, 64, 100.5, 128];

describe('the memory limit of a worker', () => {
  it('A27 is one and a half times what the function asks for, and enough to boot', () => {
    expect(memoryLimitBytes({ memoryMb: 128 }, 1.5)).toBe(192 * MIB);
    expect(memoryLimitBytes({ memoryMb: 16 }, 1.5)).toBe(64 * MIB);
    expect(heapLimitMb({ memoryMb: 128 })).toBe(128);
    expect(heapLimitMb({ memoryMb: 1 })).toBe(16);
  });
});

describe.each(['auto', 'watchdog'] as const)('the memory limits that a platform enforces (%s)', (memoryLimit) => {
  let workFolder: string;
  let enforcedBytes: number[];

  beforeEach(() => {
    workFolder = mkdtempSync(path.join(os.tmpdir(), 'starling-test-'));
    enforcedBytes = [];
    const { watch } = MemoryWatchdog.prototype;
    vi.spyOn(MemoryWatchdog.prototype, 'watch').mockImplementation(function (this: MemoryWatchdog, watched) {
      enforcedBytes.push(watched.limitBytes);
      return watch.call(this, watched);
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    rmSync(workFolder, { recursive: true, force: true });
  });

  it.each([1, 1.5, 2.25])(
    'are what its pools reserve, for every size and %s times the memory',
    async (memoryFactor) => {
      const platform = new Platform({
        dataDir: ':memory:',
        native: undefined,
        dialects: [],
        clock: systemClock,
        random: systemRandom,
        logger: pino({ level: 'silent' }),
        version: '1.2.3',
        backend: { memoryLimit, workFolder, initTimeoutMs: 15_000 },
        engine: { memoryFactor, host: { cpus: 2, memoryBytes: 8 * 1024 * MIB } },
      });
      // From here on, for the groups are tried out with one of their own.
      const { create } = MemoryGroups.prototype;
      vi.spyOn(MemoryGroups.prototype, 'create').mockImplementation(function (this: MemoryGroups, name, limitBytes) {
        enforcedBytes.push(limitBytes);
        return create.call(this, name, limitBytes);
      });
      const { pools } = platform.engine;
      for (const memoryMb of SIZES_MB) {
        const { version } = platform.registry.create({
          namespace: 'native',
          name: `of-${memoryMb}-mb`,
          launch: { ...aVersion('v').launch, runtime: 'node', memoryMb },
          pool: DEFAULT_POOL,
          code: { kind: 'source', text: 'exports.handler = (event) => event;' },
        });
        await pools.warm(version.versionId, { count: 1, source: 'manual' });
      }
      expect(enforcedBytes).toHaveLength(SIZES_MB.length);
      expect(pools.memory().reservedBytes).toBe(enforcedBytes.reduce((sum, bytes) => sum + bytes, 0));
      // Less than 64 MiB boots no interpreter, whatever its function asks for.
      expect(enforcedBytes).toEqual(SIZES_MB.map((mb) => Math.max(64, Math.ceil(mb * memoryFactor)) * MIB));
      await platform.stop({ graceMs: 0 });
      expect(pools.memory().reservedBytes).toBe(0);
    },
  );
});

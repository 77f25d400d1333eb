import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/adapters/system/clock.ts';
import { ProcessGuard } from '../../../../src/platform/runtime/process/process-guard.ts';
import { ABackend, isRunning, until } from '../../../support/platform/a-backend.ts';

describe.each(['SIGKILL', 'SIGTERM'] as const)('when the platform gets %s', (signal) => {
  it('C31 nothing that it started lives on, whatever it is doing, and no folder stays', async () => {
    const platform = spawn(process.execPath, [fileURLToPath(new URL('./orphan-parent.ts', import.meta.url))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const [line] = await once(platform.stdout, 'data');
      const { folder, pids } = JSON.parse(String(line)) as { folder: string; pids: number[] };
      expect(pids.length).toBe(6);
      expect(pids.filter((pid) => !isRunning(pid))).toEqual([]);
      platform.kill(signal);
      await once(platform, 'exit');
      await until('all of them are gone', () => !pids.some(isRunning), 5_000);
      if (signal === 'SIGKILL') await until('the folder is gone', () => readdirSync(folder).length === 0);
      rmSync(folder, { recursive: true, force: true });
    } finally {
      platform.kill('SIGKILL');
    }
  }, 60_000);
});

describe('the guard', () => {
  it('is replaced when it is killed, and then knows what to guard', async () => {
    const folder = new ABackend();
    const guard = new ProcessGuard({ folder: `${folder.folder}/none`, memoryGroups: undefined, clock: systemClock });
    const sleeper = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    guard.watch(sleeper.pid!);
    const first = guard.pid!;
    // A guard that ends in its first second is taken for one that cannot live.
    await new Promise<void>((resolve) => systemClock.after(1_050, resolve));
    process.kill(first, 'SIGKILL');
    await until('there is another', () => guard.pid !== undefined && guard.pid !== first);
    guard.release(sleeper.pid!);
    guard.watch(sleeper.pid!);
    const second = guard.pid!;
    guard.leave();
    await until('it has left', () => !isRunning(second));
    expect(isRunning(sleeper.pid!)).toBe(true);
    sleeper.kill('SIGKILL');
    await folder.close();
  });
});

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/adapters/system/clock.ts';
import { findGroupHomes, MemoryGroup, MemoryGroups } from '../../../../src/platform/runtime/memory/memory-groups.ts';

const V1_MOUNTS = `31 30 0:27 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
33 30 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw`;
const V2_MOUNTS = '30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate';

describe('where memory groups may be made', () => {
  it('is below our own group, in version 1 first where both are there', () => {
    expect(findGroupHomes(V1_MOUNTS, '5:memory:/a/b\n4:cpu,cpuacct:/c\n0::/d')).toEqual([
      { form: 'v1', folder: '/sys/fs/cgroup/memory/a/b' },
      { form: 'v1', folder: '/sys/fs/cgroup/memory' },
      { form: 'v2', folder: '/sys/fs/cgroup/unified/d' },
      { form: 'v2', folder: '/sys/fs/cgroup/unified' },
    ]);
  });

  it('is our own group in version 2', () => {
    expect(findGroupHomes(V2_MOUNTS, '0::/user.slice/app.service')).toEqual([
      { form: 'v2', folder: '/sys/fs/cgroup/user.slice/app.service' },
      { form: 'v2', folder: '/sys/fs/cgroup' },
    ]);
  });

  it('is found below the root of the mount in a container', () => {
    const mounts = '32 30 0:28 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory';
    expect(findGroupHomes(mounts, '5:memory:/docker/abc')).toEqual([{ form: 'v1', folder: '/sys/fs/cgroup/memory' }]);
  });

  it('is nowhere on a machine that has none', () => {
    expect(findGroupHomes('', '')).toEqual([]);
    expect(MemoryGroups.open({ homes: [], name: 'x', clock: systemClock })).toBeUndefined();
  });
});

describe('memory groups', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'starling-test-groups-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('are not used where making one does not give the kernel’s files', () => {
    expect(MemoryGroups.open({ homes: [{ form: 'v2', folder }], name: 'x', clock: systemClock })).toBeUndefined();
    expect(
      MemoryGroups.open({ homes: [{ form: 'v1', folder: '/not/there' }], name: 'x', clock: systemClock }),
    ).toBeUndefined();
  });

  it.each([
    ['v1', 'memory.limit_in_bytes', 'memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n'],
    ['v2', 'memory.max', 'memory.events', 'low 0\nhigh 0\nmax 9\noom 3\noom_kill 2\noom_group_kill 0\n'],
  ] as const)('write the limit and read what the kernel killed in the words of %s', (form, limit, events, text) => {
    const group = new MemoryGroup({
      folder: path.join(folder, 'one'),
      form,
      limitBytes: 100_000_000,
      clock: systemClock,
    });
    expect(readFileSync(path.join(group.folder, limit), 'utf8')).toBe('100000000');
    expect(group.oomKills).toBe(0);
    writeFileSync(path.join(group.folder, events), text);
    expect(group.oomKills).toBe(2);
    writeFileSync(path.join(group.folder, 'cgroup.procs'), '12\n345\n');
    expect(group.pids).toEqual([12, 345]);
  });

  it('say when one could not be taken away, and when it is gone already', async () => {
    const group = new MemoryGroup({ folder: path.join(folder, 'one'), form: 'v1', limitBytes: 1, clock: systemClock });
    expect(await group.remove()).toBe(false);
    rmSync(group.folder, { recursive: true });
    expect(await group.remove()).toBe(true);
    mkdirSync(group.folder);
    expect(await group.remove()).toBe(true);
  });
});

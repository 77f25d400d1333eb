import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Clock, sleep } from '../../../lib/clock.ts';

/** The two forms in which Linux limits the memory of a group of processes. */
const FORMS = {
  v1: { limit: 'memory.limit_in_bytes', swap: 'memory.memsw.limit_in_bytes', events: 'memory.oom_control' },
  v2: { limit: 'memory.max', swap: 'memory.swap.max', events: 'memory.events' },
} as const;

export interface GroupHome {
  readonly form: keyof typeof FORMS;
  /** The folder of our own group, below which we may make others, or may not. */
  readonly folder: string;
}

/** Where this process stands, from the texts of `/proc/self/mountinfo` and `/proc/self/cgroup`; likeliest first. */
export function findGroupHomes(mountInfo: string, ownGroups: string): GroupHome[] {
  const own = ownGroups.split('\n').map((line) => /^\d+:([^:]*):(.*)$/.exec(line));
  const homes: GroupHome[] = [];
  for (const line of mountInfo.split('\n')) {
    const [mount = '', filesystem = ''] = line.split(' - ');
    const [type, , options = ''] = filesystem.split(' ');
    const [, , , root = '/', point = ''] = mount.split(' ');
    const form =
      type === 'cgroup2' ? 'v2' : type === 'cgroup' && options.split(',').includes('memory') ? 'v1' : undefined;
    if (!form) continue;
    const entry = own.find((match) => (form === 'v2' ? match?.[1] === '' : match?.[1]?.split(',').includes('memory')));
    const place = entry?.[2] ?? '/';
    // In a container the mount may begin below the root that our own path is relative to.
    const below = root !== '/' && place.startsWith(root) ? place.slice(root.length) : place;
    for (const folder of new Set([path.join(point, below), point])) homes.push({ form, folder });
  }
  return homes.sort((a, b) => a.form.localeCompare(b.form));
}

/** One worker's group. */
export class MemoryGroup {
  readonly folder: string;
  readonly #form: GroupHome['form'];
  readonly #clock: Clock;

  /** Makes the folder; throws when that is not permitted. */
  constructor(options: { folder: string; form: GroupHome['form']; limitBytes: number; clock: Clock }) {
    const { folder, form, limitBytes } = options;
    this.folder = folder;
    this.#form = form;
    this.#clock = options.clock;
    mkdirSync(folder);
    try {
      writeFileSync(path.join(folder, FORMS[form].limit), String(limitBytes));
    } catch (error) {
      rmdirSync(folder);
      throw error;
    }
    try {
      writeFileSync(path.join(folder, FORMS[form].swap), String(form === 'v2' ? 0 : limitBytes), { flag: 'r+' });
    } catch {
      // A kernel without swap accounting; the machine's swap then comes on top.
    }
  }

  /** Moving a process waits for the whole machine (10 ms were seen), so it is done beside the process's boot. */
  join(pid: number): Promise<void> {
    return writeFile(path.join(this.folder, 'cgroup.procs'), String(pid), { flag: 'r+' });
  }

  /** Processes of it that the kernel killed for memory. */
  get oomKills(): number {
    return Number(/^oom_kill (\d+)$/m.exec(this.#read(FORMS[this.#form].events))?.[1] ?? 0);
  }

  /** Those that left their process group are still here. */
  get pids(): number[] {
    return this.#read('cgroup.procs').split('\n').filter(Boolean).map(Number);
  }

  /** Kills what is left and takes the folder away. What cannot be killed in time keeps it. */
  async remove(): Promise<boolean> {
    for (let tries = 0; tries < 50; tries++) {
      for (const pid of this.pids) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It was faster.
        }
      }
      try {
        await rmdir(this.folder);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
        await sleep(this.#clock, 20);
      }
    }
    return false;
  }

  #read(file: string): string {
    try {
      return readFileSync(path.join(this.folder, file), 'utf8');
    } catch {
      return '';
    }
  }
}

/** Makes groups, where that is permitted. */
export class MemoryGroups {
  readonly folder: string;
  readonly #form: GroupHome['form'];
  readonly #clock: Clock;

  private constructor(home: GroupHome, name: string, clock: Clock) {
    this.#form = home.form;
    this.#clock = clock;
    this.folder = path.join(home.folder, name);
    if (home.form === 'v2') passMemoryOn(home.folder);
    mkdirSync(this.folder);
    try {
      if (home.form === 'v2') passMemoryOn(this.folder);
      accessSync(path.join(this.folder, 'cgroup.procs'), constants.W_OK);
      // The proof is one group made and taken away again.
      const probe = this.create('probe', 64 * 1_048_576);
      rmdirSync(probe.folder);
    } catch (error) {
      rmdirSync(this.folder);
      throw error;
    }
  }

  /** Undefined where groups may not be made: other systems, containers without the right, other users. */
  static open({ homes = readHomes(), name, clock }: { homes?: readonly GroupHome[]; name: string; clock: Clock }) {
    for (const home of homes) {
      if (!existsSync(home.folder)) continue;
      try {
        return new MemoryGroups(home, name, clock);
      } catch {
        // The next place may permit it.
      }
    }
    return undefined;
  }

  create(name: string, limitBytes: number): MemoryGroup {
    return new MemoryGroup({ folder: path.join(this.folder, name), form: this.#form, limitBytes, clock: this.#clock });
  }

  close(): void {
    try {
      rmdirSync(this.folder);
    } catch {
      // A group that could not be emptied is still in it.
    }
  }
}

/** Version 2 limits memory in a group only when the group above hands the right down. Whether that worked is seen by trying. */
function passMemoryOn(folder: string): void {
  try {
    writeFileSync(path.join(folder, 'cgroup.subtree_control'), '+memory', { flag: 'r+' });
  } catch {
    // It may be handed down already, by the one that delegated this group to us.
  }
}

function readHomes(): GroupHome[] {
  try {
    return findGroupHomes(readFileSync('/proc/self/mountinfo', 'utf8'), readFileSync('/proc/self/cgroup', 'utf8'));
  } catch {
    return [];
  }
}

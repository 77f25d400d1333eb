import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock } from '../../../lib/clock.ts';
import { SharedTimer } from '../../../lib/shared-timer.ts';

/**
 * Workers must not outlive the platform, not even when it is killed with SIGKILL. A worker that computes without end never
 * sees its channel close, and an executable has none. So a small shell holds the numbers of the groups that live and reads from
 * a pipe whose other end only we have: the pipe's end, however it came, is the groups' end and the folder's.
 */
const SCRIPT = `
trap '' INT TERM HUP
groups=' '
while read -r verb group; do
  case $verb in
    watch) groups="$groups$group " ;;
    release) case $groups in *" $group "*) groups="\${groups%%" $group "*} \${groups#*" $group "}" ;; esac ;;
    leave) exit 0 ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group"; done
if [ -n "$2" ]; then
  for list in "$2"/*/cgroup.procs; do
    while read -r pid; do kill -s KILL "$pid"; done < "$list"
  done
fi
for try in 1 2 3 4 5 6 7 8 9 10; do
  rm -rf -- "$1"
  [ -n "$2" ] && [ -d "$2" ] && rmdir "$2"/*/ "$2"
  [ -d "$1" ] || [ -d "$2" ] || exit 0
  sleep 0.1
done
`;

/** A guard with nothing to guard leaves after this, so that an idle platform has no processes at all. */
const LINGER_MS = 2_000;
/** A guard that ends sooner than this, unasked, is not started again until the next worker. */
const SHORT_LIFE_MS = 1_000;

export class ProcessGuard {
  readonly #folder: string;
  readonly #memoryGroups: string;
  readonly #clock: Clock;
  readonly #groups = new Set<number>();
  #shell: ChildProcess | undefined;
  #startedMs = 0;
  readonly #linger: SharedTimer;

  constructor(options: { folder: string; memoryGroups: string | undefined; clock: Clock }) {
    this.#folder = options.folder;
    this.#memoryGroups = options.memoryGroups ?? '';
    this.#clock = options.clock;
    this.#linger = new SharedTimer({ clock: options.clock, onRing: () => this.leave() });
  }

  /** The process that guards now. */
  get pid(): number | undefined {
    return this.#shell?.pid;
  }

  watch(group: number): void {
    this.#linger.clear();
    this.#groups.add(group);
    if (this.#shell) this.#say(`watch ${group}`);
    else this.#start();
  }

  release(group: number): void {
    this.#groups.delete(group);
    this.#say(`release ${group}`);
    if (this.#groups.size === 0) this.#linger.setBy(this.#clock.monotonicMs() + LINGER_MS);
  }

  /** Nothing is left to guard. */
  leave(): void {
    this.#linger.clear();
    const shell = this.#shell;
    this.#shell = undefined;
    shell?.stdin?.end('leave\n');
  }

  #say(line: string): void {
    this.#shell?.stdin?.write(`${line}\n`);
  }

  #start(): void {
    // Its own group: what is typed at our terminal, and what ends our group, is not for it.
    const shell = spawn('/bin/sh', ['-c', SCRIPT, 'starling-guard', this.#folder, this.#memoryGroups], {
      cwd: '/',
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#shell = shell;
    this.#startedMs = this.#clock.monotonicMs();
    const onEnd = () => {
      if (this.#shell !== shell) return;
      this.#shell = undefined;
      const livedMs = this.#clock.monotonicMs() - this.#startedMs;
      if (this.#groups.size > 0 && livedMs >= SHORT_LIFE_MS) this.#start();
    };
    shell.once('exit', onEnd);
    shell.once('error', onEnd);
    shell.stdin?.on('error', () => {});
    shell.unref();
    // It must not keep us alive; the stream that a pipe is has this, its type does not say so.
    (shell.stdin as unknown as { unref(): void } | null)?.unref();
    for (const group of this.#groups) this.#say(`watch ${group}`);
  }
}

import { readFileSync } from 'node:fs';
import type { Clock } from '../../../lib/clock.ts';

/** Bytes in RAM; undefined where the system does not say, or the process is gone. */
export function readRssBytes(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    return undefined;
  }
}

/** The process and what it started, as far as its main thread started it. */
function readTreeRssBytes(pid: number): number | undefined {
  const own = readRssBytes(pid);
  if (own === undefined) return undefined;
  return childrenOf(pid).reduce((sum, child) => sum + (readTreeRssBytes(child) ?? 0), own);
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

export interface Watched {
  readonly pid: number;
  readonly limitBytes: number;
  onExceeded(usedBytes: number): void;
}

const WATCH_INTERVAL_MS = 250;

/** Ends workers that use too much memory, where the kernel may not be asked to. */
export class MemoryWatchdog {
  readonly #clock: Clock;
  readonly #watched = new Set<Watched>();
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  watch(watched: Watched): () => void {
    this.#watched.add(watched);
    this.#cancel ??= this.#clock.after(WATCH_INTERVAL_MS, () => this.#look());
    return () => {
      this.#watched.delete(watched);
      if (this.#watched.size > 0) return;
      this.#cancel?.();
      this.#cancel = undefined;
    };
  }

  #look(): void {
    for (const watched of this.#watched) {
      const usedBytes = readTreeRssBytes(watched.pid) ?? 0;
      if (usedBytes > watched.limitBytes) watched.onExceeded(usedBytes);
    }
    this.#cancel = this.#watched.size > 0 ? this.#clock.after(WATCH_INTERVAL_MS, () => this.#look()) : undefined;
  }
}

import type { Logger } from 'pino';
import type { Clock } from '../../../lib/clock.ts';
import { printableLine } from '../../../lib/printable.ts';

export type Tag = 'REGISTRY' | 'POOL' | 'OPTIMIZER' | 'AUTOSCALER' | 'ROUTER';

interface TagLine {
  readonly timeMs: number;
  readonly functionId: string;
  readonly line: string;
}

const LINES_KEPT = 1_000;
const LINE_MAX = 1_000;

/** The lines of this dialect: into the log of the platform, and the newest kept for `GET /logs`. */
export class TagLog {
  readonly #options: { readonly logger: Logger; readonly clock: Clock };
  readonly #ring: TagLine[] = [];
  #next = 0;

  constructor(options: { logger: Logger; clock: Clock }) {
    this.#options = options;
  }

  write(tag: Tag, functionId: string, text: string): void {
    const { logger, clock } = this.#options;
    const line = printableLine(`[${tag}] ${text}`).slice(0, LINE_MAX);
    logger.info({ event: `orchestrator.${tag.toLowerCase()}`, function: functionId }, line);
    this.#ring[this.#next] = { timeMs: clock.wallMs(), functionId, line };
    this.#next = (this.#next + 1) % LINES_KEPT;
  }

  /** Oldest first, as a log is read. */
  newest({ limit, functionId }: { limit: number; functionId?: string | undefined }): TagLine[] {
    const found: TagLine[] = [];
    for (let back = 1; back <= this.#ring.length && found.length < limit; back += 1) {
      const line = this.#ring[(this.#next - back + LINES_KEPT) % LINES_KEPT];
      if (line && (functionId === undefined || line.functionId === functionId)) found.push(line);
    }
    return found.reverse();
  }
}

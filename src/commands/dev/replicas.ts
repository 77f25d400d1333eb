import type { Clock } from '../../lib/clock.ts';
import type { DataFolder } from './data-folder.ts';
import { freePort } from './port-plan.ts';
import { Replica, type ReplicaEnd } from './replica.ts';

/** A part that could not be started; its message is shown as it is. */
export class PartFault extends Error {
  override readonly name = 'PartFault';
}

/** The autoscaler processes of one `starling dev`, and what becomes of them. */
export class Replicas {
  /** Resolves when the last one has ended by itself. */
  readonly allGone: Promise<void>;
  readonly #all: Replica[] = [];
  readonly #gone = Promise.withResolvers<void>();
  readonly #say: (text: string) => void;
  #isStopping = false;

  constructor({ say }: { say: (text: string) => void }) {
    this.#say = say;
    this.allGone = this.#gone.promise;
    // However this process ends: what it started ends with it.
    process.once('exit', () => {
      for (const replica of this.#all) replica.kill();
    });
  }

  get living(): readonly Replica[] {
    return this.#all.filter((replica) => !replica.hasEnded);
  }

  /** The port of one that serves; the same as long as it lives. */
  get servingPort(): number | undefined {
    return this.#all.find((replica) => replica.isServing)?.port;
  }

  /** Resolves when all of them serve; rejects with a PartFault when one ends before. */
  async start(options: {
    count: number;
    folder: DataFolder;
    argsOf: (options: { port: number }) => readonly string[];
  }): Promise<void> {
    const { count, folder, argsOf } = options;
    const started = Array.from({ length: count }, async (_, index) => {
      const number = index + 1;
      const port = await freePort();
      const log = folder.openLog(`autoscaler-${number}`);
      const replica = await Replica.start({ number, port, args: argsOf({ port }), logDescriptor: log.descriptor });
      this.#all.push(replica);
      await replica.settled;
      if (!replica.hasEnded || this.#isStopping) return;
      const { stderrTail, code, signal } = await replica.ended;
      throw new PartFault(stderrTail || `the autoscaler ended with ${signal ?? code}; its log: ${log.path}`);
    });
    await Promise.all(started);
    for (const replica of this.#all) void replica.ended.then((end) => this.#reportEnd(replica, end));
  }

  async stop({ clock, graceMs }: { clock: Clock; graceMs: number }): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#all.map((replica) => replica.stop({ clock, graceMs })));
  }

  #reportEnd({ number, pid }: Replica, { code, signal }: ReplicaEnd): void {
    if (this.#isStopping) return;
    const left = this.living;
    const gone = `replica ${number} (pid ${pid}) is gone: ${signal === null ? `it ended with ${code}` : signal}`;
    if (left.length === 0) {
      this.#say(`${gone}; it was the last one, so nothing scales any more`);
      this.#gone.resolve();
    } else {
      const others = left.length === 1 ? `replica ${left[0]?.number} takes` : `the other ${left.length} take`;
      this.#say(`${gone}; ${others} over its functions within 10 s`);
    }
  }
}

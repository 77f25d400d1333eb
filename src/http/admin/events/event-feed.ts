/** Where events are written to: one listening console, or a script. */
export interface Listener {
  send(text: string): void;
  /** Bytes that the other side has not taken yet. */
  pendingBytes(): number;
  end(): void;
}

const LISTENERS_MAX = 32;
/** A listener that lets this much pile up is let go; it comes back and goes on from the last event it saw. */
const PENDING_BYTES_MAX = 8 * 2 ** 20;
const KEPT_MAX = 512;
const KEPT_BYTES_MAX = 8 * 2 ** 20;

interface Kept {
  readonly number: number;
  readonly text: string;
}

/**
 * Server-sent events. Events with news are numbered and kept for a while, so that a broken line goes
 * on where it was; where that is not possible the listener is asked to read everything anew (`resync`).
 */
export class EventFeed {
  readonly #epoch: string;
  readonly #listeners = new Set<Listener>();
  #kept: Kept[] = [];
  #keptBytes = 0;
  #number = 0;

  /** `epoch` marks this life of the process: no listener can go on from an id of another life. */
  constructor({ epoch }: { epoch: string }) {
    this.#epoch = epoch;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  get isFull(): boolean {
    return this.#listeners.size >= LISTENERS_MAX;
  }

  /** Begins with `hello`, then what was missed since `lastId`, or `resync`. The answer ends the subscription. */
  subscribe(listener: Listener, options: { hello: unknown; lastId: string | undefined }): () => void {
    const missed = options.lastId === undefined ? [] : this.#since(options.lastId);
    const id = `id: ${this.#epoch}-${this.#number}\n`;
    const opening = [`retry: 2000\n${id}${line('hello', options.hello)}`];
    if (missed) opening.push(...missed.map(({ text }) => text));
    else opening.push(line('resync', {}));
    this.#listeners.add(listener);
    for (const text of opening) this.#send(listener, text);
    return () => this.#listeners.delete(listener);
  }

  /** News: numbered, and kept for those who are away for a moment. */
  publish(type: string, data: unknown): void {
    this.#number += 1;
    const text = `id: ${this.#epoch}-${this.#number}\n${line(type, data)}`;
    this.#kept.push({ number: this.#number, text });
    this.#keptBytes += text.length;
    while (this.#kept.length > KEPT_MAX || this.#keptBytes > KEPT_BYTES_MAX) {
      this.#keptBytes -= this.#kept.shift()?.text.length ?? 0;
    }
    this.#sendAll(text);
  }

  /** A state that the next one replaces: a listener that missed it does not need it. */
  send(type: string, data: unknown): void {
    this.#sendAll(line(type, data));
  }

  close(): void {
    for (const listener of this.#listeners) listener.end();
    this.#listeners.clear();
  }

  #sendAll(text: string): void {
    for (const listener of this.#listeners) this.#send(listener, text);
  }

  #send(listener: Listener, text: string): void {
    if (!this.#listeners.has(listener)) return;
    listener.send(text);
    if (listener.pendingBytes() <= PENDING_BYTES_MAX) return;
    this.#listeners.delete(listener);
    listener.end();
  }

  /** Undefined where what was missed is not kept any more. */
  #since(lastId: string): readonly Kept[] | undefined {
    const [epoch, number = Number.NaN] = splitId(lastId);
    if (epoch !== this.#epoch || !(number <= this.#number)) return undefined;
    const oldest = this.#kept[0]?.number ?? this.#number + 1;
    return number + 1 < oldest ? undefined : this.#kept.filter((kept) => kept.number > number);
  }
}

function splitId(id: string): [epoch: string, number: number | undefined] {
  const match = /^(.*)-(\d{1,15})$/.exec(id);
  return match ? [match[1] ?? '', Number(match[2])] : ['', undefined];
}

/** JSON has no line break of its own, so that one data line holds all of it. */
function line(type: string, data: unknown): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

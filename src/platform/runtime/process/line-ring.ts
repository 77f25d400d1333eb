import { StringDecoder } from 'node:string_decoder';

const LINES_MAX = 256;
const LINE_CHARS_MAX = 4_096;
const CHARS_MAX = 65_536;
const CUT = ' … (cut)';

/**
 * The newest lines that a worker wrote. It takes every line at once and forgets the oldest, so that a worker never
 * waits for a reader and a flood costs no memory.
 */
export class LineRing {
  readonly #lines: string[] = [];
  #chars = 0;
  /** Lines that ever came, and how many of them before the mark. */
  #seen = 0;
  #marked = 0;
  readonly #streams = {
    stdout: { decoder: new StringDecoder('utf8'), partial: '' },
    stderr: { decoder: new StringDecoder('utf8'), partial: '' },
  };

  write(stream: 'stdout' | 'stderr', bytes: Buffer): void {
    const state = this.#streams[stream];
    const text = state.decoder.write(bytes);
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      this.#add(state.partial + text.slice(from, Math.min(end, from + LINE_CHARS_MAX + 1)));
      state.partial = '';
      from = end + 1;
    }
    if (state.partial.length <= LINE_CHARS_MAX) {
      state.partial += text.slice(from, from + LINE_CHARS_MAX + 1 - state.partial.length);
    }
  }

  /** What comes from here on is the next call's. */
  mark(): void {
    this.#marked = this.#seen;
  }

  /** Lines since the mark, oldest first; begun but unfinished ones at the end. */
  sinceMark(): string[] {
    const count = Math.min(this.#seen - this.#marked, this.#lines.length);
    const lines = count === 0 ? [] : this.#lines.slice(-count);
    for (const { partial } of [this.#streams.stdout, this.#streams.stderr]) {
      if (partial !== '') lines.push(cut(partial));
    }
    return lines;
  }

  #add(line: string): void {
    const kept = cut(line.endsWith('\r') ? line.slice(0, -1) : line);
    this.#lines.push(kept);
    this.#chars += kept.length;
    this.#seen++;
    while (this.#lines.length > LINES_MAX || this.#chars > CHARS_MAX) {
      this.#chars -= this.#lines.shift()?.length ?? 0;
    }
  }
}

function cut(line: string): string {
  return line.length > LINE_CHARS_MAX ? line.slice(0, LINE_CHARS_MAX) + CUT : line;
}

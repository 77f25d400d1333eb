import { stripVTControlCharacters } from 'node:util';

const COLUMNS_DEFAULT = 80;

type Terminal = Pick<NodeJS.WriteStream, 'isTTY' | 'write' | 'columns'>;

/** Lines at the end of a terminal that are overwritten, with lasting lines above them. */
export class LiveArea {
  readonly #stream: Terminal;
  #lines: readonly string[] = [];

  constructor(stream: Terminal) {
    this.#stream = stream;
  }

  /** False: there is no terminal, and only lasting lines are written. */
  get isLive(): boolean {
    return this.#stream.isTTY;
  }

  say(text: string): void {
    const lines = this.#lines;
    this.clear();
    this.#stream.write(`${text}\n`);
    this.show(lines);
  }

  show(lines: readonly string[]): void {
    if (!this.isLive) return;
    this.clear();
    const columns = this.#stream.columns || COLUMNS_DEFAULT;
    this.#lines = lines.map((line) => clip(line, columns - 1));
    if (this.#lines.length > 0) this.#stream.write(`${this.#lines.join('\n')}\n`);
  }

  clear(): void {
    if (this.#lines.length > 0) this.#stream.write(`\u001b[${this.#lines.length}A\r\u001b[J`);
    this.#lines = [];
  }
}

/** A line that wraps would be two, and the cursor would not find back. Colours of a clipped line are given up. */
function clip(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : `${plain.slice(0, columns - 1)}…`;
}

import { createRequire } from 'node:module';

const { compress } = createRequire(import.meta.url)('snappyjs') as { compress(bytes: Uint8Array): Uint8Array };

/** One series and its samples, column-wise, oldest first. */
export interface WrittenSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly timesMs: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

/** A sample that says: this series has ended. Told from other NaNs by its bits, so it is carried as a symbol of its own. */
export const STALE_MARKER = Number.MIN_VALUE;
const STALE_BITS = 0x7ff0000000000002n;

/** Sends samples to a store's remote-write receiver (protocol 0.1.0: protobuf in snappy), a few thousand series at a time. */
export class RemoteWriter {
  readonly #url: string;
  #series = 0;
  readonly #batch = new ProtoBuffer();
  readonly #one = new ProtoBuffer();
  readonly #part = new ProtoBuffer();
  readonly #seriesPerRequest: number;

  constructor(baseUrl: string, options: { seriesPerRequest?: number } = {}) {
    this.#url = `${baseUrl}/api/v1/write`;
    this.#seriesPerRequest = options.seriesPerRequest ?? 2000;
  }

  async write(series: Iterable<WrittenSeries>): Promise<void> {
    for (const one of series) {
      this.#append(one);
      if (this.#series >= this.#seriesPerRequest) await this.#flush();
    }
    await this.#flush();
  }

  #append(series: WrittenSeries): void {
    const one = this.#one.reset();
    for (const name of Object.keys(series.labels).sort()) {
      const label = this.#part.reset();
      label.text(1, name);
      label.text(2, series.labels[name] ?? '');
      one.message(1, label);
    }
    for (let index = 0; index < series.timesMs.length; index += 1) {
      one.sample(2, series.timesMs[index] ?? 0, series.values[index] ?? 0);
    }
    this.#batch.message(1, one);
    this.#series += 1;
  }

  async #flush(): Promise<void> {
    if (this.#series === 0) return;
    const body = compress(this.#batch.bytes());
    this.#batch.reset();
    this.#series = 0;
    const answer = await fetch(this.#url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-protobuf',
        'content-encoding': 'snappy',
        'x-prometheus-remote-write-version': '0.1.0',
      },
      body: new Uint8Array(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`remote write to ${this.#url}: ${answer.status} ${text.slice(0, 200)}`);
  }
}

/** The three wire types that remote write needs, appended to one growing buffer. */
class ProtoBuffer {
  #buffer = Buffer.allocUnsafe(4096);
  #length = 0;

  reset(): this {
    this.#length = 0;
    return this;
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  text(field: number, value: string): void {
    const size = Buffer.byteLength(value);
    this.#reserve(size + 12);
    this.#varint((field << 3) | 2);
    this.#varint(size);
    this.#length += this.#buffer.write(value, this.#length);
  }

  message(field: number, inner: ProtoBuffer): void {
    const bytes = inner.bytes();
    this.#reserve(bytes.length + 12);
    this.#varint((field << 3) | 2);
    this.#varint(bytes.length);
    bytes.copy(this.#buffer, this.#length);
    this.#length += bytes.length;
  }

  sample(field: number, atMs: number, value: number): void {
    this.#reserve(32);
    this.#varint((field << 3) | 2);
    const sizeAt = this.#length;
    this.#length += 1;
    this.#buffer[this.#length++] = 0x09;
    if (value === STALE_MARKER) this.#buffer.writeBigUInt64LE(STALE_BITS, this.#length);
    else this.#buffer.writeDoubleLE(value, this.#length);
    this.#length += 8;
    this.#buffer[this.#length++] = 0x10;
    this.#varint(atMs);
    this.#buffer[sizeAt] = this.#length - sizeAt - 1;
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + size));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

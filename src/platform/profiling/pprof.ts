import type { Frame, StackSample } from './stack-profile.ts';

export interface ValueKind {
  readonly type: string;
  readonly unit: string;
}

export interface PprofOptions {
  readonly kinds: readonly ValueKind[];
  /** What lies between two samples, and how much of it. */
  readonly periodKind: ValueKind;
  readonly period: number;
  readonly startedMs: number;
  readonly durationMs: number;
  readonly samples: Iterable<StackSample>;
}

const VARINT = 0;
const BYTES = 2;

/** A profile in the protocol buffer that pprof reads, not compressed. The numbers are the fields of its `profile.proto`. */
export function encodePprof(options: PprofOptions): Buffer {
  const tables = new Tables();
  const samples: Message[] = [];
  for (const { frames, labels, values } of options.samples) {
    const sample = new Message()
      .packed(
        1,
        frames.map((frame) => tables.location(frame)),
      )
      .packed(2, values);
    for (const [key, value] of Object.entries(labels)) {
      sample.message(3, new Message().number(1, tables.string(key)).number(2, tables.string(value)));
    }
    samples.push(sample);
  }
  const kindOf = ({ type, unit }: ValueKind) =>
    new Message().number(1, tables.string(type)).number(2, tables.string(unit));
  const kinds = options.kinds.map(kindOf);
  const periodKind = kindOf(options.periodKind);

  const profile = new Message();
  for (const kind of kinds) profile.message(1, kind);
  for (const sample of samples) profile.message(2, sample);
  for (const location of tables.locations) profile.message(4, location);
  for (const each of tables.functions) profile.message(5, each);
  for (const text of tables.strings) profile.bytes(6, Buffer.from(text));
  return profile
    .number(9, BigInt(Math.round(options.startedMs)) * 1_000_000n)
    .number(10, Math.round(options.durationMs * 1_000_000))
    .message(11, periodKind)
    .number(12, Math.round(options.period))
    .finish();
}

/** What samples refer to by number. Strings count from 0, which is the empty one; the others from 1. */
class Tables {
  readonly locations: Message[] = [];
  readonly functions: Message[] = [];
  readonly #strings = new Map<string, number>([['', 0]]);
  readonly #locationIds = new Map<string, number>();
  readonly #functionIds = new Map<string, number>();

  get strings(): Iterable<string> {
    return this.#strings.keys();
  }

  string(text: string): number {
    let index = this.#strings.get(text);
    if (index === undefined) {
      index = this.#strings.size;
      this.#strings.set(text, index);
    }
    return index;
  }

  location({ name, file, line }: Frame): number {
    const key = `${name}\t${file}\t${line}`;
    let id = this.#locationIds.get(key);
    if (id === undefined) {
      id = this.locations.length + 1;
      this.#locationIds.set(key, id);
      const at = new Message().number(1, this.#function(name, file)).number(2, line);
      this.locations.push(new Message().number(1, id).message(4, at));
    }
    return id;
  }

  #function(name: string, file: string): number {
    const key = `${name}\t${file}`;
    let id = this.#functionIds.get(key);
    if (id === undefined) {
      id = this.functions.length + 1;
      this.#functionIds.set(key, id);
      const shown = this.string(name);
      this.functions.push(new Message().number(1, id).number(2, shown).number(3, shown).number(4, this.string(file)));
    }
    return id;
  }
}

/**
 * Writes fields one after another, as protocol buffers lie on the wire. Numbers are written whole, none is negative, and
 * none is larger than a double can tell: functions could have made up any.
 */
class Message {
  readonly #parts: Uint8Array[] = [];
  #head: number[] = [];
  #bytes = 0;

  number(field: number, value: number | bigint): this {
    if (value === 0) return this;
    this.#varint(field * 8 + VARINT);
    this.#varint(value);
    return this;
  }

  bytes(field: number, bytes: Uint8Array): this {
    this.#varint(field * 8 + BYTES);
    this.#varint(bytes.length);
    this.#flush();
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
    return this;
  }

  message(field: number, message: Message): this {
    return this.bytes(field, message.finish());
  }

  packed(field: number, values: readonly number[]): this {
    const packed = new Message();
    for (const value of values) packed.#varint(value);
    return this.bytes(field, packed.finish());
  }

  finish(): Buffer {
    this.#flush();
    return Buffer.concat(this.#parts, this.#bytes);
  }

  #varint(value: number | bigint): void {
    if (typeof value === 'bigint') {
      let left = value;
      for (; left >= 128n; left >>= 7n) this.#head.push(Number(left & 127n) + 128);
      this.#head.push(Number(left));
      return;
    }
    let left = Number.isNaN(value) ? 0 : Math.min(Math.max(0, Math.round(value)), Number.MAX_SAFE_INTEGER);
    // No shifts: they would cut what is longer than 32 bits.
    while (left >= 128) {
      this.#head.push((left % 128) + 128);
      left = Math.floor(left / 128);
    }
    this.#head.push(left);
  }

  #flush(): void {
    if (this.#head.length === 0) return;
    this.#parts.push(Uint8Array.from(this.#head));
    this.#bytes += this.#head.length;
    this.#head = [];
  }
}

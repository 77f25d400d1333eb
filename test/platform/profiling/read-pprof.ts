import { gunzipSync } from 'node:zlib';

/** What a pprof file says, with everything that stands in it by number looked up. */
export interface ReadProfile {
  readonly kinds: readonly string[];
  readonly periodKind: string;
  readonly period: number;
  readonly timeNanos: bigint;
  readonly durationNanos: number;
  readonly samples: readonly {
    /** Leaf first, as `name file:line`. */
    readonly stack: readonly string[];
    readonly names: readonly string[];
    readonly values: readonly number[];
    readonly labels: Readonly<Record<string, string>>;
  }[];
}

/** A reader of its own, so that the writer is not tried against itself. Throws on whatever is not as `profile.proto` says. */
export function readPprof(file: Uint8Array): ReadProfile {
  const profile = fieldsOf(gunzipSync(file));
  const strings = all(profile, 6).map((bytes) => Buffer.from(bytes as Uint8Array).toString());
  if (strings[0] !== '') throw new Error('the first string must be empty');
  const text = (index: bigint | undefined) => {
    const found = strings[Number(index ?? 0n)];
    if (found === undefined) throw new Error(`there is no string ${index}`);
    return found;
  };
  const kindOf = (bytes: Uint8Array) => {
    const kind = fieldsOf(bytes);
    return `${text(number(kind, 1))}/${text(number(kind, 2))}`;
  };
  const functions = byId(messages(profile, 5));
  const locations = byId(messages(profile, 4));
  const samples = messages(profile, 2).map((sample) => {
    const frames = packed(sample, 1).map((id) => {
      const line = messages(known(locations, id, 'location'), 4)[0]!;
      const each = known(functions, number(line, 1)!, 'function');
      return { name: text(number(each, 2)), at: `${text(number(each, 4))}:${number(line, 2) ?? 0}` };
    });
    return {
      stack: frames.map(({ name, at }) => `${name} ${at}`),
      names: frames.map(({ name }) => name),
      values: packed(sample, 2).map(Number),
      labels: Object.fromEntries(
        messages(sample, 3).map((label) => [text(number(label, 1)), text(number(label, 2))] as const),
      ),
    };
  });
  const kinds = all(profile, 1).map((bytes) => kindOf(bytes as Uint8Array));
  for (const { values } of samples) if (values.length !== kinds.length) throw new Error('a sample lacks values');
  return {
    kinds,
    periodKind: kindOf(all(profile, 11)[0] as Uint8Array),
    period: Number(number(profile, 12) ?? 0),
    timeNanos: number(profile, 9) ?? 0n,
    durationNanos: Number(number(profile, 10) ?? 0),
    samples,
  };
}

/** The sum of the second value over all stacks that have the name at the top, most first. */
export function topOf({ samples }: ReadProfile): [name: string, value: number][] {
  const sums = new Map<string, number>();
  for (const { names, values } of samples) sums.set(names[0]!, (sums.get(names[0]!) ?? 0) + values[1]!);
  return [...sums].sort(([, a], [, b]) => b - a);
}

type Fields = Map<number, (bigint | Uint8Array)[]>;

function fieldsOf(bytes: Uint8Array): Fields {
  const fields: Fields = new Map();
  const at = { index: 0 };
  while (at.index < bytes.length) {
    const key = Number(varint(bytes, at));
    let value: bigint | Uint8Array;
    if (key % 8 === 0) value = varint(bytes, at);
    else if (key % 8 === 2) {
      const length = Number(varint(bytes, at));
      if (at.index + length > bytes.length) throw new Error('a field is cut short');
      value = bytes.subarray(at.index, at.index + length);
      at.index += length;
    } else throw new Error(`wire type ${key % 8} is not expected`);
    const list = fields.get(key >> 3) ?? [];
    list.push(value);
    fields.set(key >> 3, list);
  }
  return fields;
}

function varint(bytes: Uint8Array, at: { index: number }): bigint {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = bytes[at.index++];
    if (byte === undefined || shift > 63n) throw new Error('a number is cut short');
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return value;
  }
}

const all = (fields: Fields, field: number) => fields.get(field) ?? [];
const number = (fields: Fields, field: number) => all(fields, field)[0] as bigint | undefined;
const messages = (fields: Fields, field: number) => all(fields, field).map((bytes) => fieldsOf(bytes as Uint8Array));

function packed(fields: Fields, field: number): bigint[] {
  return all(fields, field).flatMap((bytes) => {
    const at = { index: 0 };
    const values: bigint[] = [];
    while (at.index < (bytes as Uint8Array).length) values.push(varint(bytes as Uint8Array, at));
    return values;
  });
}

function byId(list: readonly Fields[]): Map<bigint, Fields> {
  const map = new Map(list.map((fields) => [number(fields, 1)!, fields] as const));
  if (map.size !== list.length || map.has(0n)) throw new Error('ids must be unique and not 0');
  return map;
}

function known(map: Map<bigint, Fields>, id: bigint, what: string): Fields {
  const found = map.get(id);
  if (!found) throw new Error(`there is no ${what} ${id}`);
  return found;
}

import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipPart {
  readonly name: string | Uint8Array;
  readonly content?: string | Uint8Array;
  /** As in `ls -l`; 0o120000 is a symbolic link. */
  readonly mode?: number;
  readonly flags?: number;
  readonly method?: number;
  /** Lies about the size. */
  readonly saidSize?: number;
  readonly crc?: number;
  /** Its sizes stand behind its name, where there is room for eight bytes. */
  readonly isZip64?: boolean;
}

/** A zip made by hand, so that it can be wrong in every way. */
export function makeZip(parts: readonly ZipPart[], { comment = '' }: { comment?: string } = {}): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const part of parts) {
    const name = Buffer.from(part.name);
    const content = Buffer.from(part.content ?? '');
    const method = part.method ?? 8;
    const packed = method === 8 ? deflateRawSync(content) : content;
    const crc = part.crc ?? crc32(content);
    const size = part.saidSize ?? content.length;
    const flags = part.flags ?? 0x0800;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(20, 4);
    local.writeUInt16LE(flags, 6);
    local.writeUInt16LE(method, 8);
    local.writeUInt32LE(crc, 14);
    local.writeUInt32LE(packed.length, 18);
    local.writeUInt32LE(size, 22);
    local.writeUInt16LE(name.length, 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt8(20, 4);
    central.writeUInt8(3, 5);
    central.writeUInt16LE(20, 6);
    central.writeUInt16LE(flags, 8);
    central.writeUInt16LE(method, 10);
    central.writeUInt32LE(crc, 16);
    central.writeUInt32LE(packed.length, 20);
    central.writeUInt32LE(part.isZip64 ? 0xffffffff : size, 24);
    central.writeUInt16LE(name.length, 28);
    const extra = part.isZip64 ? Buffer.from([1, 0, 8, 0, size, 0, 0, 0, 0, 0, 0, 0]) : Buffer.alloc(0);
    central.writeUInt16LE(extra.length, 30);
    central.writeUInt32LE(((part.mode ?? 0o100644) << 16) >>> 0, 38);
    central.writeUInt32LE(offset, 42);
    locals.push(local, name, packed);
    centrals.push(central, name, extra);
    offset += 30 + name.length + packed.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...locals, directory, end, Buffer.from(comment)]);
}

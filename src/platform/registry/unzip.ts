import { crc32, inflateRawSync } from 'node:zlib';
import { faultOfPath, faultOfPaths } from '../model/file-path.ts';
import { PlatformError } from '../model/platform-error.ts';

export interface UnzipLimits {
  /** Of the archive itself. */
  readonly zipMaxBytes: number;
  /** Of all files, unpacked. */
  readonly filesMaxBytes: number;
  readonly filesMax: number;
}

export const UNZIP_LIMITS: UnzipLimits = {
  zipMaxBytes: 50 * 2 ** 20,
  filesMaxBytes: 250 * 2 ** 20,
  filesMax: 10_000,
};

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;
const UTF8_NAMES = 0x0800;
const ENCRYPTED = 0x0001;
const UNIX = 3;
const FILE_TYPE = 0o170000;
const SYMLINK = 0o120000;
const REGULAR = 0o100000;
const FOLDER = 0o040000;

/**
 * The files of a zip, by path. Reads the central directory, as every unpacker does, so that what is checked is what would be
 * unpacked; refuses what would leave its folder, links, encryption, lies about sizes, and more than the limits allow before
 * it is unpacked. Node has inflate and crc32; the format around them is small, and the packages for it unpack first and let
 * one check later.
 */
export function unzip(zip: Uint8Array, limits: UnzipLimits = UNZIP_LIMITS): ReadonlyMap<string, Uint8Array> {
  const bytes = Buffer.from(zip.buffer, zip.byteOffset, zip.byteLength);
  if (bytes.length > limits.zipMaxBytes) tooLarge(`the zip has ${bytes.length} bytes; at most ${limits.zipMaxBytes}`);
  const { count, offset } = findDirectory(bytes);
  if (count > limits.filesMax) tooLarge(`the zip has ${count} entries; at most ${limits.filesMax}`);
  const files = new Map<string, Uint8Array>();
  let at = offset;
  let totalBytes = 0;
  for (let index = 0; index < count; index += 1) {
    const entry = readEntry(bytes, at);
    at = entry.next;
    if (entry.isFolder) continue;
    totalBytes += entry.size;
    if (totalBytes > limits.filesMaxBytes) tooLarge(`the zip unpacks to more than ${limits.filesMaxBytes} bytes`);
    if (files.has(entry.path)) refuse(`has ${JSON.stringify(entry.path)} twice`);
    files.set(entry.path, unpack(bytes, entry));
  }
  const fault = faultOfPaths(files.keys());
  if (fault) refuse(fault);
  if (files.size === 0) refuse('has no files in it');
  return files;
}

interface Entry {
  readonly path: string;
  readonly isFolder: boolean;
  readonly method: number;
  readonly crc: number;
  readonly packedSize: number;
  readonly size: number;
  readonly localOffset: number;
  readonly next: number;
}

function findDirectory(bytes: Buffer): { count: number; offset: number } {
  // A comment of up to 64 KiB may follow the record that says where everything is.
  const lowest = Math.max(0, bytes.length - END_BYTES - 0xffff);
  for (let at = bytes.length - END_BYTES; at >= lowest; at -= 1) {
    if (bytes.readUInt32LE(at) !== END || at + END_BYTES + bytes.readUInt16LE(at + 20) !== bytes.length) continue;
    const count = bytes.readUInt16LE(at + 10);
    const size = bytes.readUInt32LE(at + 12);
    const offset = bytes.readUInt32LE(at + 16);
    if (bytes.readUInt16LE(at + 4) !== 0 || bytes.readUInt16LE(at + 8) !== count) refuse('is in several parts');
    if (count === 0xffff || offset === 0xffffffff)
      refuse('is a ZIP64 archive, which is larger than anything taken here');
    if (offset + size > at) refuse('is cut off');
    return { count, offset };
  }
  return refuse('is no zip archive, or is cut off');
}

function readEntry(bytes: Buffer, at: number): Entry {
  if (at + CENTRAL_BYTES > bytes.length || bytes.readUInt32LE(at) !== CENTRAL) refuse('is damaged');
  const nameEnd = at + CENTRAL_BYTES + bytes.readUInt16LE(at + 28);
  const next = nameEnd + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  if (next > bytes.length) refuse('is cut off');
  const flags = bytes.readUInt16LE(at + 8);
  const name = nameOf(bytes.subarray(at + CENTRAL_BYTES, nameEnd), flags);
  const isFolder = name.endsWith('/');
  const path = isFolder ? name.slice(0, -1) : name;
  const fault = faultOfPath(path);
  if (fault) refuse(`has a path that ${fault}: ${JSON.stringify(name.slice(0, 200))}`);
  if (flags & ENCRYPTED) refuse(`has an encrypted file: ${JSON.stringify(path)}`);
  const mode = bytes.readUInt8(at + 5) === UNIX ? (bytes.readUInt32LE(at + 38) >>> 16) & FILE_TYPE : 0;
  if (mode === SYMLINK) refuse(`has a symbolic link: ${JSON.stringify(path)}`);
  if (mode !== 0 && mode !== REGULAR && mode !== FOLDER) refuse(`has a special file: ${JSON.stringify(path)}`);
  return {
    path,
    isFolder,
    method: bytes.readUInt16LE(at + 10),
    crc: bytes.readUInt32LE(at + 16),
    packedSize: bytes.readUInt32LE(at + 20),
    size: bytes.readUInt32LE(at + 24),
    localOffset: bytes.readUInt32LE(at + 42),
    next,
  };
}

function unpack(bytes: Buffer, { path, method, crc, packedSize, size, localOffset }: Entry): Uint8Array {
  const where = JSON.stringify(path);
  if (localOffset + LOCAL_BYTES > bytes.length || bytes.readUInt32LE(localOffset) !== LOCAL) {
    refuse(`is damaged at ${where}`);
  }
  const start = localOffset + LOCAL_BYTES + bytes.readUInt16LE(localOffset + 26) + bytes.readUInt16LE(localOffset + 28);
  if (start + packedSize > bytes.length) refuse(`is cut off in ${where}`);
  const packed = bytes.subarray(start, start + packedSize);
  const file = method === STORED ? Buffer.from(packed) : inflate(packed, { method, size, where });
  if (file.length !== size || crc32(file) !== crc) refuse(`is damaged in ${where}`);
  return file;
}

function inflate(packed: Buffer, { method, size, where }: { method: number; size: number; where: string }): Buffer {
  if (method !== DEFLATED) refuse(`packs ${where} in a way that is not known here (method ${method})`);
  try {
    // The bound holds against archives that unpack to more than they say.
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, size) });
  } catch {
    return refuse(`is damaged in ${where}`);
  }
}

function nameOf(bytes: Buffer, flags: number): string {
  // Without the flag names are in an old code page; as bytes of ASCII both are the same.
  const name = bytes.toString(flags & UTF8_NAMES ? 'utf8' : 'latin1');
  if (name.includes('\ufffd')) refuse('has a name that is not UTF-8');
  return name;
}

function refuse(says: string): never {
  throw new PlatformError('code-invalid', `the zip ${says}`, { field: 'code' });
}

function tooLarge(says: string): never {
  throw new PlatformError('code-too-large', says, { field: 'code' });
}

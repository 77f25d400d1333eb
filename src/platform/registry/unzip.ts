import { crc32, inflateRawSync } from 'node:zlib';
import type { Entry } from 'yauzl';
import { faultOfPath, faultOfPaths } from '../model/file-path.ts';
import { PlatformError } from '../model/platform-error.ts';

export const UNZIP_LIMITS = {
  /** Of the archive itself. */
  zipMaxBytes: 50 * 2 ** 20,
  /** Of all files, unpacked. */
  filesMaxBytes: 250 * 2 ** 20,
  filesMax: 10_000,
};

const STORED = 0;
const DEFLATED = 8;
const UTF8_NAMES = 0x0800;
const UNIX = 3;
const FILE_TYPE = 0o170000;
const SYMLINK = 0o120000;
const REGULAR = 0o100000;
const FOLDER = 0o040000;
const ZIP64 = 0x0001;

/**
 * The files of a zip, by path. Reads the central directory, as every unpacker does, so that what is checked is what would be
 * unpacked; refuses what would leave its folder, links, encryption, lies about sizes, and more than the limits allow before
 * it is unpacked.
 */
export async function unzip(zip: Uint8Array, limits = UNZIP_LIMITS): Promise<ReadonlyMap<string, Uint8Array>> {
  if (zip.length > limits.zipMaxBytes) tooLarge(`the zip has ${zip.length} bytes; at most ${limits.zipMaxBytes}`);
  const bytes = Buffer.from(zip.buffer, zip.byteOffset, zip.byteLength);
  const files = new Map<string, Uint8Array>();
  // A platform that gets no zips starts 20 ms sooner.
  const { fromBufferPromise } = await import('yauzl');
  try {
    // Names and sizes are checked here, so that what is wrong is said in the same words as for files that come one by one.
    const archive = await fromBufferPromise(bytes, { decodeStrings: false, validateEntrySizes: false });
    if (archive.entryCount > limits.filesMax) {
      tooLarge(`the zip has ${archive.entryCount} entries; at most ${limits.filesMax}`);
    }
    let totalBytes = 0;
    for await (const entry of archive.eachEntry()) {
      const { path, isFolder } = checkEntry(entry);
      if (isFolder) continue;
      totalBytes += entry.uncompressedSize;
      if (totalBytes > limits.filesMaxBytes) tooLarge(`the zip unpacks to more than ${limits.filesMaxBytes} bytes`);
      if (files.has(path)) refuse(`has ${JSON.stringify(path)} twice`);
      const { fileDataStart } = await archive.readLocalFileHeaderPromise(entry, { minimal: true });
      files.set(path, unpack(bytes.subarray(fileDataStart, fileDataStart + entry.compressedSize), entry, path));
    }
  } catch (error) {
    if (error instanceof PlatformError) throw error;
    refuse(`cannot be read: ${(error as Error).message}`);
  }
  const fault = faultOfPaths(files.keys());
  if (fault) refuse(fault);
  if (files.size === 0) refuse('has no files in it');
  return files;
}

function checkEntry(entry: Entry): { path: string; isFolder: boolean } {
  const name = nameOf(entry);
  const isFolder = name.endsWith('/');
  const path = isFolder ? name.slice(0, -1) : name;
  const fault = faultOfPath(path);
  if (fault) refuse(`has a path that ${fault}: ${JSON.stringify(name.slice(0, 200))}`);
  if (entry.isEncrypted()) refuse(`has an encrypted file: ${JSON.stringify(path)}`);
  if (entry.extraFields.some(({ id }) => id === ZIP64))
    refuse('is a ZIP64 archive, which is larger than anything taken here');
  const mode = entry.versionMadeBy >>> 8 === UNIX ? (entry.externalFileAttributes >>> 16) & FILE_TYPE : 0;
  if (mode === SYMLINK) refuse(`has a symbolic link: ${JSON.stringify(path)}`);
  if (mode !== 0 && mode !== REGULAR && mode !== FOLDER) refuse(`has a special file: ${JSON.stringify(path)}`);
  return { path, isFolder };
}

/** At once and whole: a stream for each file takes five times as long where there are many. */
function unpack(packed: Buffer, { compressionMethod, uncompressedSize, crc32: sum }: Entry, path: string): Uint8Array {
  const where = JSON.stringify(path);
  if (compressionMethod !== STORED && compressionMethod !== DEFLATED) {
    refuse(`packs ${where} in a way that is not known here (method ${compressionMethod})`);
  }
  try {
    // The bound holds against archives that unpack to more than they say.
    const maxOutputLength = Math.max(1, uncompressedSize);
    const file = compressionMethod === STORED ? Buffer.from(packed) : inflateRawSync(packed, { maxOutputLength });
    if (file.length === uncompressedSize && crc32(file) === sum) return file;
  } catch {}
  return refuse(`is damaged in ${where}`);
}

function nameOf({ fileNameRaw, generalPurposeBitFlag }: Entry): string {
  // Without the flag names are in an old code page; as bytes of ASCII both are the same.
  const name = fileNameRaw.toString(generalPurposeBitFlag & UTF8_NAMES ? 'utf8' : 'latin1');
  if (name.includes('\ufffd')) refuse('has a name that is not UTF-8');
  return name;
}

function refuse(says: string): never {
  throw new PlatformError('code-invalid', `the zip ${says}`, { field: 'code' });
}

function tooLarge(says: string): never {
  throw new PlatformError('code-too-large', says, { field: 'code' });
}

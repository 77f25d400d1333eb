import { open, stat } from 'node:fs/promises';

export type FileKind =
  | 'absent'
  /** There, and nothing in it. */
  | 'empty'
  /** An SQLite file in which some other program keeps its tables. */
  | 'foreign'
  /** Ours, or something that only opening it can tell. */
  | 'usable';

const MAGIC = 'SQLite format 3\0';
/** Where the header keeps `PRAGMA user_version`. */
const USER_VERSION_AT = 60;
const HEADER_BYTES = 100;

/** What kind of file stands there. Opening it as the store would make the tables in it; this reads a hundred bytes. */
export async function inspectFile(path: string): Promise<FileKind> {
  const found = await stat(path).catch(absentOnly);
  if (!found) return 'absent';
  // What was written last may stand in the log beside the file alone.
  const log = await stat(`${path}-wal`).catch(absentOnly);
  if (log && log.size > 0) return 'usable';
  if (found.size === 0) return 'empty';
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    const isSqlite = buffer.toString('latin1', 0, MAGIC.length) === MAGIC;
    return isSqlite && buffer.readUInt32BE(USER_VERSION_AT) === 0 ? 'foreign' : 'usable';
  } finally {
    await file.close();
  }
}

function absentOnly(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../../../lib/make-folder.ts';

/** One instance's own place: made for it, and taken away after it. */
export interface WorkFolder {
  readonly home: string;
  readonly code: string;
  readonly temporary: string;
  /** Where the worker notes which call it began last. */
  readonly receipt: string;
}

/** The folders of all instances, below one that is ours alone. */
export class WorkFolders {
  readonly root: string;
  #count = 0;

  constructor(parent: string) {
    makeFolder(parent);
    this.root = mkdtempSync(path.join(parent, `starling-${process.pid}-`));
    // Without it, a package file further up would decide what kind of module a function's source is.
    writeFileSync(path.join(this.root, 'package.json'), '{}');
  }

  make(): WorkFolder {
    const home = path.join(this.root, String(++this.#count));
    const folder = {
      home,
      code: path.join(home, 'code'),
      temporary: path.join(home, 'tmp'),
      receipt: path.join(home, '.receipt'),
    };
    for (const each of [home, folder.code, folder.temporary]) mkdirSync(each);
    return folder;
  }

  /** Throws the system's error; the folder may stay when it could not be emptied. */
  async remove(folder: WorkFolder): Promise<void> {
    await rm(folder.home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }

  close(): void {
    rmSync(this.root, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** The worker's end of the receipt, to be handed down. */
export function openReceipt(folder: WorkFolder): number {
  return openSync(folder.receipt, 'w');
}

/** Small files are written synchronously, because an instance waits for them; large ones are not, because every other call would wait. */
const WRITTEN_AT_ONCE_BYTES_MAX = 256 * 1024;

/** Paths were checked before: relative, and below the folder. */
export async function layOut(
  folder: WorkFolder,
  files: ReadonlyMap<string, Uint8Array>,
  { executable }: { executable: boolean },
): Promise<void> {
  const made = new Set([folder.code]);
  let writtenBytes = 0;
  for (const [file, bytes] of files) {
    const target = path.join(folder.code, file);
    const parent = path.dirname(target);
    if (!made.has(parent)) mkdirSync(parent, { recursive: true });
    made.add(parent);
    // Bundles do not always carry the right to run; what begins like a program may.
    const mode = executable || isProgram(bytes) ? 0o755 : 0o644;
    writtenBytes += bytes.length;
    if (writtenBytes <= WRITTEN_AT_ONCE_BYTES_MAX) writeFileSync(target, bytes, { mode });
    else await writeFile(target, bytes, { mode });
  }
}

/** ELF, or a script that names its interpreter. */
function isProgram(bytes: Uint8Array): boolean {
  return (bytes[0] === 0x7f && bytes[1] === 0x45) || (bytes[0] === 0x23 && bytes[1] === 0x21);
}

import { createHash } from 'node:crypto';
import type { Code } from '../model/function-record.ts';
import { PlatformError } from '../model/platform-error.ts';
import type { Sql } from './database.ts';

/** What code is, as one text: equal code, and nothing else, has an equal hash. Each part stands behind its length. */
export function hashCode(code: Code): string {
  const hash = createHash('sha256');
  const part = (bytes: string | Uint8Array) => {
    hash.update(`${Buffer.byteLength(bytes)}:`);
    hash.update(bytes);
  };
  part(code.kind);
  switch (code.kind) {
    case 'source':
      part(code.text);
      break;
    case 'builtin':
      part(code.name);
      break;
    case 'files':
      for (const path of [...code.files.keys()].sort()) {
        part(path);
        part(code.files.get(path) ?? '');
      }
      break;
    default:
      code satisfies never;
  }
  return hash.digest('hex');
}

/** Code lies on disk alone and is read when an instance starts: a thousand idle functions hold no memory. */
export class CodeStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Inside a transaction. The same code is kept once. */
  put(codeHash: string, code: Code): void {
    const text = code.kind === 'source' ? code.text : code.kind === 'builtin' ? code.name : '';
    const { changes } = this.#sql
      .prepare('INSERT INTO code VALUES (?, ?, ?) ON CONFLICT DO NOTHING')
      .run(codeHash, code.kind, text);
    if (changes === 0 || code.kind !== 'files') return;
    const insert = this.#sql.prepare('INSERT INTO code_files VALUES (?, ?, ?)');
    for (const [path, bytes] of code.files) insert.run(codeHash, path, bytes);
  }

  get(codeHash: string): Code {
    const row = this.#sql.prepare('SELECT kind, text FROM code WHERE code_hash = ?').get(codeHash);
    if (!row) throw new PlatformError('no-code', 'the code of this version is gone; deploy it again');
    const text = String(row['text']);
    if (row['kind'] === 'source') return { kind: 'source', text };
    if (row['kind'] === 'builtin') return { kind: 'builtin', name: text };
    const rows = this.#sql
      .prepare('SELECT path, bytes FROM code_files WHERE code_hash = ? ORDER BY path')
      .all(codeHash);
    return { kind: 'files', files: new Map(rows.map((each) => [String(each['path']), each['bytes'] as Uint8Array])) };
  }

  /** Inside a transaction: what no version needs any more. */
  sweep(): void {
    this.#sql
      .prepare('DELETE FROM code WHERE NOT EXISTS (SELECT 1 FROM versions WHERE versions.code_hash = code.code_hash)')
      .run();
  }
}

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

/**
 * Code lies on disk alone and is read when an instance starts: a thousand idle functions hold no memory. Inside a
 * transaction. The same code is kept once.
 */
export function keepCode(sql: Sql, codeHash: string, code: Code): void {
  const text = code.kind === 'source' ? code.text : code.kind === 'builtin' ? code.name : '';
  const added = sql.run('INSERT INTO code VALUES (?, ?, ?) ON CONFLICT DO NOTHING', codeHash, code.kind, text);
  if (added === 0 || code.kind !== 'files') return;
  for (const [path, bytes] of code.files) sql.run('INSERT INTO code_files VALUES (?, ?, ?)', codeHash, path, bytes);
}

export function readCode(sql: Sql, codeHash: string): Code {
  const row = sql.get<{ kind: Code['kind']; text: string }>(
    'SELECT kind, text FROM code WHERE code_hash = ?',
    codeHash,
  );
  if (!row) throw new PlatformError('no-code', 'the code of this version is gone; deploy it again');
  const { kind, text } = row;
  if (kind === 'source') return { kind, text };
  if (kind === 'builtin') return { kind, name: text };
  const files = sql.all<{ path: string; bytes: Uint8Array }>(
    'SELECT path, bytes FROM code_files WHERE code_hash = ? ORDER BY path',
    codeHash,
  );
  return { kind, files: new Map(files.map(({ path, bytes }) => [path, bytes])) };
}

/** Inside a transaction: what no version needs any more. */
export function sweepCode(sql: Sql): void {
  sql.run('DELETE FROM code WHERE NOT EXISTS (SELECT 1 FROM versions WHERE versions.code_hash = code.code_hash)');
}

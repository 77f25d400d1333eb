import type { Layout } from '../../../ports/store.ts';
import type { Sql } from '../sql.ts';

/** Writes the layout where there is none; returns what stands there afterwards. */
export function agreeOnLayout(sql: Sql, layout: Layout): Layout {
  const insert = sql.prepare('INSERT OR IGNORE INTO settings VALUES (?, ?)');
  insert.run('bucketCount', String(layout.bucketCount));
  insert.run('placement', layout.placement);
  insert.run('schemaVersion', String(layout.schemaVersion));
  const rows = sql.prepare('SELECT name, value FROM settings').all();
  const stored = new Map(rows.map((row) => [String(row['name']), String(row['value'])]));
  return {
    bucketCount: Number(stored.get('bucketCount')),
    placement: stored.get('placement') ?? '',
    schemaVersion: Number(stored.get('schemaVersion')),
  };
}

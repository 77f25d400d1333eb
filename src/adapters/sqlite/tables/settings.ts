import type { Layout } from '../../../ports/store.ts';
import type { Sql } from '../sql.ts';

/** Writes the layout where there is none; returns what stands there afterwards. */
export function agreeOnLayout(sql: Sql, layout: Layout): Layout {
  const insert = sql.prepare('INSERT OR IGNORE INTO settings VALUES (?, ?)');
  insert.run('bucketCount', String(layout.bucketCount));
  insert.run('placement', layout.placement);
  insert.run('schemaVersion', String(layout.schemaVersion));
  return readLayout(sql) ?? layout;
}

/** Undefined where no member has been. */
export function readLayout(sql: Sql): Layout | undefined {
  const rows = sql.prepare('SELECT name, value FROM settings').all();
  const stored = new Map(rows.map((row) => [String(row['name']), String(row['value'])]));
  const placement = stored.get('placement');
  if (placement === undefined) return undefined;
  return {
    bucketCount: Number(stored.get('bucketCount')),
    placement,
    schemaVersion: Number(stored.get('schemaVersion')),
  };
}

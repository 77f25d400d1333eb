import type { Control, ControlKind } from '../../../domain/control.ts';
import type { Sql } from '../sql.ts';

export function listControls(sql: Sql, nowMs: number): Control[] {
  const rows = sql.prepare('SELECT control FROM controls WHERE until_ms > ?').all(Math.round(nowMs));
  return rows.map((row) => JSON.parse(String(row['control'])) as Control);
}

export function putControl(sql: Sql, control: Control): void {
  const versionId = control.kind === 'freeze-release' ? '' : control.versionId;
  sql
    .prepare('INSERT OR REPLACE INTO controls VALUES (?, ?, ?, ?)')
    .run(control.kind, versionId, Math.round(control.until), JSON.stringify(control));
}

export function removeControl(sql: Sql, kind: ControlKind, versionId: string): void {
  sql.prepare('DELETE FROM controls WHERE kind = ? AND version_id = ?').run(kind, versionId);
}

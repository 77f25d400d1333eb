import type { MemberRow, MemberState } from '../../../domain/member.ts';
import type { Sql } from '../sql.ts';

export function writeMember(sql: Sql, row: MemberRow, expiresMs: number): void {
  sql
    .prepare('INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?, ?, ?, ?)')
    .run(row.memberId, row.beat, row.state, row.version, row.address, row.weight, Math.round(expiresMs));
}

export function listMembers(sql: Sql, nowMs: number): MemberRow[] {
  const rows = sql.prepare('SELECT * FROM members WHERE expires_ms > ?').all(Math.round(nowMs));
  return rows.map((row) => ({
    memberId: String(row['member_id']),
    beat: Number(row['beat']),
    state: String(row['state']) as MemberState,
    version: String(row['version']),
    address: String(row['address']),
    weight: Number(row['weight']),
  }));
}

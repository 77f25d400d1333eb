import type { MemberRow, MemberState } from '../../domain/member.ts';
import type { Roster } from '../../ports/roster.ts';
import type { Session } from './session.ts';

const LEFT_TTL_SECONDS = 30;

/** Every column every time: cells of one row must not expire one by one. */
const BEAT =
  'INSERT INTO members (cluster, member_id, beat, state, version, address, weight) VALUES (?, ?, ?, ?, ?, ?, ?) USING TTL ?';
const LIST = 'SELECT member_id, beat, state, version, address, weight FROM members WHERE cluster = ?';

export class CassandraRoster implements Roster {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async beat(row: MemberRow): Promise<void> {
    const { cluster, memberTtlSeconds, heartbeatDeadlineMs: deadlineMs } = this.#session.options;
    const { memberId, beat, state, version, address, weight } = row;
    const ttl = state === 'left' ? LEFT_TTL_SECONDS : memberTtlSeconds;
    const params = [cluster, memberId, BigInt(beat), state, version, address, weight, ttl];
    await this.#session.write('beat', { query: BEAT, params }, { deadlineMs, isUrgent: true });
  }

  async list(): Promise<MemberRow[]> {
    const { cluster, heartbeatDeadlineMs: deadlineMs } = this.#session.options;
    const rows = await this.#session.rows('members', LIST, [cluster], { deadlineMs, isUrgent: true });
    return rows.map((row) => ({
      memberId: row['member_id'] as string,
      beat: Number(row['beat']),
      state: row['state'] as MemberState,
      version: row['version'] as string,
      address: row['address'] as string,
      weight: row['weight'] as number,
    }));
  }
}

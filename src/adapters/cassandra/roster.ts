import type { MemberState } from '../../domain/member.ts';
import type { Roster } from '../../ports/roster.ts';
import type { Session } from './session.ts';

const LEFT_TTL_SECONDS = 30;

/** Every column every time: cells of one row must not expire one by one. */
const BEAT =
  'INSERT INTO members (cluster, member_id, beat, state, version, address, weight) VALUES (?, ?, ?, ?, ?, ?, ?) USING TTL ?';
const LIST = 'SELECT member_id, beat, state, version, address, weight FROM members WHERE cluster = ?';

export function rosterOn(session: Session): Roster {
  const { cluster, memberTtlSeconds, heartbeatDeadlineMs: deadlineMs } = session.options;
  return {
    async beat({ memberId, beat, state, version, address, weight }) {
      const ttl = state === 'left' ? LEFT_TTL_SECONDS : memberTtlSeconds;
      const params = [cluster, memberId, BigInt(beat), state, version, address, weight, ttl];
      await session.write('beat', { query: BEAT, params }, { deadlineMs, isUrgent: true });
    },
    async list() {
      const rows = await session.rows('members', LIST, [cluster], { deadlineMs, isUrgent: true });
      return rows.map((row) => ({
        memberId: row['member_id'] as string,
        beat: Number(row['beat']),
        state: row['state'] as MemberState,
        version: row['version'] as string,
        address: row['address'] as string,
        weight: row['weight'] as number,
      }));
    },
  };
}

import type { MemberRow } from '../../domain/member.ts';
import type { Roster } from '../../ports/roster.ts';
import type { Line } from './line.ts';

/** Long enough for anyone to have noticed; the rows only must not pile up. */
const MEMBER_TTL_MS = 120_000;
const LEFT_TTL_MS = 30_000;

export class MemoryRoster implements Roster {
  readonly #line: Line;

  constructor(line: Line) {
    this.#line = line;
  }

  beat(row: MemberRow): Promise<void> {
    return this.#line.call('roster.beat', () => {
      const { members, clock } = this.#line.world;
      const ttlMs = row.state === 'left' ? LEFT_TTL_MS : MEMBER_TTL_MS;
      members.set(row.memberId, { row, expiresMs: clock.wallMs() + ttlMs });
    });
  }

  list(): Promise<MemberRow[]> {
    return this.#line.call('roster.list', () => {
      const { members, clock } = this.#line.world;
      const nowMs = clock.wallMs();
      return [...members.values()].filter(({ expiresMs }) => expiresMs > nowMs).map(({ row }) => row);
    });
  }
}

import type { Control, ControlKind } from '../../domain/control.ts';
import type { Controls } from '../../ports/controls.ts';
import type { Row, Session } from './session.ts';

const PUT =
  'INSERT INTO controls (cluster, kind, version_id, wanted, until_ms, by_whom, why) VALUES (?, ?, ?, ?, ?, ?, ?) USING TTL ?';
const REMOVE = 'DELETE FROM controls WHERE cluster = ? AND kind = ? AND version_id = ?';
const LIST = 'SELECT kind, version_id, wanted, until_ms, by_whom, why FROM controls WHERE cluster = ?';

/** The row goes this long after its control ended: the end itself is judged by `until`, never by the row's age. */
const TTL_MARGIN_SECONDS = 3600;
/** Cassandra 4.1 refuses a TTL that ends after January 2038. */
const TTL_MAX_SECONDS = 5 * 365 * 86_400;

export function controlsOn(session: Session): Controls {
  const { clock, cluster, heartbeatDeadlineMs: deadlineMs } = session.options;
  return {
    async list(nowMs) {
      const rows = await session.rows('controls', LIST, [cluster], { deadlineMs, isUrgent: true });
      return rows.map(toControl).filter(({ until }) => until > nowMs);
    },
    async put(control) {
      const { kind, until, by, why } = control;
      const versionId = kind === 'freeze-release' ? '' : control.versionId;
      const wanted = kind === 'override' ? control.wanted : -1;
      const seconds = Math.ceil((until - clock.wallMs()) / 1000);
      const ttl = Math.min(Math.max(seconds, 0) + TTL_MARGIN_SECONDS, TTL_MAX_SECONDS);
      const params = [cluster, kind, versionId, wanted, BigInt(Math.round(until)), by, why, ttl];
      await session.write('control-put', { query: PUT, params });
    },
    remove: (kind, versionId) => session.write('control-remove', { query: REMOVE, params: [cluster, kind, versionId] }),
  };
}

function toControl(row: Row): Control {
  const versionId = row['version_id'] as string;
  const said = { until: Number(row['until_ms']), by: row['by_whom'] as string, why: row['why'] as string };
  const kind = row['kind'] as ControlKind;
  switch (kind) {
    case 'pause':
      return { kind, versionId, ...said };
    case 'override':
      return { kind, versionId, wanted: row['wanted'] as number, ...said };
    case 'freeze-release':
      return { kind, ...said };
  }
}

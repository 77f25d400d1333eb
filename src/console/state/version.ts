import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api/client.ts';
import type { Entry, Version } from '../api/shapes.ts';
import type { Session } from './session.ts';

const ENTRIES = 100;
const LOOK_AGAIN_MS = 15_000;
/** The ledger hears of a decision a moment after everybody else. */
const LEDGER_LAG_MS = 1_500;

interface Shown {
  readonly version: Version;
  readonly entries: readonly Entry[];
  readonly next: string | null;
}

/** One version and its decisions, read again when something happens to it, and now and then. */
export function useVersion(session: Session, versionId: string) {
  const [shown, setShown] = useState<Shown>();
  const [fault, setFault] = useState<ApiError>();
  const path = `v1/functions/${encodeURIComponent(versionId)}`;

  useEffect(() => {
    let isGone = false;
    async function look() {
      try {
        const [version, decisions] = await Promise.all([
          session.client.get<Version>(path),
          session.client.get<{ items: Entry[]; next: string | null }>(`${path}/decisions?limit=${ENTRIES}`),
        ]);
        if (isGone) return;
        setShown((before) => withNewer(before, { version, entries: decisions.items, next: decisions.next }));
        setFault(undefined);
      } catch (error) {
        if (!isGone)
          setFault(error instanceof ApiError ? error : new ApiError(0, { detail: (error as Error).message }));
      }
    }
    void look();
    let later: ReturnType<typeof setTimeout> | undefined;
    const lookSoon = () => {
      clearTimeout(later);
      later = setTimeout(() => void look(), LEDGER_LAG_MS);
    };
    const unfollow = [
      session.touched.follow(() => {
        if (!session.touched.value.has(versionId)) return;
        void look();
        lookSoon();
      }),
      session.controls.follow(lookSoon),
      session.connection.follow(() => session.connection.value.state === 'live' && void look()),
    ];
    const timer = setInterval(() => !document.hidden && void look(), LOOK_AGAIN_MS);
    return () => {
      isGone = true;
      clearTimeout(later);
      clearInterval(timer);
      for (const stop of unfollow) stop();
    };
  }, [session, path, versionId]);

  async function more() {
    if (!shown?.next) return;
    try {
      const older = await session.client.get<{ items: Entry[]; next: string | null }>(
        `${path}/decisions?limit=${ENTRIES}&before=${encodeURIComponent(shown.next)}`,
      );
      setShown((now) => now && { ...now, entries: [...now.entries, ...older.items], next: older.next });
    } catch (error) {
      if (error instanceof ApiError) setFault(error);
    }
  }
  return { shown, fault, more };
}

/** Older pages that were asked for stay when the newest is read again. */
function withNewer(before: Shown | undefined, now: Shown): Shown {
  const oldest = now.entries.at(-1);
  if (!before || !oldest) return now;
  const older = before.entries.filter(({ at }) => at < oldest.at);
  return older.length === 0 ? now : { ...now, entries: [...now.entries, ...older], next: before.next };
}

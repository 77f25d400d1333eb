import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api/client.ts';
import type { Control, Entry, Version } from '../api/shapes.ts';
import { ControlDialog, EndDialog, type Wish } from '../parts/control-dialog.tsx';
import { Explanation } from '../parts/explanation.tsx';
import { Icon, VerdictChip } from '../parts/icons.tsx';
import { Fact, Note } from '../parts/notes.tsx';
import { VersionCharts } from '../parts/version-charts.tsx';
import { lastList, useCell, useNow } from '../state/hooks.ts';
import type { Session } from '../state/session.ts';
import { memberLink } from '../view/bucket-map.ts';
import { chartSeries } from '../view/chart-series.ts';
import { tellAgo, tellClock, tellCode, tellCount, tellMember, tellSpan, tellValue, UNKNOWN } from '../view/format.ts';
import { writeRoute } from '../view/route.ts';

const ENTRIES = 100;
const LOOK_AGAIN_MS = 15_000;
/** The ledger hears of a decision a moment after everybody else. */
const LEDGER_LAG_MS = 1_500;

interface Shown {
  readonly version: Version;
  readonly entries: readonly Entry[];
  readonly next: string | null;
}

export function FunctionPage({ session, versionId }: { session: Session; versionId: string }) {
  const { shown, fault, more } = useVersion(session, versionId);
  const nowMs = useNow();
  const [chosenAt, setChosenAt] = useState<string>();
  const [wish, setWish] = useState<Wish>();
  const [ending, setEnding] = useState<Control>();
  const controls = useCell(session.controls).filter((control) => control.versionId === versionId);
  const details = useRef<HTMLDivElement>(null);
  useEscapeToFleet();
  const series = useMemo(() => shown && chartSeries(shown.version, shown.entries, Date.now()), [shown]);

  if (!shown || !series) {
    if (!fault) return <Note tone="busy" title="Reading the version" />;
    return (
      <Note
        tone={fault.status === 404 ? 'calm' : 'bad'}
        title={fault.status === 404 ? 'No such function version' : 'It could not be read'}
      >
        {fault.message} <a href={lastList.value}>To the fleet</a>
      </Note>
    );
  }
  const { version, entries } = shown;
  const chosen = entries.find(({ at }) => at === chosenAt);
  const paused = controls.find(({ kind }) => kind === 'pause');
  const overridden = controls.find(({ kind }) => kind === 'override');
  const wanted = version.latest?.wanted ?? version.state?.applied ?? null;
  const explained = chosen ?? version.latest ?? entries[0];

  function choose(entry: Entry) {
    setChosenAt(entry.at);
    if (matchMedia('(max-width: 1000px)').matches) details.current?.scrollIntoView({ block: 'start' });
  }

  return (
    <div class="version-page">
      <header class="version-head">
        <a class="back" href={lastList.value}>
          <Icon name="back" />
          Fleet
        </a>
        <div class="version-title">
          <h1 class="mono">{version.versionId}</h1>
          <p class="muted">
            function <span class="mono">{version.functionId}</span>
            {version.account && (
              <>
                {' '}
                · account <span class="mono">{version.account}</span>
              </>
            )}
          </p>
        </div>
        <div class="version-actions">
          <button
            type="button"
            class="button"
            disabled={paused !== undefined}
            onClick={() => setWish({ kind: 'pause', versionId })}
          >
            Pause…
          </button>
          <button
            type="button"
            class="button"
            onClick={() =>
              setWish({
                kind: 'override',
                versionId,
                wanted: wanted ?? 1,
                min: version.target?.min,
                max: version.target?.max,
              })
            }
          >
            Override…
          </button>
        </div>
      </header>

      {[paused, overridden].map(
        (control) =>
          control && (
            <p key={control.kind} class="banner banner-info">
              <span>
                <strong>{control.kind === 'pause' ? 'Paused' : `Overridden to ${tellCount(control.wanted)}`}</strong> by{' '}
                {control.by} until {tellClock(control.until, { withDate: true })} (
                {tellSpan(Date.parse(control.until) - nowMs)} left): {control.why}
              </span>
              <button type="button" class="button button-small" onClick={() => setEnding(control)}>
                End…
              </button>
            </p>
          ),
      )}
      <Elsewhere version={version} />
      {fault && (
        <p class="banner banner-warn">
          <span>{fault.message} What you see is older.</span>
        </p>
      )}

      <Facts version={version} wanted={wanted} nowMs={nowMs} />
      <VersionCharts series={series} nowMs={nowMs} chosen={chosen} onChoose={choose} />

      <div class="decisions">
        <section aria-label="Decisions">
          <h2>Decisions</h2>
          <ol class="decision-list">
            {version.latest && (
              <li>
                <button
                  type="button"
                  class="decision"
                  aria-pressed={chosen === undefined}
                  onClick={() => setChosenAt(undefined)}
                >
                  <time dateTime={version.latest.at}>{tellAgo(version.latest.at, nowMs)}</time>
                  <VerdictChip verdict={version.latest.verdict} />
                  <span class="decision-why">{tellCode(version.latest.reasons.at(-1)?.code ?? '')}</span>
                  <span class="muted">latest</span>
                </button>
              </li>
            )}
            {entries.map((entry) => (
              <li key={`${entry.at} ${entry.token}`}>
                <button type="button" class="decision" aria-pressed={entry === chosen} onClick={() => choose(entry)}>
                  <time dateTime={entry.at} title={tellClock(entry.at, { withDate: true })}>
                    {tellClock(entry.at)}
                  </time>
                  <VerdictChip verdict={entry.verdict} />
                  <span class="decision-why">
                    {entry.wanted !== entry.previous && (
                      <strong>
                        {tellCount(entry.previous)} → {tellCount(entry.wanted)}{' '}
                      </strong>
                    )}
                    {tellCode(entry.reasons.at(-1)?.code ?? '')}
                  </span>
                  {entry.outcome && <span class="muted decision-outcome">{tellCode(entry.outcome)}</span>}
                </button>
              </li>
            ))}
          </ol>
          {entries.length === 0 && (
            <p class="muted pad">
              The ledger has no decision of this version: it has only been kept as it was since it was met.
            </p>
          )}
          {shown.next && (
            <button type="button" class="button button-small" onClick={more}>
              Older…
            </button>
          )}
        </section>
        <div ref={details} class="decision-details">
          {explained ? (
            <Explanation told={explained} />
          ) : (
            <Note title="No decision yet">The first one comes with the next evaluation.</Note>
          )}
        </div>
      </div>
      {wish && <ControlDialog session={session} wish={wish} onClose={() => setWish(undefined)} />}
      {ending && (
        <EndDialog
          session={session}
          path={`v1/functions/${encodeURIComponent(versionId)}/${ending.kind}`}
          what={ending.kind}
          onClose={() => setEnding(undefined)}
        />
      )}
    </div>
  );
}

function Elsewhere({ version }: { version: Version }) {
  if (version.isMine) return null;
  const link = memberLink(version.ownerAddress);
  return (
    <p class="banner banner-info">
      <span>
        <strong>
          {version.owner
            ? `${tellMember(version.owner)} evaluates this version.`
            : 'Nobody evaluates this version now.'}
        </strong>{' '}
        {version.owner
          ? 'Here you see what it left in the store: orders and decisions, not live load.'
          : 'Its bucket has no owner until the members agree again, within seconds.'}
      </span>
      {link && (
        <a
          class="button button-small"
          href={`${link}${writeRoute({ page: 'function', versionId: version.versionId })}`}
          rel="noreferrer"
        >
          Open there
          <Icon name="link" />
        </a>
      )}
    </p>
  );
}

function Facts({ version, wanted, nowMs }: { version: Version; wanted: number | null; nowMs: number }) {
  const { target, state, memory, calls } = version;
  const since = (at: string | null | undefined) => (at ? tellAgo(at, nowMs) : UNKNOWN);
  return (
    <dl class="facts">
      <div class="fact fact-big">
        <dt>Actual → wanted</dt>
        <dd>
          {tellCount(version.latest?.actual)} <span class="muted">→</span> <strong>{tellCount(wanted)}</strong>
        </dd>
      </div>
      <Fact name="Utilisation">{tellValue(version.utilisation.at(-1)?.value, ' %')}</Fact>
      <Fact name="Demand">{tellValue(version.demand.at(-1)?.value)}</Fact>
      <Fact name="Bounds" hint={version.targetAsOf ? `as told ${since(version.targetAsOf)}` : undefined}>
        {target ? `${target.min} to ${target.max}` : UNKNOWN}
      </Fact>
      <Fact name="Concurrency" hint="calls that one instance takes at a time">
        {tellCount(target?.concurrency)}
      </Fact>
      <Fact name="Status">{target?.status.toLowerCase() ?? UNKNOWN}</Fact>
      <Fact name="Policy" hint={version.latest?.policy}>
        {version.policyInForce?.kind ?? UNKNOWN}
        {target && !target.policy && <span class="muted"> (default)</span>}
      </Fact>
      <Fact name="Signals" hint={`profiles that show it: ${version.profiles.join(', ') || 'none'}`}>
        {version.profile ?? version.profiles[0] ?? UNKNOWN}
      </Fact>
      <Fact
        name="Last call"
        hint={
          calls?.watchedSince ? `calls watched since ${tellClock(calls.watchedSince, { withDate: true })}` : undefined
        }
      >
        {calls ? (calls.lastAt ? since(calls.lastAt) : 'none seen') : UNKNOWN}
      </Fact>
      <Fact name="Last order" hint={state ? `token ${state.token}, by ${state.holder}` : undefined}>
        {state ? (
          <>
            {state.phase === 'pending' ? 'pending' : (state.outcome && tellCode(state.outcome)) || UNKNOWN}{' '}
            <span class="muted">{since(state.phase === 'pending' ? state.claimedAt : state.settledAt)}</span>
          </>
        ) : (
          'none yet'
        )}
      </Fact>
      {memory?.raisedAt && <Fact name="Last raised">{since(memory.raisedAt)}</Fact>}
      {memory?.loweredAt && <Fact name="Last lowered">{since(memory.loweredAt)}</Fact>}
      {memory?.blindSince && <Fact name="Load unseen for">{tellSpan(nowMs - Date.parse(memory.blindSince))}</Fact>}
      {memory?.apartSince && <Fact name="Actual differs for">{tellSpan(nowMs - Date.parse(memory.apartSince))}</Fact>}
      <Fact name="Evaluated by" hint={version.owner ?? undefined}>
        {tellMember(version.owner)} <span class="muted">bucket {version.bucket}</span>
      </Fact>
    </dl>
  );
}

function useVersion(session: Session, versionId: string) {
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
      session.line.follow(() => session.line.value.state === 'live' && void look()),
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

function useEscapeToFleet(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented || document.querySelector('dialog[open], .help')) return;
      location.hash = lastList.value;
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

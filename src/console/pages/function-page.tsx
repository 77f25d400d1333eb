import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Control, Entry, Version } from '../api/shapes.ts';
import { ControlDialog, type ControlRequest, EndDialog } from '../parts/control-dialog.tsx';
import { DecisionList } from '../parts/decision-list.tsx';
import { Explanation } from '../parts/explanation.tsx';
import { Icon } from '../parts/icons.tsx';
import { Note } from '../parts/notes.tsx';
import { VersionCharts } from '../parts/version-charts.tsx';
import { VersionFacts } from '../parts/version-facts.tsx';
import { lastList, useCell, useNow } from '../state/hooks.ts';
import type { Session } from '../state/session.ts';
import { useVersion } from '../state/version.ts';
import { memberLink } from '../view/bucket-map.ts';
import { chartSeries } from '../view/chart-series.ts';
import { formatClock, formatCount, formatMember, formatSpan } from '../view/format.ts';
import { writeRoute } from '../view/route.ts';

export function FunctionPage({ session, versionId }: { session: Session; versionId: string }) {
  const { shown, fault, more } = useVersion(session, versionId);
  const nowMs = useNow();
  const [chosenAt, setChosenAt] = useState<string>();
  const [wish, setWish] = useState<ControlRequest>();
  const [ending, setEnding] = useState<Control>();
  const controls = useCell(session.controls).filter((control) => control.versionId === versionId);
  const details = useRef<HTMLDivElement>(null);
  useEscapeToFleet();
  const series = useMemo(() => shown && chartSeries(shown.version, shown.entries, Date.now()), [shown]);

  if (!shown || !series) {
    if (!fault) return <Note tone="busy" title="Reading the version" />;
    const toFleet = <a href={lastList.value}>To the fleet</a>;
    if (fault.status === 404) {
      return (
        <Note title="No such function version">
          None with this id is active: it is mistyped, or there are no recent metrics of it. {toFleet}
        </Note>
      );
    }
    return (
      <Note tone="bad" title="It could not be read">
        {fault.message} {toFleet}
      </Note>
    );
  }
  const { version, entries } = shown;
  const chosen = entries.find(({ at }) => at === chosenAt);
  const paused = controls.find(({ kind }) => kind === 'pause');
  const overridden = controls.find(({ kind }) => kind === 'override');
  const wanted = version.latest?.wanted ?? version.state?.applied ?? null;
  const explained = chosen ?? version.latest ?? entries[0];

  function choose(entry: Entry | undefined) {
    setChosenAt(entry?.at);
    if (entry && matchMedia('(max-width: 1000px)').matches) details.current?.scrollIntoView({ block: 'start' });
  }

  return (
    <div class="version-page">
      <header class="version-head">
        <a class="back" href={lastList.value}>
          <Icon name="back" />
          Fleet
        </a>
        <div class="version-title">
          <h1 class={version.name === null ? 'mono' : undefined}>{version.name ?? version.versionId}</h1>
          <p class="muted">
            {version.name !== null && (
              <>
                version <span class="mono">{version.versionId}</span>
                {' · '}
              </>
            )}
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
                <strong>{control.kind === 'pause' ? 'Paused' : `Overridden to ${formatCount(control.wanted)}`}</strong>{' '}
                by {control.by} until {formatClock(control.until, { withDate: true })} (
                {formatSpan(Date.parse(control.until) - nowMs)} left): {control.why}
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

      <VersionFacts version={version} wanted={wanted} nowMs={nowMs} />
      <VersionCharts series={series} nowMs={nowMs} chosen={chosen} onChoose={choose} />

      <div class="decisions">
        <DecisionList
          latest={version.latest}
          entries={entries}
          chosen={chosen}
          nowMs={nowMs}
          onChoose={choose}
          onMore={shown.next ? more : undefined}
        />
        <div ref={details} class="decision-details">
          {explained ? (
            <Explanation decision={explained} />
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
            ? `${formatMember(version.owner)} evaluates this version.`
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

import { useMemo, useRef } from 'preact/hooks';
import { Icon, VerdictChip } from '../parts/icons.tsx';
import { Meter, Note } from '../parts/notes.tsx';
import { useSlash, VirtualList } from '../parts/virtual-list.tsx';
import { useCell, useMedia, useNow } from '../state/hooks.ts';
import type { Session } from '../state/session.ts';
import {
  FILTERS,
  type Filter,
  type FleetTotals,
  PLAIN_QUERY,
  type Query,
  ROW_STATUS_NAMES,
  type Row,
  type Sort,
  selectRows,
  totalsOf,
  wantedOf,
} from '../view/fleet-rows.ts';
import { formatAgo, formatCode, formatCount, formatMember, formatValue, UNKNOWN } from '../view/format.ts';
import { writeRoute } from '../view/route.ts';

const ROW_HEIGHT = 44;
const CARD_HEIGHT = 84;

const COLUMNS: readonly { sort: Sort; name: string; isNumber?: boolean; hint?: string }[] = [
  { sort: 'name', name: 'Function version' },
  { sort: 'standing', name: 'Verdict', hint: 'What was decided last, and the reason that weighs most' },
  { sort: 'actual', name: 'Actual', isNumber: true, hint: 'Instances seen running' },
  { sort: 'wanted', name: 'Wanted', isNumber: true, hint: 'Instances that should run' },
  { sort: 'utilisation', name: 'Utilisation', isNumber: true, hint: 'Per cent of capacity in use' },
  { sort: 'demand', name: 'Demand', isNumber: true, hint: 'Calls queued plus running' },
  { sort: 'changed', name: 'Changed', isNumber: true, hint: 'When an order for it last came to an end' },
  { sort: 'owner', name: 'Member', hint: 'Who evaluates it' },
];

function go(query: Query): void {
  // Typing is no history to go back through.
  history.replaceState(null, '', writeRoute({ page: 'fleet', query }));
  dispatchEvent(new HashChangeEvent('hashchange'));
}

export function FleetPage({ session, query }: { session: Session; query: Query }) {
  const rows = useCell(session.rows);
  const reading = useCell(session.reading);
  const isNarrow = useMedia('(max-width: 760px)');
  const totals = useMemo(() => totalsOf(rows), [rows]);
  const chosen = useMemo(() => selectRows(rows, query), [rows, query]);
  const search = useRef<HTMLInputElement>(null);
  useSlash(() => search.current?.focus());
  const change = (part: Partial<Query>) => go({ ...query, ...part });
  const sortBy = (sort: Sort) =>
    change({ sort, isDescending: query.sort === sort ? !query.isDescending : sort !== 'name' && sort !== 'owner' });

  return (
    <div class="fleet">
      <h1 class="unseen">Fleet</h1>
      <Totals totals={totals} />
      <div class="tools">
        <label class="search">
          <Icon name="search" />
          <span class="unseen">Search by name, version, function, account, reason or member</span>
          <input
            ref={search}
            type="search"
            placeholder="Search names, versions, functions, accounts, reasons"
            value={query.text}
            onInput={({ currentTarget }) => change({ text: currentTarget.value })}
            onKeyDown={(event) => {
              if (event.key === 'Escape') event.currentTarget.blur();
              if (event.key === 'ArrowDown') document.querySelector<HTMLElement>('.list')?.focus();
            }}
          />
          <span class="slash" aria-hidden="true">
            /
          </span>
        </label>
        <Filters totals={totals} chosen={query.filter} onChoose={(filter) => change({ filter })} />
      </div>
      {reading.state === 'failed' && rows.size === 0 ? (
        <Note tone="bad" title="The fleet could not be read">
          {reading.why}
        </Note>
      ) : reading.state === 'loading' && rows.size === 0 ? (
        <Note tone="busy" title="Reading the fleet" />
      ) : rows.size === 0 ? (
        <Note title="No active function versions yet">
          A version appears here within one discovery interval of its first metrics. If it does not,{' '}
          <code>starling doctor</code> says what is missing.
        </Note>
      ) : chosen.length === 0 ? (
        <Note title="Nothing matches">
          <button type="button" class="button button-small" onClick={() => go(PLAIN_QUERY)}>
            Show all {formatCount(rows.size)}
          </button>
        </Note>
      ) : (
        <VirtualList
          label={`${chosen.length} function versions`}
          items={chosen}
          rowHeight={isNarrow ? CARD_HEIGHT : ROW_HEIGHT}
          columns={COLUMNS.length}
          keyOf={(row) => row.summary.versionId}
          rowClass={({ status }) => `status-${status}`}
          onOpen={({ summary }) => {
            location.hash = writeRoute({ page: 'function', versionId: summary.versionId });
          }}
          header={<Head query={query} onSort={sortBy} />}
          row={(row) => <Cells row={row} />}
        />
      )}
      <p class="count muted" aria-live="polite">
        {reading.state === 'loading' && rows.size > 0
          ? `Reading… ${formatCount(reading.count)} so far`
          : rows.size > 0 && `${formatCount(chosen.length)} of ${formatCount(rows.size)}`}
      </p>
    </div>
  );
}

function Totals({ totals }: { totals: FleetTotals }) {
  const isPartial = totals.seen < totals.versions;
  return (
    <dl class="totals">
      <Total name="Versions" value={totals.versions} />
      <Total
        name="Actual"
        value={totals.actual}
        part={isPartial ? `${formatCount(totals.seen)} of ${formatCount(totals.versions)} seen here` : undefined}
      />
      <Total name="Wanted" value={totals.wanted} />
      <Total name="Moving" value={totals.byFilter.moving} />
      <Total name="No answer" value={totals.byFilter.blind} tone={totals.byFilter.blind > 0 ? 'warn' : undefined} />
      <Total
        name="Orders failed"
        value={totals.byFilter.failed}
        tone={totals.byFilter.failed > 0 ? 'bad' : undefined}
      />
    </dl>
  );
}

function Total(props: { name: string; value: number; tone?: string | undefined; part?: string | undefined }) {
  return (
    <div class={`total ${props.tone ? `total-${props.tone}` : ''}`}>
      <dt>{props.name}</dt>
      <dd>
        {formatCount(props.value)}
        {props.part && <small>{props.part}</small>}
      </dd>
    </div>
  );
}

function Filters(props: { totals: FleetTotals; chosen: Filter; onChoose: (filter: Filter) => void }) {
  return (
    <fieldset class="filters">
      <legend class="unseen">Show</legend>
      {FILTERS.filter(
        (filter) =>
          props.totals.byFilter[filter] > 0 || filter === 'all' || filter === props.chosen || filter === 'moving',
      ).map((filter) => (
        <button
          key={filter}
          type="button"
          class="filter"
          aria-pressed={props.chosen === filter}
          onClick={() => props.onChoose(filter)}
        >
          {filter === 'all' ? 'all' : ROW_STATUS_NAMES[filter]}
          <span class="filter-count">{formatCount(props.totals.byFilter[filter])}</span>
        </button>
      ))}
    </fieldset>
  );
}

function Head({ query, onSort }: { query: Query; onSort: (sort: Sort) => void }) {
  return (
    <div class="list-head" role="row" aria-rowindex={1}>
      {COLUMNS.map(({ sort, name, isNumber, hint }) => {
        const isSorted = query.sort === sort;
        return (
          <div
            key={sort}
            role="columnheader"
            class={`cell cell-${sort} ${isNumber ? 'number' : ''}`}
            aria-sort={isSorted ? (query.isDescending ? 'descending' : 'ascending') : 'none'}
          >
            <button type="button" title={hint} onClick={() => onSort(sort)}>
              {name}
              <span class="sort-mark" aria-hidden="true">
                {isSorted ? (query.isDescending ? '↓' : '↑') : ''}
              </span>
            </button>
          </div>
        );
      })}
    </div>
  );
}

function Cells({ row: { summary, status } }: { row: Row }) {
  const nowMs = useNow();
  const { latest, isMine } = summary;
  const wanted = wantedOf(summary);
  const actual = latest?.actual ?? null;
  const isApart = actual !== null && wanted !== null && actual !== wanted;
  const isAbstaining = latest?.verdict === 'abstain';
  return (
    <>
      <div role="gridcell" class="cell cell-name" tabIndex={-1}>
        <a
          class={summary.name === null ? 'mono version' : 'version'}
          tabIndex={-1}
          href={writeRoute({ page: 'function', versionId: summary.versionId })}
          title={summary.name ?? summary.versionId}
        >
          {summary.name ?? summary.versionId}
        </a>
        <span
          class={summary.name === null ? 'muted sub' : 'muted sub mono version-id'}
          title={`version ${summary.versionId}, function ${summary.functionId}, account ${summary.account}`}
        >
          {summary.name === null ? summary.functionId : summary.versionId}
        </span>
      </div>
      <div role="gridcell" class="cell cell-status" tabIndex={-1}>
        {latest ? (
          <VerdictChip verdict={latest.verdict} />
        ) : (
          <span class="chip">{isMine ? 'waiting' : 'elsewhere'}</span>
        )}
        <span class={`why why-${status}`}>{whyOf(summary, status)}</span>
      </div>
      <div role="gridcell" class={`cell cell-actual number ${isApart ? 'apart' : ''}`} tabIndex={-1}>
        {formatCount(actual)}
      </div>
      <div role="gridcell" class={`cell cell-wanted number ${isApart ? 'apart' : ''}`} tabIndex={-1}>
        <strong>{formatCount(wanted)}</strong>
      </div>
      <div role="gridcell" class={`cell cell-utilisation number ${isAbstaining ? 'doubtful' : ''}`} tabIndex={-1}>
        {isMine && summary.utilisation !== null && (
          <Meter percent={summary.utilisation === '+Inf' ? 100 : summary.utilisation} />
        )}
        <span>{formatValue(summary.utilisation, ' %')}</span>
      </div>
      <div role="gridcell" class={`cell cell-demand number ${isAbstaining ? 'doubtful' : ''}`} tabIndex={-1}>
        {formatValue(summary.demand)}
      </div>
      <div role="gridcell" class="cell cell-changed number muted" tabIndex={-1}>
        {summary.changedAt ? formatAgo(summary.changedAt, nowMs) : UNKNOWN}
      </div>
      <div role="gridcell" class="cell cell-owner" title={summary.owner ?? undefined} tabIndex={-1}>
        {formatMember(summary.owner)}
        {isMine && <span class="muted"> · here</span>}
      </div>
    </>
  );
}

function whyOf(summary: Row['summary'], status: Row['status']): string {
  if (status === 'failed') return `order ${summary.outcome}`;
  if (status === 'elsewhere') return summary.outcome ? `last order ${formatCode(summary.outcome)}` : 'no order yet';
  const reasons = summary.latest?.reasons ?? [];
  // The last reason has had the last word.
  return formatCode(reasons.at(-1) ?? 'no decision yet');
}

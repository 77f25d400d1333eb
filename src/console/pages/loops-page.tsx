import type { Loop } from '../api/shapes.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Fact, Note } from '../parts/notes.tsx';
import { useCell, useNow } from '../state/hooks.ts';
import type { Session } from '../state/session.ts';
import {
  formatAgo,
  formatClock,
  formatCode,
  formatCount,
  formatDuration,
  formatMember,
  formatSpan,
} from '../view/format.ts';

export function LoopsPage({ session }: { session: Session }) {
  const status = useCell(session.status);
  const nowMs = useNow();
  if (!status) return <Note tone="busy" title="Asking the member how it is" />;
  const { freeze } = status;
  return (
    <div class="loops-page">
      <h1>
        Loops and dependencies <span class="muted">of {formatMember(status.memberId)}</span>
      </h1>
      <dl class="facts">
        <Fact name="Member" hint={status.memberId}>
          {formatMember(status.memberId)}
        </Fact>
        <Fact name="Release">{status.version}</Fact>
        <Fact name="Running for">{status.startedAt ? formatSpan(nowMs - Date.parse(status.startedAt)) : '–'}</Fact>
        <Fact name="Buckets">{formatCount(status.bucketsOwned)}</Fact>
        <Fact name="Freeze" hint={freeze.cause ?? undefined}>
          {freeze.isFrozen ? `frozen ${formatAgo(freeze.since, nowMs)}` : freeze.isReleased ? 'released' : 'none'}
        </Fact>
      </dl>
      <h2>Dependencies</h2>
      <ul class="dependencies">
        {status.dependencies.map(({ name, state, detail, hasAnswered }) => (
          <li key={name} class={`dependency dependency-${state}`}>
            <span class="dot" aria-hidden="true" />
            <strong>{formatCode(name)}</strong>
            <span class="dependency-state">{state}</span>
            <span class="muted">{detail || (hasAnswered ? '' : 'has not answered yet')}</span>
          </li>
        ))}
      </ul>
      <h2>Loops</h2>
      <DataTable columns={columnsOf(nowMs)} rows={status.loops} keyOf={({ name }) => name} />
    </div>
  );
}

function columnsOf(nowMs: number): Column<Loop>[] {
  return [
    {
      name: 'Loop',
      cell: (loop) => (
        <>
          <strong>{loop.name}</strong>
          <span class="muted sub">{loop.purpose}</span>
          {loop.lastError && <span class="sub loop-error">{loop.lastError}</span>}
        </>
      ),
    },
    { name: 'State', cell: (loop) => <LoopState loop={loop} /> },
    {
      name: 'Last run',
      isNumber: true,
      hint: ({ lastStartedAt }) => (lastStartedAt ? formatClock(lastStartedAt) : undefined),
      cell: ({ lastStartedAt }) => formatAgo(lastStartedAt, nowMs),
    },
    { name: 'Took', isNumber: true, cell: (loop) => <Took loop={loop} /> },
    { name: 'Every', isNumber: true, isWide: true, cell: ({ periodMs }) => formatDuration(periodMs) },
    { name: 'Runs', isNumber: true, isWide: true, cell: ({ activations }) => formatCount(activations) },
    { name: 'Overruns', isNumber: true, isWide: true, cell: ({ overruns }) => formatCount(overruns) },
    { name: 'Failures', isNumber: true, cell: ({ failures }) => formatCount(failures) },
  ];
}

function LoopState({ loop }: { loop: Loop }) {
  if (loop.isHung) return <span class="state state-bad">hangs for {formatSpan(loop.idleForMs)}</span>;
  if (loop.isRunning) return <span class="state state-good">running</span>;
  if (loop.lastResult === 'failed') return <span class="state state-bad">failed</span>;
  return <span class="state">{loop.activations === 0 ? 'not yet' : 'waiting'}</span>;
}

/** The part of its period that the last run took. */
function Took({ loop }: { loop: Loop }) {
  const share = loop.lastDurationMs === undefined ? 0 : Math.min(100, (100 * loop.lastDurationMs) / loop.periodMs);
  return (
    <>
      <span class="meter" aria-hidden="true">
        <span style={{ width: `${share}%` }} class={share >= 85 ? 'meter-high' : ''} />
      </span>
      <span class="took">{formatDuration(loop.lastDurationMs)}</span>
    </>
  );
}

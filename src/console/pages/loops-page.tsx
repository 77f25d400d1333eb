import type { Loop } from '../api/shapes.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Fact, Meter, Note } from '../parts/notes.tsx';
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

const STATE_TONES = { up: 'good', down: 'bad', awaited: '' };

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
      <ul class="panel dependencies">
        {status.dependencies.map(({ name, state, detail, hasAnswered }) => (
          <li key={name} class="dependency">
            <span class={`dot ${STATE_TONES[state]}`} aria-hidden="true" />
            <strong>{formatCode(name)}</strong>
            <span class={STATE_TONES[state]}>{state}</span>
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
  if (loop.isHung) return <span class="bad">hangs for {formatSpan(loop.idleForMs)}</span>;
  if (loop.isRunning) return <span class="good">running</span>;
  if (loop.lastResult === 'failed') return <span class="bad">failed</span>;
  return <span>{loop.activations === 0 ? 'not yet' : 'waiting'}</span>;
}

/** The part of its period that the last run took. */
function Took({ loop }: { loop: Loop }) {
  return (
    <>
      <Meter percent={(100 * (loop.lastDurationMs ?? 0)) / loop.periodMs} />
      <span class="took">{formatDuration(loop.lastDurationMs)}</span>
    </>
  );
}

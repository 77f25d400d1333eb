import type { Version } from '../api/shapes.ts';
import {
  formatAgo,
  formatClock,
  formatCode,
  formatCount,
  formatMember,
  formatSpan,
  formatValue,
  UNKNOWN,
} from '../view/format.ts';
import { Fact } from './notes.tsx';

/** What is known of a version now, in one line of names and values. */
export function VersionFacts({ version, wanted, nowMs }: { version: Version; wanted: number | null; nowMs: number }) {
  const { target, state, memory, calls } = version;
  const since = (at: string | null | undefined) => (at ? formatAgo(at, nowMs) : UNKNOWN);
  return (
    <dl class="facts">
      <div class="fact fact-big">
        <dt>Actual → wanted</dt>
        <dd>
          {formatCount(version.latest?.actual)} <span class="muted">→</span> <strong>{formatCount(wanted)}</strong>
        </dd>
      </div>
      <Fact name="Utilisation">{formatValue(version.utilisation.at(-1)?.value, ' %')}</Fact>
      <Fact name="Demand">{formatValue(version.demand.at(-1)?.value)}</Fact>
      <Fact name="Bounds" hint={version.targetAsOf ? `as told ${since(version.targetAsOf)}` : undefined}>
        {target ? `${target.min} to ${target.max}` : UNKNOWN}
      </Fact>
      <Fact name="Concurrency" hint="calls that one instance takes at a time">
        {formatCount(target?.concurrency)}
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
          calls?.watchedSince ? `calls watched since ${formatClock(calls.watchedSince, { withDate: true })}` : undefined
        }
      >
        {calls ? (calls.lastAt ? since(calls.lastAt) : 'none seen') : UNKNOWN}
      </Fact>
      <Fact name="Last order" hint={state ? `token ${state.token}, by ${state.holder}` : undefined}>
        {state ? (
          <>
            {state.phase === 'pending' ? 'pending' : (state.outcome && formatCode(state.outcome)) || UNKNOWN}{' '}
            <span class="muted">{since(state.phase === 'pending' ? state.claimedAt : state.settledAt)}</span>
          </>
        ) : (
          'none yet'
        )}
      </Fact>
      {memory?.raisedAt && <Fact name="Last raised">{since(memory.raisedAt)}</Fact>}
      {memory?.loweredAt && <Fact name="Last lowered">{since(memory.loweredAt)}</Fact>}
      {memory?.blindSince && <Fact name="Load unseen for">{formatSpan(nowMs - Date.parse(memory.blindSince))}</Fact>}
      {memory?.apartSince && <Fact name="Actual differs for">{formatSpan(nowMs - Date.parse(memory.apartSince))}</Fact>}
      <Fact name="Evaluated by" hint={version.owner ?? undefined}>
        {formatMember(version.owner)} <span class="muted">bucket {version.bucket}</span>
      </Fact>
    </dl>
  );
}

import type { Entry, ExplainedDecision, Sample } from '../api/shapes.ts';
import { formatClock, formatCode, formatCount, formatMember, formatValue } from '../view/format.ts';
import { VerdictChip } from './icons.tsx';

/** One decision as it came about: each stage in its order, what was done, and what would have had to be different. */
export function Explanation({ decision }: { decision: ExplainedDecision | Entry }) {
  const entry = 'holder' in decision ? decision : undefined;
  return (
    <article class="panel explanation" aria-label="The decision explained">
      <header>
        <VerdictChip verdict={decision.verdict} />
        <span class="change">
          <span class="muted">{formatCount(decision.previous)}</span>
          <span aria-hidden="true"> → </span>
          <span class="unseen">to</span>
          <strong>{formatCount(decision.wanted)}</strong>
        </span>
        <span class="muted">with {formatCount(decision.actual)} running</span>
        <time class="muted" dateTime={decision.at}>
          {formatClock(decision.at, { withDate: true })}
        </time>
      </header>
      <p class="muted small">{decision.policy}</p>
      <h4>Why, in order of effect</h4>
      <ol class="reasons">
        {decision.reasons.map((reason, index) => (
          <li key={index}>
            <span class="reason-code">{formatCode(reason.code)}</span>
            <span class="reason-text">{reason.text}</span>
          </li>
        ))}
        {decision.reasons.length === 0 && <li class="muted">No reason was recorded.</li>}
      </ol>
      {decision.whyNot.length > 0 && (
        <>
          <h4>Why not otherwise</h4>
          <ul class="why-not">
            {decision.whyNot.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        </>
      )}
      {entry && (
        <>
          <h4>What was done</h4>
          <p class="done">
            {entry.outcome ? (
              <>
                <span class={`outcome ${isGood(entry.outcome) ? 'good' : 'bad'}`}>{formatCode(entry.outcome)}</span> by{' '}
                {formatMember(entry.holder)}
                {entry.token && (
                  <>
                    {' '}
                    under token <span class="mono">{entry.token}</span>
                  </>
                )}
              </>
            ) : (
              <>Nothing was to be done. Decided by {formatMember(entry.holder)}.</>
            )}
          </p>
          {entry.detail && <p class="detail mono">{entry.detail}</p>}
          <Samples name="Utilisation" unit=" %" samples={entry.utilisation} />
          <Samples name="Demand" unit="" samples={entry.demand} />
        </>
      )}
      {decision.reasons.some(({ facts }) => Object.keys(facts).length > 0) && (
        <details>
          <summary>Facts behind the reasons</summary>
          <table class="plain">
            <tbody>
              {decision.reasons.flatMap(({ code, facts }, index) =>
                Object.entries(facts).map(([name, value]) => (
                  <tr key={`${index} ${name}`}>
                    <td>{formatCode(code)}</td>
                    <td>{name}</td>
                    <td class="number mono">{String(value)}</td>
                  </tr>
                )),
              )}
            </tbody>
          </table>
        </details>
      )}
    </article>
  );
}

function isGood(outcome: string): boolean {
  return outcome === 'applied' || outcome === 'already-so' || outcome === 'dry-run';
}

function Samples({ name, unit, samples }: { name: string; unit: string; samples: readonly Sample[] }) {
  if (samples.length === 0) return null;
  const values = samples.map(({ value }) => (typeof value === 'number' ? value : Number.NaN)).filter(Number.isFinite);
  const range =
    values.length > 0 ? `${formatValue(Math.min(...values))} to ${formatValue(Math.max(...values), unit)}` : 'infinite';
  return (
    <details>
      <summary>
        {name}: {samples.length} {samples.length === 1 ? 'sample' : 'samples'}, {range}
      </summary>
      <ol class="samples">
        {samples.map(({ at, value }) => (
          <li key={at}>
            <time dateTime={at}>{formatClock(at)}</time>
            <span class="number">{formatValue(value, unit)}</span>
          </li>
        ))}
      </ol>
    </details>
  );
}

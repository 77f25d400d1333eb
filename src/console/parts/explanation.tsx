import type { Entry, Sample, Told } from '../api/shapes.ts';
import { tellClock, tellCode, tellCount, tellMember, tellValue } from '../view/format.ts';
import { VerdictChip } from './icons.tsx';

/** One decision as it came about: each stage in its order, what was done, and what would have had to be different. */
export function Explanation({ told }: { told: Told | Entry }) {
  const entry = 'holder' in told ? told : undefined;
  return (
    <article class="explanation" aria-label="The decision explained">
      <header>
        <VerdictChip verdict={told.verdict} />
        <span class="change">
          <span class="muted">{tellCount(told.previous)}</span>
          <span aria-hidden="true"> → </span>
          <span class="unseen">to</span>
          <strong>{tellCount(told.wanted)}</strong>
        </span>
        <span class="muted">with {tellCount(told.actual)} running</span>
        <time class="muted" dateTime={told.at}>
          {tellClock(told.at, { withDate: true })}
        </time>
      </header>
      <p class="muted small">{told.policy}</p>
      <h4>Why, in order of effect</h4>
      <ol class="reasons">
        {told.reasons.map((reason, index) => (
          <li key={index}>
            <span class="reason-code">{tellCode(reason.code)}</span>
            <span class="reason-text">{reason.text}</span>
          </li>
        ))}
        {told.reasons.length === 0 && <li class="muted">No reason was recorded.</li>}
      </ol>
      {told.whyNot.length > 0 && (
        <>
          <h4>Why not otherwise</h4>
          <ul class="why-not">
            {told.whyNot.map((sentence) => (
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
                <span class={`outcome outcome-${isGood(entry.outcome) ? 'good' : 'bad'}`}>
                  {tellCode(entry.outcome)}
                </span>{' '}
                by {tellMember(entry.holder)}
                {entry.token && (
                  <>
                    {' '}
                    under token <span class="mono">{entry.token}</span>
                  </>
                )}
              </>
            ) : (
              <>Nothing was to be done. Decided by {tellMember(entry.holder)}.</>
            )}
          </p>
          {entry.detail && <p class="detail mono">{entry.detail}</p>}
          <Samples name="Utilisation" unit=" %" samples={entry.utilisation} />
          <Samples name="Demand" unit="" samples={entry.demand} />
        </>
      )}
      {told.reasons.some(({ facts }) => Object.keys(facts).length > 0) && (
        <details>
          <summary>Facts behind the reasons</summary>
          <table class="plain">
            <tbody>
              {told.reasons.flatMap(({ code, facts }, index) =>
                Object.entries(facts).map(([name, value]) => (
                  <tr key={`${index} ${name}`}>
                    <td>{tellCode(code)}</td>
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
    values.length > 0 ? `${tellValue(Math.min(...values))} to ${tellValue(Math.max(...values), unit)}` : 'infinite';
  return (
    <details>
      <summary>
        {name}: {samples.length} {samples.length === 1 ? 'sample' : 'samples'}, {range}
      </summary>
      <ol class="samples">
        {samples.map(({ at, value }) => (
          <li key={at}>
            <time dateTime={at}>{tellClock(at)}</time>
            <span class="number">{tellValue(value, unit)}</span>
          </li>
        ))}
      </ol>
    </details>
  );
}

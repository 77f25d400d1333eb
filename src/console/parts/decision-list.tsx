import type { Entry, Version } from '../api/shapes.ts';
import { formatAgo, formatClock, formatCode, formatCount } from '../view/format.ts';
import { VerdictChip } from './icons.tsx';

/** The decision of this moment, and under it those that the ledger holds; one of them is explained beside the list. */
export function DecisionList(props: {
  readonly latest: Version['latest'];
  readonly entries: readonly Entry[];
  /** None: the latest is. */
  readonly chosen: Entry | undefined;
  readonly nowMs: number;
  readonly onChoose: (entry: Entry | undefined) => void;
  readonly onMore: (() => void) | undefined;
}) {
  const { latest, entries, chosen, nowMs, onChoose, onMore } = props;
  return (
    <section aria-label="Decisions">
      <h2>Decisions</h2>
      <ol class="panel decision-list">
        {latest && (
          <li>
            <button
              type="button"
              class="decision"
              aria-pressed={chosen === undefined}
              onClick={() => onChoose(undefined)}
            >
              <time dateTime={latest.at}>{formatAgo(latest.at, nowMs)}</time>
              <VerdictChip verdict={latest.verdict} />
              <span class="decision-why">{formatCode(latest.reasons.at(-1)?.code ?? '')}</span>
              <span class="muted">latest</span>
            </button>
          </li>
        )}
        {entries.map((entry) => (
          <li key={`${entry.at} ${entry.token}`}>
            <button type="button" class="decision" aria-pressed={entry === chosen} onClick={() => onChoose(entry)}>
              <time dateTime={entry.at} title={formatClock(entry.at, { withDate: true })}>
                {formatClock(entry.at)}
              </time>
              <VerdictChip verdict={entry.verdict} />
              <span class="decision-why">
                {entry.wanted !== entry.previous && (
                  <strong>
                    {formatCount(entry.previous)} → {formatCount(entry.wanted)}{' '}
                  </strong>
                )}
                {formatCode(entry.reasons.at(-1)?.code ?? '')}
              </span>
              {entry.outcome && <span class="muted decision-outcome">{formatCode(entry.outcome)}</span>}
            </button>
          </li>
        ))}
      </ol>
      {entries.length === 0 && (
        <p class="muted pad">
          The ledger has no decision of this version: it has only been kept as it was since it was met.
        </p>
      )}
      {onMore && (
        <button type="button" class="button button-small" onClick={onMore}>
          Older…
        </button>
      )}
    </section>
  );
}

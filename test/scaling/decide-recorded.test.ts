import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/scaling/decide.ts';
import { parseLine, readValue, situationOf } from './as-recorded.ts';
import { RECORDED_DECISIONS, type RecordedDecision } from './vectors/recorded.ts';

/** Where we differ on purpose: every line by its id, under the reason why. */
const DIFFERENCES: Record<string, { why: string; ids: string[] }> = JSON.parse(
  readFileSync(new URL('vectors/differences.json', import.meta.url), 'utf8'),
);

/** A reason may only be claimed for lines that have what it speaks of. */
const APPLIES: Record<string, (line: RecordedDecision) => boolean> = {
  'policy-silent': ({ fetched }) => fetched?.result === 'error' || fetched?.result === 'no_client',
  'policy-refused': (line) => !parseLine(line).ok,
  'no-samples': ({ rows }) => rows.length === 0,
  'unreadable-sample': ({ rows }) => rows.some(([, text]) => !isNaNText(text) && !(readValue(text) >= 0)),
  'infinite-load': ({ rows }) => rows.some(([, text]) => readValue(text) === Number.POSITIVE_INFINITY),
  'missing-sample': ({ rows }) => rows.some(([, text]) => isNaNText(text)),
  'failed-write': ({ cached }) => cached !== undefined && cached.error !== null,
  'wish-stands': ({ cached, desired }) => cached?.error === null && cached.desired !== desired,
  'total-of-versions': ({ gatewayInstances }) => gatewayInstances !== undefined,
};

function isNaNText(text: string): boolean {
  return /^[+-]?nan$/i.test(text);
}

/** What both come to: the number that stands afterwards, and whether anything is sent for it. */
function agrees(line: RecordedDecision): boolean {
  const situation = situationOf(line);
  const { verdict, wanted, reasons } = decide(situation).decision;
  const isSent = verdict === 'raise' || verdict === 'lower';
  const isFor = (code: string) => reasons.some((reason) => reason.code === code);
  switch (line.action) {
    case 'skip_in_flight':
      return !isSent && (isFor('in-flight') || isFor('gone'));
    case 'skip_not_found':
      return !isSent && isFor('gone');
    case 'skip_duplicate':
      return !isSent && wanted === line.desired;
    case 'send': {
      // Of a function with several versions the peer decides the total, and what it sends is a share of that.
      if (line.gatewayInstances !== undefined) return wanted === line.desiredTotal;
      // It also sends what is so already when it remembers nothing; we have no cause to.
      const isNews = situation.previous !== undefined || line.desired !== line.instances;
      return wanted === line.desired && isSent === isNews;
    }
    default:
      return line.action satisfies never;
  }
}

describe('decide, beside what the peer decided', () => {
  const reasonById = new Map(
    Object.entries(DIFFERENCES).flatMap(([reason, { ids }]) => ids.map((id) => [id, reason] as const)),
  );

  it('differs on the listed lines and on no other', () => {
    const differing = RECORDED_DECISIONS.filter((line) => !agrees(line)).map(({ id }) => id);
    expect(differing).toEqual([...reasonById.keys()].sort());
  });

  it('differs on each for the reason that is given', () => {
    const byId = new Map(RECORDED_DECISIONS.map((line) => [line.id, line]));
    for (const [id, reason] of reasonById) {
      const line = byId.get(id);
      expect(line && APPLIES[reason]?.(line), `${id}: ${reason}`).toBe(true);
    }
  });

  it('lowers on none of the lines whose samples are missing or unreadable', () => {
    for (const reason of ['no-samples', 'unreadable-sample']) {
      const ids = new Set(DIFFERENCES[reason]?.ids);
      for (const line of RECORDED_DECISIONS.filter(({ id }) => ids.has(id))) {
        expect(decide(situationOf(line)).decision.verdict, line.id).not.toBe('lower');
      }
    }
  });
});

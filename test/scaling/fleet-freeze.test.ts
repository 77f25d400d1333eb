import { describe, expect, it } from 'vitest';
import type { Control } from '../../src/domain/control.ts';
import type { Decision } from '../../src/domain/decision.ts';
import { decide } from '../../src/scaling/decide.ts';
import {
  type FleetTally,
  FREEZE_DEFAULTS,
  freezeDecision,
  judgeFleet,
  newTally,
  tallyDecision,
  UNFROZEN,
} from '../../src/scaling/fleet-freeze.ts';
import { codesOf } from './rehearsal.ts';
import { aSituation, aWindow, NOW_MS, settledMemory, someSignals } from './situations.ts';

const CALM: FleetTally = { versions: 100, blind: 0, falling: 5, wantedBefore: 1000, wantedAfter: 990 };
const cool = someSignals({ utilisation: aWindow([10]) });

function judge(tally: Partial<FleetTally>, given: Partial<Parameters<typeof judgeFleet>[0]> = {}) {
  return judgeFleet({
    tally: { ...CALM, ...tally },
    memory: UNFROZEN,
    settings: FREEZE_DEFAULTS,
    controls: [],
    nowMs: NOW_MS,
    ...given,
  });
}

describe('the fleet-wide guard', () => {
  it.each([
    ['lose their signal', { blind: 31 }, 'signals-lost'],
    ['fall', { falling: 31 }, 'versions-falling'],
    ['are few and take much with them', { falling: 10, wantedAfter: 690 }, 'total-falling'],
  ] as const)('freezes when many %s at once', (_what, tally, cause) => {
    expect(judge(tally)).toMatchObject({ isFrozen: true, memory: { cause, frozenSinceMs: NOW_MS } });
  });

  it.each([
    ['just as many as are allowed lose their signal', { blind: 30 }],
    ['just as many as are allowed fall', { falling: 30 }],
    ['one large version falls', { falling: 1, wantedAfter: 100 }],
    ['most of a small fleet falls', { versions: 12, falling: 9, wantedAfter: 100 }],
    ['there is no fleet', newTally()],
  ])('does not when %s', (_what, tally) => {
    expect(judge(tally).isFrozen).toBe(false);
  });

  it('thaws when it has been calm for long enough, and not before', () => {
    let { memory } = judge({ blind: 50 });
    const at = (seconds: number, tally: Partial<FleetTally> = {}) => {
      const judgement = judge(tally, { memory, nowMs: NOW_MS + seconds * 1000 });
      memory = judgement.memory;
      return judgement.isFrozen;
    };
    expect(at(15)).toBe(true);
    expect(at(200)).toBe(true);
    expect(at(250, { blind: 40 })).toBe(true);
    expect(at(315)).toBe(true);
    expect(at(614)).toBe(true);
    expect(at(615)).toBe(false);
    expect(memory).toEqual(UNFROZEN);
  });

  it('stays while the cause stays, and tells since when', () => {
    let { memory } = judge({ falling: 50 });
    for (let cycle = 1; cycle <= 240; cycle += 1) {
      const judgement = judge({ falling: 50 }, { memory, nowMs: NOW_MS + cycle * 15_000 });
      memory = judgement.memory;
      expect(judgement.isFrozen).toBe(true);
    }
    expect(memory.frozenSinceMs).toBe(NOW_MS);
  });

  it('is released by a person until the release lapses', () => {
    const release: Control = { kind: 'freeze-release', until: NOW_MS + 60_000, by: 'ana', why: 'looked' };
    const { memory } = judge({ falling: 50 });
    expect(judge({ falling: 50 }, { memory, controls: [release] })).toMatchObject({
      isFrozen: false,
      isReleased: true,
    });
    expect(judge({}, { controls: [release] })).toMatchObject({ isFrozen: false, isReleased: false });
    expect(judge({ falling: 50 }, { controls: [release], nowMs: NOW_MS + 60_000 }).isFrozen).toBe(true);
  });
});

describe('counting a cycle', () => {
  it('counts what would fall also while it may not', () => {
    for (const isFleetFrozen of [false, true]) {
      const tally = newTally();
      for (let version = 0; version < 3; version += 1) {
        tallyDecision(tally, decide(aSituation({ signals: cool, isFleetFrozen })));
      }
      tallyDecision(tally, decide(aSituation()));
      expect(tally).toEqual({ versions: 4, blind: 0, falling: 3, wantedBefore: 40, wantedAfter: 34 });
    }
  });

  it('counts lost signals where there was one and something is wanted', () => {
    const tally = newTally();
    const gone = someSignals({ utilisation: aWindow([], 'absent') });
    const situation = aSituation({ signals: gone });
    tallyDecision(tally, decide(situation));
    tallyDecision(tally, decide({ ...situation, memory: { ...situation.memory, wasSighted: false } }));
    tallyDecision(tally, decide({ ...situation, previous: 0 }));
    expect(tally).toMatchObject({ versions: 2, blind: 1 });
  });
});

describe('a decision under a freeze that was found after it', () => {
  it('is kept as if the freeze had been known', () => {
    const situation = aSituation({ signals: cool });
    const lowered = decide(situation).decision;
    expect(lowered.verdict).toBe('lower');
    expect(freezeDecision(lowered)).toEqual(decide({ ...situation, isFleetFrozen: true }).decision);
    expect(codesOf(lowered)).not.toContain('fleet-frozen');
  });

  it('stands when it raises, keeps, or was a person’s', () => {
    const raised = decide(aSituation({ signals: someSignals({ utilisation: aWindow([90]) }) })).decision;
    expect(freezeDecision(raised)).toBe(raised);
    const kept: Decision = decide(aSituation()).decision;
    expect(freezeDecision(kept)).toBe(kept);
    const control: Control = { kind: 'override', versionId: 'v', wanted: 2, until: NOW_MS + 1, by: 'ana', why: '' };
    const overridden = decide(aSituation({ controls: [control] })).decision;
    expect(freezeDecision(overridden)).toBe(overridden);
  });
});

describe('a store that answers, and answers wrong', () => {
  it('brings nothing down, from its first cycle on', () => {
    let memory = UNFROZEN;
    const fleet = Array.from({ length: 50 }, () => ({ memory: settledMemory(10) }));
    for (let cycle = 0; cycle < 100; cycle += 1) {
      const nowMs = NOW_MS + cycle * 15_000;
      const signals = someSignals({ utilisation: aWindow([0], 'fresh', nowMs) });
      const tally = newTally();
      const decisions = fleet.map((version) => {
        const decided = decide(aSituation({ nowMs, signals, memory: version.memory }));
        version.memory = decided.memory;
        tallyDecision(tally, decided);
        return decided.decision;
      });
      expect(decisions.every(({ verdict }) => verdict === 'lower')).toBe(true);
      const judgement = judgeFleet({ tally, memory, settings: FREEZE_DEFAULTS, controls: [], nowMs });
      memory = judgement.memory;
      const allowed = judgement.isFrozen ? decisions.map(freezeDecision) : decisions;
      expect(allowed.every(({ verdict, wanted }) => verdict === 'keep' && wanted === 10)).toBe(true);
    }
  });
});

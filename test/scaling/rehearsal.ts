import type { Control } from '../../src/domain/control.ts';
import type { Decision } from '../../src/domain/decision.ts';
import { defaultPolicy, type Policy } from '../../src/domain/policy.ts';
import type { Signals } from '../../src/domain/signal.ts';
import type { Target } from '../../src/domain/target.ts';
import { decide } from '../../src/scaling/decide.ts';
import { DECIDING_DEFAULTS, type DecidingSettings } from '../../src/scaling/deciding-settings.ts';
import { FRESH_MEMORY, type Memory, readMemory, writeMemory } from '../../src/scaling/memory.ts';
import { aGauge, aSituation, aTarget, aWindow, NOW_MS, policyKnown, someSignals } from './situations.ts';

const CYCLE_MS = 15_000;

/** What is seen in one cycle; what is left out is seen as healthy. */
export interface Seen {
  readonly utilisation?: number | undefined;
  readonly demand?: number | undefined;
  readonly signals?: Partial<Signals>;
  /** When it was last called, in seconds before now; undefined: not within memory. */
  readonly calledAgoSeconds?: number | undefined;
}

/** One version over time: evaluated every 15 s, with a control plane that accepts or fails, and instances that follow or not. */
export class Rehearsal {
  nowMs = NOW_MS;
  memory: Memory = FRESH_MEMORY;
  /** What the control plane last accepted. */
  accepted: number | undefined;
  running: number;
  policy: Policy = defaultPolicy('steps');
  target: Partial<Target> = {};
  controls: readonly Control[] = [];
  isFleetFrozen = false;
  settings: Partial<DecidingSettings> = {};
  doesAccept = true;
  doesFollow = true;

  constructor(running: number, given: { accepted?: number | undefined; policy?: Policy } = {}) {
    this.running = running;
    this.accepted = 'accepted' in given ? given.accepted : running;
    if (given.policy) this.policy = given.policy;
  }

  /** Past the first evaluations, with load that moves nothing. */
  settled(seen: Seen): this {
    for (let cycle = 0; cycle < 4; cycle += 1) this.cycle(seen);
    return this;
  }

  cycle(seen: Seen): Decision {
    this.nowMs += CYCLE_MS;
    const { decision, memory } = decide(
      aSituation({
        nowMs: this.nowMs,
        signals: this.#signals(seen),
        target: { state: 'known', ageMs: 0, target: aTarget(this.target) },
        policy: policyKnown(this.policy),
        previous: this.accepted,
        memory: this.memory,
        controls: this.controls,
        isFleetFrozen: this.isFleetFrozen,
        settings: { ...DECIDING_DEFAULTS, ...this.settings },
      }),
    );
    this.memory = memory;
    if (decision.verdict === 'raise' || decision.verdict === 'lower') {
      if (this.doesAccept) this.accepted = decision.wanted;
      if (this.doesAccept && this.doesFollow) this.running = decision.wanted ?? this.running;
    }
    return decision;
  }

  /** The same sight again and again; every decision of it. */
  cycles(count: number, seen: Seen): Decision[] {
    return Array.from({ length: count }, () => this.cycle(seen));
  }

  /** Another member takes over, with what stood in the row. */
  handOver(): void {
    this.memory = readMemory(JSON.parse(JSON.stringify(writeMemory(this.memory))), this.nowMs);
  }

  #signals({ utilisation, demand, signals, calledAgoSeconds }: Seen): Signals {
    return someSignals({
      utilisation: aWindow(utilisation === undefined ? [] : [utilisation], 'fresh', this.nowMs),
      demand: aWindow(demand === undefined ? [] : [demand], 'fresh', this.nowMs),
      instances: { ...aGauge(this.running), atMs: this.nowMs },
      invocation: {
        quality: 'fresh',
        lastMs: calledAgoSeconds === undefined ? undefined : this.nowMs - calledAgoSeconds * 1000,
        watchedSinceMs: 0,
      },
      ...signals,
    });
  }
}

export function codesOf(decision: Decision): string[] {
  return decision.reasons.map(({ code }) => code);
}

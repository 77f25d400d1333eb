import type { Decision } from '../../domain/decision.ts';
import { newTally, tallyDecision } from '../../scaling/fleet-freeze.ts';
import type { Change } from './act.ts';
import type { Tracked } from './tracked.ts';

/** What one pass over the share came to so far. */
export class Cycle {
  readonly tally = newTally();
  /** Decreases wait for the whole view. */
  readonly lowerings: Change[] = [];
  #raises: Change[] = [];

  add(tracked: Tracked, decision: Decision, options: { needsResend: boolean }): void {
    tallyDecision(this.tally, { decision, memory: tracked.memory });
    if (decision.verdict === 'lower') this.lowerings.push({ tracked, decision });
    else if (decision.verdict === 'raise' || options.needsResend) this.#raises.push({ tracked, decision });
  }

  takeRaises(): Change[] {
    const raises = this.#raises;
    this.#raises = [];
    return raises;
  }
}

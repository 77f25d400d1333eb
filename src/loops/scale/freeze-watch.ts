import type { Logger } from 'pino';
import type { Control } from '../../domain/control.ts';
import {
  type FleetTally,
  type FreezeJudgement,
  type FreezeSettings,
  judgeFleet,
  NOT_FROZEN,
} from '../../scaling/fleet-freeze.ts';
import type { Meters } from '../../telemetry/meters.ts';

/** Remembers whether this replica's share is frozen. Each replica judges its own share: a fair sample of the fleet. */
export class FreezeWatch {
  readonly #options;
  #judgement = NOT_FROZEN;

  constructor(options: { settings: FreezeSettings; logger: Logger; meters: Meters }) {
    this.#options = options;
  }

  get isFrozen(): boolean {
    return this.#judgement.isFrozen;
  }

  /** For people. */
  get judgement(): FreezeJudgement {
    return this.#judgement;
  }

  judge(tally: FleetTally, facts: { controls: readonly Control[]; nowMs: number }): void {
    const { settings, logger, meters } = this.#options;
    if (!settings.enabled) return;
    const before = this.#judgement;
    this.#judgement = judgeFleet({ tally, memory: before.memory, settings, ...facts });
    meters.set('starling_freeze_active', this.isFrozen ? 1 : 0);
    if (before.isFrozen === this.isFrozen) return;
    const { cause } = this.#judgement.memory;
    if (this.isFrozen) {
      logger.error(
        { event: 'freeze.started', cause, ...tally },
        'too much would fall at once: nothing is lowered until it is calm again or somebody releases it',
      );
    } else {
      const { isReleased: released } = this.#judgement;
      logger.warn({ event: 'freeze.ended', released }, 'decreases are let through again');
    }
  }
}

import type { Logger } from 'pino';
import type { Control } from '../../domain/control.ts';
import {
  type FleetTally,
  type FreezeJudgement,
  type FreezeSettings,
  judgeFleet,
  UNFROZEN,
} from '../../scaling/fleet-freeze.ts';
import type { Meters } from '../../telemetry/meters.ts';

/** Remembers whether this replica's share is frozen. Each replica judges its own share: a fair sample of the fleet. */
export class FreezeWatch {
  readonly #settings: FreezeSettings;
  readonly #logger: Logger;
  readonly #meters: Meters;
  #judgement: FreezeJudgement = { isFrozen: false, isReleased: false, memory: UNFROZEN };

  constructor(options: { settings: FreezeSettings; logger: Logger; meters: Meters }) {
    this.#settings = options.settings;
    this.#logger = options.logger;
    this.#meters = options.meters;
  }

  get isFrozen(): boolean {
    return this.#judgement.isFrozen;
  }

  /** For people. */
  get judgement(): FreezeJudgement {
    return this.#judgement;
  }

  judge(tally: FleetTally, facts: { controls: readonly Control[]; nowMs: number }): void {
    if (!this.#settings.enabled) return;
    const before = this.#judgement;
    this.#judgement = judgeFleet({ tally, memory: before.memory, settings: this.#settings, ...facts });
    this.#meters.set('starling_freeze_active', this.isFrozen ? 1 : 0);
    if (before.isFrozen === this.isFrozen) return;
    const { cause } = this.#judgement.memory;
    if (this.isFrozen) {
      this.#logger.error(
        { event: 'freeze.started', cause, ...tally },
        'too much would fall at once: nothing is lowered until it is calm again or somebody releases it',
      );
    } else {
      this.#logger.warn(
        { event: 'freeze.ended', released: this.#judgement.isReleased },
        'decreases are let through again',
      );
    }
  }
}

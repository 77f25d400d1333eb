import type { Control } from '../../domain/control.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Controls } from '../../ports/controls.ts';
import type { RareLog } from '../../telemetry/rare-log.ts';

const NONE: readonly Control[] = [];

/** What operators asked for, as last read: it stays in force while the store does not answer. */
export class CurrentControls {
  readonly #options;
  #byVersion = new Map<string, readonly Control[]>();
  #all = NONE;
  /** Until it was read once it is not known what must be left alone. */
  isRead = false;

  constructor(options: { controls: Controls; clock: Clock; rareLog: RareLog }) {
    this.#options = options;
  }

  get all(): readonly Control[] {
    return this.#all;
  }

  of(versionId: string): readonly Control[] {
    return this.#byVersion.get(versionId) ?? NONE;
  }

  async read(): Promise<void> {
    const { controls, clock, rareLog } = this.#options;
    try {
      this.#all = await controls.list(clock.wallMs());
    } catch (error) {
      const facts = { event: 'controls.stale', err: error };
      rareLog.write('warn', 'controls', facts, 'going on with the controls as last read');
      return;
    }
    this.isRead = true;
    const ofVersions = this.#all.filter((control) => control.kind !== 'freeze-release');
    this.#byVersion = Map.groupBy(ofVersions, ({ versionId }) => versionId);
  }
}
